import {
  api,
  type Organization,
  type ProductCreate,
  type ProductUpdate,
  type paths,
  unwrap,
} from '@polar-sh/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { asDeclared, type Filters, invalidate, queryClient } from './client'

type Query = NonNullable<paths['/v1/products/']['get']['parameters']['query']>

/** A page of an organization's products. */
export const useProducts = (organizationId: string, filters: Filters<Omit<Query, 'organization_id'>> = {}) =>
  useQuery(
    {
      queryKey: ['products', { organizationId, ...filters }],
      queryFn: () => {
        const query = asDeclared<Query>({ ...filters, organization_id: [organizationId] })
        return unwrap(api.GET('/v1/products/', { params: { query } }))
      },
    },
    queryClient,
  )

/** One product. */
export const useProduct = (id: string) =>
  useQuery(
    {
      queryKey: ['products', id],
      queryFn: () => unwrap(api.GET('/v1/products/{id}', { params: { path: { id } } })),
    },
    queryClient,
  )

/** Creates a product. The result is `{data, error, response}`: a refusal does not throw. */
export const useCreateProduct = (_organization?: Organization) =>
  useMutation(
    {
      mutationFn: (body: ProductCreate) => api.POST('/v1/products/', { body }),
      onSuccess: (result) => (result.error ? undefined : invalidate('products')),
    },
    queryClient,
  )

/** Changes a product; what is absent stays. The result is `{data, error, response}`. */
export const useUpdateProduct = (_organization?: Organization) =>
  useMutation(
    {
      mutationFn: ({ id, body }: { id: string; body: ProductUpdate }) =>
        api.PATCH('/v1/products/{id}', { params: { path: { id } }, body }),
      onSuccess: (result) => (result.error ? undefined : invalidate('products')),
    },
    queryClient,
  )
