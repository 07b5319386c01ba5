import { useCreateCheckout } from '@/hooks/queries/checkouts'

/** A button that opens a checkout and sends the buyer there. */
export function CheckoutButton({
  productPriceId,
  leave = (url) => window.location.assign(url),
}: {
  productPriceId: string
  leave?: (url: string) => void
}) {
  const createCheckout = useCreateCheckout()
  const buy = async () => {
    const result = await createCheckout.mutateAsync({
      product_price_id: productPriceId,
      success_url: 'https://example.com/success',
      customer_email: 'customer@example.com',
      metadata: { source: 'app_checkout' },
    })
    if (!result.error) leave(`/checkout/${result.data.id}/public/${result.data.client_secret}`)
  }
  return (
    <button type="button" onClick={buy}>
      Buy
    </button>
  )
}
