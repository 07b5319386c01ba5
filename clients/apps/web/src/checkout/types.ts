import type { CheckoutPublic, CheckoutUpdatePublic } from '@polar-sh/client'

export type Checkout = CheckoutPublic
export type Changes = CheckoutUpdatePublic
export type Product = NonNullable<Checkout['product']>
export type Price = NonNullable<Checkout['product_price']>

/** Which parts of an address the server wants: it decides by country and by the seller's wish. */
export type Demand = 'required' | 'optional' | 'disabled'

/** What Stripe says of a payment under way; empty while the checkout is open. */
export interface Intent {
  publishable_key?: string
  intent_status?: string
  intent_client_secret?: string
}

export const intentOf = (checkout: Pick<Checkout, 'payment_processor_metadata'>): Intent =>
  (checkout.payment_processor_metadata ?? {}) as Intent

/** What a product asks its buyers. */
export interface Question {
  order: number
  required: boolean
  custom_field: {
    type: 'text' | 'number' | 'date' | 'checkbox' | 'select'
    name: string
    slug: string
    properties: {
      form_label?: string | null
      form_help_text?: string | null
      form_placeholder?: string | null
      textarea?: boolean | null
      min_length?: number | null
      max_length?: number | null
      ge?: number | null
      le?: number | null
      options?: { value: string; label: string }[]
    }
  }
}

export const questionsOf = (checkout: Checkout): Question[] =>
  [...((checkout.attached_custom_fields ?? []) as unknown as Question[])].sort(
    (one, other) => one.order - other.order,
  )

/** What is left of a checkout that has expired. */
export interface Left {
  organization?: { name?: string | null } | null
  return_url?: string | null
  /** Where the buyer begins again: the link that the checkout came from. */
  restart_url?: string | null
  locale?: string | null
  embed_origin?: string | null
}
