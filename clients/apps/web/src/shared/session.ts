const NAME = 'polar_customer_session'

/** Keeps a customer's session for this tab: it ends with the tab, and no other address can read it. */
export function keepSession(token: string | null | undefined): void {
  if (token) write((store) => store.setItem(NAME, token))
}

/** The session that this tab has; null where there is none, or where the browser keeps nothing. */
export function keptSession(): string | null {
  try {
    return sessionStorage.getItem(NAME)
  } catch {
    return null
  }
}

/** Ends it. */
export const forgetSession = (): void => write((store) => store.removeItem(NAME))

function write(change: (store: Storage) => void): void {
  try {
    change(sessionStorage)
  } catch {
    // A browser that keeps nothing asks for a code when the portal is opened.
  }
}
