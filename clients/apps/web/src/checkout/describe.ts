import { formatMoney, formatUnitAmount, type Translate } from '@polar-sh/i18n'
import type { Checkout, Price, Product } from './types'

type Money = (minor: number, currency: string) => string

/** `month`, `3 months`. */
export function intervalWords(
  t: Translate,
  interval: string | null | undefined,
  count: number | null | undefined,
) {
  if (interval !== 'day' && interval !== 'week' && interval !== 'month' && interval !== 'year') return ''
  return t(`interval.${interval}`, { count: count || 1 })
}

/** `14 days free`; null where there is no trial. */
export function trialWords(t: Translate, checkout: Checkout): string | null {
  const unit = checkout.active_trial_interval
  if (unit !== 'day' && unit !== 'week' && unit !== 'month' && unit !== 'year') return null
  return t(`trial.${unit}`, { count: checkout.active_trial_interval_count || 1 })
}

/** The currencies that the buyer may choose: those in which every product has a price, by their codes. */
export function currenciesOf({ products, currency }: Pick<Checkout, 'products' | 'currency'>): string[] {
  const offered = products.map(({ prices }) => new Set(prices.map((price) => price.price_currency)))
  const shared = [...(offered[0] ?? [])].filter((code) => offered.every((codes) => codes.has(code)))
  return shared.includes(currency) ? shared.sort() : []
}

/** An amount and how often it is charged: `$29.00 / month`. */
export function recurringWords(t: Translate, money: string, product: Product | null | undefined): string {
  if (!product?.is_recurring) return money
  return t('price.per', {
    amount: money,
    interval: intervalWords(t, product.recurring_interval, product.recurring_interval_count),
  })
}

const isMetered = (price: Price) => price.amount_type.startsWith('metered')

/** Whether a discount ends before the subscription does, so that later payments are higher. */
export const isForNow = ({ discount, discount_amount, product }: Checkout): boolean =>
  Boolean(product?.is_recurring && discount && discount.duration !== 'forever' && discount_amount > 0)

/** Whether usage is billed on top of what is charged at once. */
export const hasUsage = ({ product, currency }: Pick<Checkout, 'product' | 'currency'>): boolean =>
  Boolean(product?.prices.some((price) => isMetered(price) && price.price_currency === currency))

/** Whether nothing but usage is billed. */
export const isByUsage = (checkout: Checkout): boolean => hasUsage(checkout) && !checkout.amount

const MONTHS: Record<string, number> = { month: 1, year: 12 }

/** How many months long a discount is taken off each payment; null where it is taken off one payment alone. */
function discountedMonths({ discount, product }: Checkout): number | null {
  const months = discount?.duration === 'repeating' ? (discount.duration_in_months ?? 1) : 0
  const length = (MONTHS[product?.recurring_interval ?? ''] ?? 0) * (product?.recurring_interval_count ?? 1)
  return months > length ? months : null
}

/** Everything that will be charged: `$29.00 / month`, `$23.20 for the first payment, then $29.00 / month`. */
export function chargeWords(t: Translate, money: Money, checkout: Checkout): string {
  const { product, currency } = checkout
  const total = money(checkout.total_amount, currency)
  if (isByUsage(checkout)) return t('price.byUsage')
  const usage = hasUsage(checkout) ? `, ${t('price.plusUsage')}` : ''
  const every = recurringWords(t, total, product)
  if (!isForNow(checkout)) return every + usage
  // After a discount that ends, the full price is charged; with the tax of that day, where it comes on top.
  const full = recurringWords(t, money(checkout.amount, currency), product)
  const isExclusive = checkout.tax_behavior === 'exclusive' && (checkout.tax_amount ?? 0) > 0
  const price = isExclusive ? t('price.plusTax', { price: full }) : full
  const months = discountedMonths(checkout)
  const words =
    months === null
      ? t('price.firstThen', { first: total, price })
      : t('price.monthsThen', { first: every, price, count: months })
  return words + usage
}

/** What a product costs before the buyer chose anything, in a currency: for the list of plans. */
export function priceWords(t: Translate, locale: string, product: Product, currency: string): string {
  const prices = product.prices.filter((price) => price.price_currency === currency)
  const fixed = prices.find((price) => !isMetered(price))
  const usage = prices.some(isMetered)
  if (!fixed) return usage ? t('price.byUsage') : ''
  const words = recurringWords(t, ofPrice(t, locale, fixed), product)
  return usage ? `${words}, ${t('price.plusUsage')}` : words
}

function ofPrice(t: Translate, locale: string, price: Price): string {
  const currency = price.price_currency
  const money = (minor: number) => formatMoney(minor, currency, locale)
  switch (price.amount_type) {
    case 'custom':
      return t('price.atLeast', { amount: money(price.minimum_amount ?? 0) })
    case 'seat_based':
      return t('price.seat', { amount: money(seatTiers(price)[0]?.price_per_seat ?? 0) })
    case 'unit_based':
      return t('price.unit', {
        amount: formatUnitAmount(unitTiers(price)[0]?.unit_amount ?? 0, currency, locale),
      })
    default:
      return price.price_amount ? money(price.price_amount) : t('price.free')
  }
}

interface SeatTier {
  min_seats: number
  max_seats: number | null
  price_per_seat: number
}
interface UnitTier {
  bound: number | null
  unit_amount: string
}

const seatTiers = (price: Price): SeatTier[] => (price.seat_tiers?.tiers as SeatTier[] | undefined) ?? []
const unitTiers = (price: Price): UnitTier[] => (price.tiers?.tiers as UnitTier[] | undefined) ?? []

/** What each seat or unit costs at the quantity that is ordered; null where they do not all cost the same. */
export function eachWords(t: Translate, locale: string, price: Price, quantity: number): string | null {
  const amount = (minor: number | string) => formatUnitAmount(minor, price.price_currency, locale)
  if (price.amount_type === 'seat_based') {
    const tiers = seatTiers(price)
    const at = tiers.findIndex((one) => one.max_seats === null || quantity <= one.max_seats)
    const tier = isMixed(price.seat_tiers?.seat_tier_type, at) ? undefined : tiers[at]
    return tier ? t('price.seat', { amount: amount(tier.price_per_seat) }) : null
  }
  if (price.amount_type === 'unit_based') {
    const tiers = unitTiers(price)
    const at = tiers.findIndex((one) => one.bound === null || quantity <= one.bound)
    const tier = isMixed(price.tiers?.type, at) ? undefined : tiers[at]
    return tier ? t('price.unit', { amount: amount(tier.unit_amount) }) : null
  }
  return null
}

/** Whether what is ordered is charged by several tiers, each with a price of its own. */
const isMixed = (kind: unknown, tier: number): boolean => kind === 'graduated' && tier > 0

/** What usage costs, one line for each meter of the chosen product. */
export function usageWords(t: Translate, locale: string, checkout: Checkout): string[] {
  const prices = checkout.product?.prices ?? []
  return prices
    .filter((price) => isMetered(price) && price.price_currency === checkout.currency)
    .map((price) => {
      const meter = String(price.meter?.name ?? '')
      if (price.amount_type === 'metered_unit' && price.unit_amount) {
        return t('price.usage', {
          amount: formatUnitAmount(price.unit_amount, price.price_currency, locale),
          meter,
        })
      }
      return t('price.usageTiered', { meter })
    })
}
