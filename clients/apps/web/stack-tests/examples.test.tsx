// The components of src/examples, rendered against a running stack, with their buttons pressed.
// tests/pages starts the stack and says in the environment what is there to be found.
import { api, type Organization } from '@polar-sh/client'
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { CheckoutButton } from '@/examples/checkout-button'
import { CreateProduct, fetchProduct, ProductList } from '@/examples/product-list'
import { SubscriptionManager } from '@/examples/subscription-manager'

const given = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: ./polar test pages runs this`)
  return value
}

declare global {
  interface Window {
    happyDOM: { setURL: (url: string) => void }
  }
}

const patience = { timeout: 10_000 }

beforeAll(() => {
  window.happyDOM.setURL(given('POLAR_API_URL'))
  api.use({
    onRequest: ({ request }) => {
      request.headers.set('Authorization', `Bearer ${given('POLAR_ACCESS_TOKEN')}`)
      return request
    },
  })
})
afterEach(cleanup)

test('the list shows the products, and a new one as soon as it is created', async () => {
  const organization = { id: given('POLAR_ORGANIZATION_ID') } as Organization
  let created = ''
  render(
    <>
      <ProductList organizationId={organization.id} />
      <CreateProduct
        organization={organization}
        product={{ name: 'Almanac', description: null }}
        onCreated={(id) => {
          created = id
        }}
      />
    </>,
  )
  fireEvent.click(await screen.findByRole('button', { name: 'Create Almanac' }, patience))
  await screen.findByRole('heading', { name: 'Almanac' }, patience)
  expect((await fetchProduct(created)).name).toBe('Almanac')
})

test('a canceled subscription is shown as one that ends', async () => {
  render(<SubscriptionManager customerId={given('CUSTOMER_ID')} />)
  await screen.findByText('Renews', {}, patience)
  expect(screen.getByText('Amount: $29/month')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Cancel' }))
  await screen.findByText('Ends with its period', {}, patience)
})

test('the button opens a checkout and leads there', async () => {
  let left = ''
  render(
    <CheckoutButton
      productPriceId={given('PRICE_ID')}
      leave={(url) => {
        left = url
      }}
    />,
  )
  fireEvent.click(screen.getByRole('button', { name: 'Buy' }))
  await expect.poll(() => left, patience).toMatch(/^\/checkout\/[0-9a-f-]{36}\/public\/polar_c_/)
})
