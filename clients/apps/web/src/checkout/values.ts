import type { CheckoutConfirm, Problem } from '@polar-sh/client'
import { type Checkout, type Demand, questionsOf } from './types'

export type Answer = string | boolean

/** What a buyer typed, as the form has it. */
export interface Values {
  email: string
  name: string
  isBusiness: boolean
  billingName: string
  taxId: string
  country: string
  line1: string
  line2: string
  city: string
  postalCode: string
  state: string
  answers: Record<string, Answer>
  /** Whether the buyer agrees to delivery at once. */
  consents: boolean
}

type Wording = NonNullable<CheckoutConfirm['immediate_delivery_consent']>

const PARTS = {
  line1: 'line1',
  line2: 'line2',
  city: 'city',
  postalCode: 'postal_code',
  state: 'state',
} as const
type Part = keyof typeof PARTS

/** What the form begins with: what the server knows, and the country that the browser names. */
export function valuesOf(checkout: Checkout, languages: readonly string[]): Values {
  const address = checkout.customer_billing_address
  const answers = Object.entries(checkout.custom_field_data ?? {})
  return {
    email: checkout.customer_email ?? '',
    name: checkout.customer_name ?? '',
    isBusiness: checkout.is_business_customer,
    billingName: checkout.customer_billing_name ?? '',
    taxId: checkout.customer_tax_id ?? '',
    country: address?.country ?? countryOf(languages),
    line1: address?.line1 ?? '',
    line2: address?.line2 ?? '',
    city: address?.city ?? '',
    postalCode: address?.postal_code ?? '',
    state: address?.state ?? '',
    answers: Object.fromEntries(
      answers.map(([slug, answer]) => [slug, answer === true ? true : String(answer ?? '')]),
    ),
    consents: false,
  }
}

function countryOf(languages: readonly string[]): string {
  for (const language of languages) {
    const region = /^[a-z]{2,3}(?:[-_][A-Za-z]{4})?[-_]([A-Z]{2})$/.exec(language)?.[1]
    if (region) return region
  }
  return ''
}

/** Which parts of an address are asked for, in the server's words. */
export const demandOf = (checkout: Checkout, part: string): Demand =>
  ((checkout.billing_address_fields as Record<string, Demand>)[part] ?? 'disabled') as Demand

/** The address as the server takes it; null where no country is chosen. */
export function addressOf(values: Values, checkout: Checkout): CheckoutConfirm['customer_billing_address'] {
  if (!values.country) return null
  const parts = (Object.keys(PARTS) as Part[])
    .filter((part) => demandOf(checkout, PARTS[part]) !== 'disabled')
    .map((part) => [PARTS[part], values[part].trim() || null])
  return { country: values.country, ...Object.fromEntries(parts) }
}

/** The answers to the seller's questions, each in its own type. */
export function answersOf(values: Values, checkout: Checkout): CheckoutConfirm['custom_field_data'] {
  const answers = questionsOf(checkout).map(({ custom_field: { slug, type } }) => {
    const given = values.answers[slug]
    if (type === 'checkbox') return [slug, given === true]
    const text = String(given ?? '').trim()
    if (!text) return [slug, null]
    return [slug, type === 'number' && /^-?\d+$/.test(text) ? Number(text) : text]
  })
  return Object.fromEntries(answers)
}

/** What the buyer was shown is what is charged, whatever another tab has chosen since. */
function choiceOf(checkout: Checkout): CheckoutConfirm {
  const { product_id, product_price_id, product_price, amount, seats, units, discount } = checkout
  const kind = product_price?.amount_type
  return {
    ...(product_id && { product_id }),
    ...(product_price_id && { product_price_id }),
    ...(kind === 'custom' && { amount }),
    ...(kind === 'seat_based' && { seats }),
    ...(kind === 'unit_based' && { units }),
    // A discount without a code is the seller's: it can only be left as it is.
    ...(!discount && { discount_code: '' }),
    ...(discount?.code && { discount_code: discount.code }),
  }
}

