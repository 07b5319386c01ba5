import { formatMoney, loadMessages, translator } from '@polar-sh/i18n'
import { expect, test } from 'vitest'
import { chargeWords, eachWords, isByUsage, priceWords } from './describe'
import type { Checkout, Price, Product } from './types'

const t = translator(await loadMessages('en'), 'en')
const money = (minor: number, currency: string) => formatMoney(minor, currency, 'en')
const fixed = { amount_type: 'fixed', price_amount: 2900, price_currency: 'usd' }
const usage = { amount_type: 'metered_unit', unit_amount: '0.05', price_currency: 'usd' }
const unit = { amount_type: 'unit_based', tiers: { tiers: [{ unit_amount: '0.5' }] }, price_currency: 'usd' }

const checkout = (fields: Record<string, unknown> = {}, product: Record<string, unknown> = {}) =>
  ({
    currency: 'usd',
    amount: 2900,
    total_amount: 2900,
    discount_amount: 0,
    discount: null,
    tax_amount: null,
    tax_behavior: null,
    product: {
      is_recurring: true,
      recurring_interval: 'month',
      recurring_interval_count: 1,
      prices: [fixed],
      ...product,
    },
    ...fields,
  }) as unknown as Checkout

const off = { discount_amount: 725, total_amount: 2175 }
const repeating = (months: number) => ({
  ...off,
  discount: { duration: 'repeating', duration_in_months: months },
})

test.each([
  ['what is charged every month', checkout(), '$29.00 / month'],
  [
    'a discount of the first payment',
    checkout({ ...off, discount: { duration: 'once' } }),
    '$21.75 for the first payment, then $29.00 / month',
  ],
  ['a discount of some months', checkout(repeating(3)), '$21.75 / month for 3 months, then $29.00 / month'],
  [
    'a discount that is over before the second payment',
    checkout(repeating(3), { recurring_interval: 'year' }),
    '$21.75 for the first payment, then $29.00 / year',
  ],
  ['a discount for good', checkout({ ...off, discount: { duration: 'forever' } }), '$21.75 / month'],
  [
    'tax on top of the later price',
    checkout({ ...off, discount: { duration: 'once' }, tax_behavior: 'exclusive', tax_amount: 100 }),
    '$21.75 for the first payment, then $29.00 / month plus tax',
  ],
  ['usage on top', checkout({}, { prices: [fixed, usage] }), '$29.00 / month, plus usage'],
  ['nothing but usage', checkout({ amount: 0, total_amount: 0 }, { prices: [usage] }), 'By usage'],
])('%s is told', (_, one, words) => {
  expect(chargeWords(t, money, one)).toBe(words)
})

test('usage is not free', () => {
  expect(isByUsage(checkout({ amount: 0 }, { prices: [usage] }))).toBe(true)
  expect(isByUsage(checkout({ amount: 0 }))).toBe(false)
})

test('a plan whose unit costs less than a cent says so', () => {
  const product = { prices: [unit], is_recurring: false } as unknown as Product
  expect(priceWords(t, 'en', product, 'usd')).toBe('$0.005 per unit')
  const metered = { prices: [usage], is_recurring: true } as unknown as Product
  expect(priceWords(t, 'en', metered, 'usd')).toBe('By usage')
})

test('no single price is told where several tiers are charged', () => {
  const tiers = [
    { bound: 10, unit_amount: '150' },
    { bound: null, unit_amount: '99.5' },
  ]
  const price = (type: string) =>
    ({ amount_type: 'unit_based', price_currency: 'usd', tiers: { type, tiers } }) as unknown as Price
  expect(eachWords(t, 'en', price('graduated'), 10)).toBe('$1.50 per unit')
  expect(eachWords(t, 'en', price('graduated'), 12)).toBeNull()
  expect(eachWords(t, 'en', price('volume'), 12)).toBe('$0.995 per unit')
})
