/** The `type` of every message between a checkout and the page that shows it. */
export const POLAR_CHECKOUT = 'POLAR_CHECKOUT'

/** The checkout is drawn. */
export interface LoadedMessage {
  event: 'loaded'
}

/** The buyer wants to leave the checkout. */
export interface CloseMessage {
  event: 'close'
}

/** The buyer confirmed the payment, and it is being processed: the checkout must not be closed now. */
export interface ConfirmedMessage {
  event: 'confirmed'
}

/** The purchase succeeded. */
export interface SuccessMessage {
  event: 'success'
  /** Where the buyer goes next. */
  successURL: string
  /** Whether the page that shows the checkout goes there; otherwise the checkout itself shows it. */
  redirect: boolean
  checkoutId?: string
  customerId?: string | null
}

/** What a seller's page can listen for. */
export interface EmbedEvents {
  loaded: LoadedMessage
  close: CloseMessage
  confirmed: ConfirmedMessage
  success: SuccessMessage
}

/**
 * What `embed.js` alone is interested in: `opened` comes first from every page in the frame, which a refused frame
 * never sends; `unlocked` ends what `confirmed` began, after a decline; `resize` has the height of the content.
 */
export type FrameMessage = { event: 'opened' } | { event: 'unlocked' } | { event: 'resize'; height: number }

export type CheckoutMessage = EmbedEvents[keyof EmbedEvents] | FrameMessage
