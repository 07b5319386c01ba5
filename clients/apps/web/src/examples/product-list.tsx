import { api, type Organization, type ProductCreate, unwrap } from '@polar-sh/client'
import { useCreateProduct, useProducts } from '@/hooks/queries/products'

/** The latest products of an organization. */
export function ProductList({ organizationId }: { organizationId: string }) {
  const { data: products, isLoading } = useProducts(organizationId, {
    is_archived: false,
    page: 1,
    limit: 10,
    sorting: ['-created_at'],
  })
  if (isLoading) return <p>Loading products</p>
  return (
    <ul>
      {products?.items.map((product) => (
        <li key={product.id}>
          <h3>{product.name}</h3>
          <p>{product.description}</p>
          <p>${(product.prices[0]?.price_amount ?? 0) / 100}</p>
        </li>
      ))}
    </ul>
  )
}

/** A button that creates a monthly product and says what came of it. */
export function CreateProduct({
  organization,
  product,
  onCreated,
}: {
  organization: Organization
  product: Pick<ProductCreate, 'name' | 'description'>
  onCreated: (id: string) => void
}) {
  const createProduct = useCreateProduct(organization)
  const create = async () => {
    const result = await createProduct.mutateAsync({
      name: product.name,
      description: product.description,
      organization_id: organization.id,
      is_recurring: true,
      recurring_interval: 'month',
      prices: [{ type: 'recurring', amount_type: 'fixed', price_amount: 2900, price_currency: 'usd' }],
    })
    if (!result.error) onCreated(result.data.id)
  }
  return (
    <button type="button" onClick={create}>
      Create {product.name}
    </button>
  )
}

/** The same API without React Query. Raises `ApiError`. */
export async function fetchProduct(productId: string) {
  const product = await unwrap(api.GET('/v1/products/{id}', { params: { path: { id: productId } } }))
  return product
}