/** The text that a consumer has to agree to, by its version; null where nothing is asked. */
export const wordingOf = (checkout: Checkout): Wording | null =>
  (checkout.consumer_rights?.immediate_delivery_consent ?? null) as Wording | null

/** The consent, with the language in which its text was read. */
function consentOf(values: Values, checkout: Checkout): Partial<CheckoutConfirm> {
  const wording = wordingOf(checkout)
  return wording && values.consents
    ? { immediate_delivery_consent: wording, locale: document.documentElement.lang }
    : {}
}

/** Everything that a confirmation says: what is bought, and who buys. */
export function bodyOf(values: Values, checkout: Checkout): CheckoutConfirm {
  const address = addressOf(values, checkout)
  const { email, name, isBusiness, billingName, taxId } = values
  return {
    ...choiceOf(checkout),
    customer_email: email.trim(),
    ...(name.trim() && { customer_name: name.trim() }),
    ...(address && { customer_billing_address: address }),
    is_business_customer: isBusiness,
    customer_billing_name: isBusiness ? billingName.trim() || null : null,
    customer_tax_id: isBusiness ? taxId.trim() || null : null,
    ...(questionsOf(checkout).length && { custom_field_data: answersOf(values, checkout) }),
    ...consentOf(values, checkout),
  }
}

/** What is missing before the server needs to be asked. It is the judge of everything else. */
export function missing(values: Values, checkout: Checkout): Problem[] {
  const paths: string[] = []
  const needs = (isFilled: unknown, path: string) => {
    if (!isFilled) paths.push(path)
  }
  needs(isEmail(values.email), 'customer_email')
  if (checkout.is_payment_form_required) needs(values.name.trim(), 'customer_name')
  if (demandOf(checkout, 'country') === 'required') needs(values.country, 'customer_billing_address.country')
  for (const part of Object.keys(PARTS) as Part[]) {
    if (demandOf(checkout, PARTS[part]) === 'required') {
      needs(values[part].trim(), `customer_billing_address.${PARTS[part]}`)
    }
  }
  if (values.isBusiness) needs(values.billingName.trim(), 'customer_billing_name')
  for (const { required, custom_field } of questionsOf(checkout)) {
    const answer = values.answers[custom_field.slug]
    if (required)
      needs(typeof answer === 'string' ? answer.trim() : answer, `custom_field_data.${custom_field.slug}`)
  }
  if (wordingOf(checkout)) needs(values.consents, 'immediate_delivery_consent')
  return paths.map((path) => ({ loc: ['body', ...path.split('.')], msg: 'Field required', type: 'missing' }))
}

/** Whether something looks like an address to which mail can go. */
export const isEmail = (text: string): boolean => /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text.trim())

const PROVIDERS = [
  'gmail.com',
  'yahoo.com',
  'hotmail.com',
  'outlook.com',
  'icloud.com',
  'googlemail.com',
  'gmx.de',
  'web.de',
]

/** What an e-mail address was probably meant to be; null where it looks right. */
export function suggestion(email: string): string | null {
  const [, local, host] = /^([^\s@]+)@([^\s@]+)$/.exec(email.trim().toLowerCase()) ?? []
  if (!local || !host || PROVIDERS.includes(host)) return null
  const meant = PROVIDERS.find((provider) => distance(host, provider) <= (provider.length > 7 ? 2 : 1))
  return meant ? `${local}@${meant}` : null
}

/** How many letters have to be changed, added, removed or swapped to get from one word to another. */
function distance(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const at = (r: number, c: number) => rows[r]?.[c] ?? 0
      let cost = Math.min(
        at(i - 1, j) + 1,
        (row[j - 1] ?? 0) + 1,
        at(i - 1, j - 1) + (one[i - 1] === other[j - 1] ? 0 : 1),
      )
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1])
        cost = Math.min(cost, at(i - 2, j - 2) + 1)
      row.push(cost)
    }
    rows.push(row)
  }
  return rows[one.length]?.[other.length] ?? 0
}
