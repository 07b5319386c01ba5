import { ApiError, type CheckoutConfirm, type CheckoutPublicConfirmed } from '@polar-sh/client'
import type { MessageKey } from '@polar-sh/i18n'
import { keepSession } from '../shared/session'
import { type CheckoutApi, isPassing } from './api'
import type { CheckoutStore } from './store'
import { type Checkout, intentOf } from './types'
import { watch } from './watch'

/** What the card form can do for a payment; see `card.tsx`. */
export interface Card {
  /** Checks what was typed. Returns a text where it is not complete; the form shows it at the field. */
  check: () => Promise<string | null>
  /** Makes a confirmation token of the card. Raises `CardError`. */
  token: (buyer: Buyer) => Promise<string>
  /** Has the buyer prove themselves to their bank. Returns a text where they did not. */
  authenticate: (clientSecret: string) => Promise<{ message: string; code?: string } | null>
}

export interface Buyer {
  email: string
  name: string
  address: CheckoutConfirm['customer_billing_address']
}

/** The card itself was refused, before anything was charged. `code` is Stripe's. */
export class CardError extends Error {
  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message)
  }
}

/** What a buyer reads where a payment did not work, and what they can do about it. */
export interface Trouble {
  key: MessageKey
  action?: 'without-trial' | 'shop' | 'portal'
}

const DECLINES = new Set([
  'insufficient_funds',
  'expired_card',
  'incorrect_cvc',
  'incorrect_number',
  'processing_error',
  'authentication_required',
  'card_not_supported',
  'currency_not_supported',
  'card_velocity_exceeded',
  'incorrect_address',
  'duplicate_transaction',
])
const SAME_AS: Record<string, string> = {
  invalid_cvc: 'incorrect_cvc',
  invalid_number: 'incorrect_number',
  withdrawal_count_limit_exceeded: 'card_velocity_exceeded',
  payment_intent_authentication_failure: 'authentication_required',
  setup_intent_authentication_failure: 'authentication_required',
  incorrect_zip: 'incorrect_address',
  postal_code_invalid: 'incorrect_address',
  issuer_not_available: 'processing_error',
  try_again_later: 'processing_error',
}

/** The words for a decline. Lost, stolen and suspicious cards are declined without a reason, as banks ask for. */
export function declineKey(code: string | null | undefined): MessageKey {
  const name = SAME_AS[code ?? ''] ?? code ?? ''
  return (DECLINES.has(name) ? `decline.${name}` : 'decline.generic') as MessageKey
}

const REFUSALS: Record<string, Trouble> = {
  TrialAlreadyRedeemed: { key: 'problem.trialRedeemed', action: 'without-trial' },
  AlreadyActiveSubscriptionError: { key: 'problem.alreadySubscribed', action: 'portal' },
  SubscriptionNotUpgradable: { key: 'problem.notUpgradable', action: 'shop' },
  CheckoutCustomerDeleted: { key: 'problem.customerGone', action: 'shop' },
  DiscountRedemptionLimitReached: { key: 'discount.usedUp' },
}

/** The words for a refusal of the server. A payload's own problems are shown at their fields instead. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof CardError) return { key: declineKey(error.code) }
  if (!(error instanceof ApiError))
    return { key: navigator.onLine ? 'problem.unreachable' : 'problem.offline' }
  if (error.kind === 'PaymentError') return { key: declineKey(error.body.decline_code) }
  const known = REFUSALS[error.kind]
  if (known) return known
  if (error.status === 422) {
    const fields = error.problems.map((problem) => String(problem.loc[1] ?? ''))
    if (fields.includes('product_price_id') || fields.includes('product_id')) {
      return { key: 'problem.notOnSale', action: 'shop' }
    }
    return { key: fields.includes('discount_id') ? 'problem.changed' : 'problem.checkFields' }
  }
  return { key: error.status === 429 ? 'problem.tooMany' : 'problem.later' }
}

/** How far a payment is. */
export type Step = 'editing' | 'paying' | 'authenticating' | 'waiting'

export interface Outcome {
  status: 'succeeded' | 'open' | 'refused'
  trouble?: Trouble
}

/**
 * Confirms a checkout and follows it to its end. What became of the money is only read from the server: a lost answer
 * is never taken for a failed payment.
 */
export async function pay(
  store: CheckoutStore,
  api: CheckoutApi,
  card: Card | null,
  body: CheckoutConfirm,
  buyer: Buyer,
  at: (step: Step) => void,
): Promise<Outcome> {
  at('paying')
  try {
    if (card) {
      if (await card.check()) return { status: 'refused' }
      body = { ...body, confirmation_token_id: await card.token(buyer) }
    }
    const { customer_session_token, ...checkout } = await confirmed(api, body)
    keepSession(customer_session_token)
    store.accept(checkout)
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) store.refuse(error.problems)
    const now = await store.load()
    // Another tab, or an earlier request whose answer was lost, has confirmed it.
    if (now && now.status !== 'open') return follow(store, card, now, at)
    const trouble = troubleOf(error)
    if (trouble.key === 'problem.notOnSale' && now && (await hasNewPrice(store, now)))
      return { status: 'refused', trouble: { key: 'problem.changed' } }
    return { status: 'refused', trouble }
  }
  const { checkout } = store.get()
  return checkout
    ? follow(store, card, checkout, at)
    : { status: 'refused', trouble: { key: 'problem.later' } }
}

/** Takes the present price of a product whose price was changed; false where the product is not sold any more. */
async function hasNewPrice(store: CheckoutStore, { product_id }: Checkout): Promise<boolean> {
  if (!product_id) return false
  for (const field of ['product_id', 'product_price_id']) store.clear(field)
  store.change({ product_id }, 0)
  const isSent = await store.flush()
  const { errors } = store.get()
  return isSent && !errors.product_id && !errors.product_price_id
}

/** One confirmation. Where the answer was lost it is sent again: the server charges a checkout once. */
async function confirmed(api: CheckoutApi, body: CheckoutConfirm): Promise<CheckoutPublicConfirmed> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await api.confirm(body)
    } catch (error) {
      const isLost = isPassing(error) && !(error instanceof ApiError && error.status === 429)
      if (!isLost || tries >= 2 || !navigator.onLine) throw error
      await new Promise((resolve) => setTimeout(resolve, 1500 * (tries + 1)))
    }
  }
}

/** Follows a confirmed checkout until the server knows how it ended, through the bank's question where there is one. */
export async function follow(
  store: CheckoutStore,
  card: Pick<Card, 'authenticate'> | null,
  checkout: Checkout,
  at: (step: Step) => void,
): Promise<Outcome> {
  let trouble: Trouble | undefined
  const { intent_status, intent_client_secret } = intentOf(checkout)
  if (checkout.status === 'confirmed' && intent_status === 'requires_action' && intent_client_secret) {
    if (!card) return { status: 'open' }
    at('authenticating')
    const failure = await card.authenticate(intent_client_secret)
    if (failure) trouble = { key: declineKey(failure.code ?? 'authentication_required') }
  }
  at('waiting')
  const last = await watch(store, (now) => now.status !== 'confirmed')
  if (last.status === 'succeeded') return { status: 'succeeded' }
  return { status: 'refused', trouble: trouble ?? { key: 'problem.notPaid' } }
}
