import type { Checkout } from './types'

/** The address of the page that shows what became of a checkout. */
export const confirmationPath = (secret: string): string =>
  `/checkout/${secret}/confirmation${location.search}`

/** Where a buyer goes after the purchase: the seller's page, or our own. Never back to the form with the browser. */
export function leave(checkout: Checkout): void {
  const own = confirmationPath(checkout.client_secret)
  const wanted = safeUrl(checkout.success_url)
  location.replace(wanted && wanted.origin !== location.origin ? wanted.href : own)
}

/** An address that a browser may be sent to: only web pages. */
export function safeUrl(text: string | null | undefined): URL | null {
  if (!text || !URL.canParse(text, location.href)) return null
  const url = new URL(text, location.href)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null
}
