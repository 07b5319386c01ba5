import type { CheckoutStore } from './store'
import type { Checkout } from './types'

const QUICK_MS = 1000
const QUICK_TIMES = 15
const SLOW_MS = 5000

/** How long to wait before the next question: a second for the first fifteen, then five. */
export const pause = (asked: number): number => (asked < QUICK_TIMES ? QUICK_MS : SLOW_MS)

/**
 * Asks the server until the checkout is as wanted. A stream of the server's says when to ask; where there is none, or
 * it breaks, the questions come at their own pace. Ends early, with what is known, when `signal` is aborted.
 */
export async function watch(
  store: CheckoutStore,
  isWanted: (checkout: Checkout) => boolean,
  signal?: AbortSignal,
): Promise<Checkout> {
  const secret = store.get().checkout?.client_secret ?? ''
  const bell = new Bell(`/v1/checkouts/client/${secret}/stream`)
  try {
    for (let asked = 0; ; asked += 1) {
      const now = await store.load()
      const known = now ?? store.get().checkout
      if (known && (isWanted(known) || signal?.aborted || store.get().phase === 'gone')) return known
      await bell.wait(pause(asked), signal)
    }
  } finally {
    bell.close()
  }
}

/** Wakes a waiting loop when the server says that something happened. */
class Bell {
  private wake = () => {}
  private readonly source: EventSource | null

  constructor(address: string) {
    this.source = typeof EventSource === 'undefined' ? null : new EventSource(address)
    this.source?.addEventListener('message', () => this.wake())
  }

  wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
      signal?.addEventListener('abort', this.wake, { once: true })
    })
  }

  close(): void {
    this.source?.close()
  }
}
