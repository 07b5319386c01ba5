import { host } from './embed'
import type { Checkout } from './types'

/** The address of the page that shows what became of a checkout. */
export const confirmationPath = (secret: string): string =>
  `/checkout/${secret}/confirmation${location.search}`

/**
 * Where a buyer goes after the purchase: the seller's page, or our own. Never back to the form with the browser.
 *
 * Inside a seller's page that page goes to the seller's address, and this one shows what was bought meanwhile.
 */
export function leave(checkout: Checkout): void {
  const own = confirmationPath(checkout.client_secret)
  const wanted = safeUrl(checkout.success_url)
  const isElsewhere = wanted !== null && wanted.origin !== location.origin
  host.succeed(checkout, isElsewhere ? wanted.href : new URL(own, location.href).href, isElsewhere)
  location.replace(isElsewhere && host.mode === 'page' ? wanted.href : own)
}

/** Where an expired checkout begins again: the link that it came from, in the same seller's page as before. */
export function restartUrl(url: string, mode = host.mode, search = location.search): string {
  if (mode === 'page') return url
  const again = new URL(url, location.href)
  for (const [name, value] of new URLSearchParams(search)) again.searchParams.set(name, value)
  return again.pathname + again.search
}

/** The window in which a link opens: not the frame of an embedded checkout. */
export const placeOf = (): '_blank' | undefined => (window.self === window.top ? undefined : '_blank')

/** A page of the seller's portal, in the language and the look of this one. */
export function portalPath(slug: string, screen = ''): string {
  const kept = new URLSearchParams()
  const here = new URLSearchParams(location.search)
  for (const name of ['locale', 'theme']) {
    const value = here.get(name)
    if (value) kept.set(name, value)
  }
  return `/${slug}/portal${screen}${kept.size ? `?${kept}` : ''}`
}

/** An address that a browser may be sent to: only web pages. */
export function safeUrl(text: string | null | undefined): URL | null {
  if (!text || !URL.canParse(text, location.href)) return null
  const url = new URL(text, location.href)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null
}
