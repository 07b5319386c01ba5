import { ApiError } from '@polar-sh/client'
import type { MessageKey } from '@polar-sh/i18n'
import type { RefObject } from 'react'
import { CardForm, type Charge } from '../checkout/card'
import { type Card, CardError, declineKey } from '../checkout/payment'

const ignore = () => {}

/** The card form for a payment of an order, or for keeping a card (`amount` null). */
export function CardEntry({
  amount,
  currency,
  handle,
}: {
  amount: number | null
  currency: string
  handle: RefObject<Card | null>
}) {
  const charge: Charge = {
    currency,
    is_payment_required: amount !== null,
    total_amount: amount ?? 0,
    payment_processor_metadata: {},
    product: { is_recurring: false },
  }
  return <CardForm checkout={charge} handle={handle} onState={ignore} />
}

/** The words for a card that was refused; null where the failure is of another kind. */
export function declineOf(failure: unknown): MessageKey | null {
  if (failure instanceof CardError) return declineKey(failure.code)
  if (failure instanceof ApiError && failure.kind === 'PaymentError') {
    return declineKey(failure.body.decline_code)
  }
  return null
}
