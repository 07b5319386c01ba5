import { type CheckoutMessage, POLAR_CHECKOUT } from '@polar-sh/checkout/messages'
import type { Checkout } from './types'

/** How the page is shown: by itself, or in a seller's page. */
export type Mode = 'page' | 'modal' | 'inline'

/** The mode that an address names; a window of its own is always a page. */
export function modeOf(search: string, isFramed: boolean): Mode {
  const query = new URLSearchParams(search)
  if (!isFramed || query.get('embed') !== 'true') return 'page'
  return query.get('embed_mode') === 'inline' ? 'inline' : 'modal'
}

function originOf(url: string | null | undefined): string | null {
  return url && URL.canParse(url) ? new URL(url).origin : null
}

/**
 * The seller's page around this one. Messages go to the checkout's own `embed_origin` alone.
 *
 * Until the checkout is known they go to the origin that the address names. A browser delivers them to a window of
 * exactly that origin, and the gateway lets only the checkout's own origin frame this page.
 */
export class Host {
  private origin: string | null
  private isPaying = false
  private isLocked = false
  private isLoaded = false
  private isOver = false
  private readonly listeners = new Set<() => void>()

  constructor(
    readonly mode: Mode,
    search: string,
    private readonly parent: Pick<Window, 'postMessage'>,
  ) {
    this.origin = originOf(new URLSearchParams(search).get('embed_origin'))
  }

  /** Where the seller's page is, as the checkout says. */
  readonly know = (embedOrigin: string | null | undefined): void => {
    if (embedOrigin !== undefined) this.origin = originOf(embedOrigin)
  }

  private post(message: CheckoutMessage): void {
    if (this.mode === 'page' || !this.origin) return
    this.parent.postMessage({ ...message, type: POLAR_CHECKOUT }, this.origin)
  }

  /** The page's script runs: the frame was not refused. Links open windows of their own from here on. */
  readonly begin = (): void => {
    if (this.mode === 'page') return
    const { documentElement: root, head } = document
    root.dataset.embed = this.mode
    head.append(Object.assign(document.createElement('base'), { target: '_blank' }))
    this.post({ event: 'opened' })
    if (this.mode === 'inline') {
      const content = document.getElementById('root')
      if (content) new ResizeObserver(() => this.resized(content)).observe(content)
      return
    }
    addEventListener('keydown', (event) => {
      // In a list of choices Escape closes the list.
      const isOther = event.defaultPrevented || event.isComposing || event.target instanceof HTMLSelectElement
      if (event.key === 'Escape' && !isOther) this.close()
    })
  }

  private resized(content: HTMLElement): void {
    const { height } = content.getBoundingClientRect()
    if (height > 0) this.post({ event: 'resize', height })
  }

  /** The checkout, or why there is none, is drawn. */
  readonly loaded = (): void => {
    if (!this.isLoaded) this.post({ event: 'loaded' })
    this.isLoaded = true
  }

  /** Asks to be closed; not while a payment is under way. */
  readonly close = (): void => {
    if (!this.isPaying) this.post({ event: 'close' })
  }

  /** How far a payment is: under way, and confirmed by the server. */
  readonly pay = (isPaying: boolean, isConfirmed: boolean): void => {
    if (isPaying !== this.isPaying) {
      this.isPaying = isPaying
      for (const listener of this.listeners) listener()
    }
    const isLocked = isPaying && isConfirmed
    if (isLocked === this.isLocked || this.isOver) return
    this.isLocked = isLocked
    this.post({ event: isLocked ? 'confirmed' : 'unlocked' })
  }

  /** The purchase succeeded; the seller's page goes on to `url` where `redirect` is true. */
  readonly succeed = (checkout: Checkout, url: string, redirect: boolean): void => {
    if (this.isOver) return
    this.isOver = true
    this.post({
      event: 'success',
      successURL: url,
      redirect,
      checkoutId: checkout.id,
      customerId: checkout.customer_id,
    })
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  readonly isBusy = (): boolean => this.isPaying
}

/** The page around this one. */
export const host = new Host(
  modeOf(location.search, window.parent !== window),
  location.search,
  window.parent,
)
