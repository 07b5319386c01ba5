import { keepSession } from '../shared/session'

const SHOP = 'polar_portal_shop'
const EMAIL = 'polar_portal_email'

/** Moves a session token from the address into the tab's store, so that it is in no history and no copied link. */
export function takeSession(): void {
  const url = new URL(location.href)
  const token = url.searchParams.get('customer_session_token')
  if (!token) return
  keepSession(token)
  url.searchParams.delete('customer_session_token')
  history.replaceState(history.state, '', url)
}

/** The first part of the portal's address: `/portal`, or `/{slug}/portal`. */
export const basePath = (): string => /^\/(?:[a-z0-9-]+\/)?portal/.exec(location.pathname)?.[0] ?? '/portal'

/** The seller's slug in the address; null where it names none. */
export const slugInPath = (): string | null => /^\/([a-z0-9-]+)\/portal/.exec(location.pathname)?.[1] ?? null

/** What the tab remembers for the next sign-in: the seller's id and the customer's email. */
export const remembered = () => ({ shop: read(SHOP), email: read(EMAIL) })

export function remember(shop: string | undefined, email: string | null | undefined): void {
  try {
    if (shop) sessionStorage.setItem(SHOP, shop)
    if (email) sessionStorage.setItem(EMAIL, email)
  } catch {
    // A browser that keeps nothing has the email typed again.
  }
}

function read(name: string): string | null {
  try {
    return sessionStorage.getItem(name)
  } catch {
    return null
  }
}
