import { formatUnitAmount, type Translate } from '@polar-sh/i18n'
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

/** What a product costs before the buyer chose anything, in a currency: for the list of plans. */
export function priceWords(t: Translate, money: Money, product: Product, currency: string): string {
  const prices = product.prices.filter((price) => price.price_currency === currency)
  const fixed = prices.find((price) => !isMetered(price))
  const usage = prices.some(isMetered)
  if (!fixed) return t('price.plusUsage')
  const words = recurringWords(t, ofPrice(t, money, fixed), product)
  return usage ? `${words}, ${t('price.plusUsage')}` : words
}

function ofPrice(t: Translate, money: Money, price: Price): string {
  const currency = price.price_currency
  switch (price.amount_type) {
    case 'custom':
      return t('price.atLeast', { amount: money(price.minimum_amount ?? 0, currency) })
    case 'seat_based':
      return t('price.seat', { amount: money(seatTiers(price)[0]?.price_per_seat ?? 0, currency) })
    case 'unit_based':
      return t('price.unit', {
        amount: money(Math.round(Number(unitTiers(price)[0]?.unit_amount ?? 0)), currency),
      })
    default:
      return price.price_amount ? money(price.price_amount, currency) : t('price.free')
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

/** What one seat or unit costs at the quantity that is ordered; null where a price goes by neither. */
export function eachWords(t: Translate, locale: string, price: Price, quantity: number): string | null {
  if (price.amount_type === 'seat_based') {
    const tier = seatTiers(price).find((one) => one.max_seats === null || quantity <= one.max_seats)
    return tier
      ? t('price.seat', { amount: formatUnitAmount(tier.price_per_seat, price.price_currency, locale) })
      : null
  }
  if (price.amount_type === 'unit_based') {
    const tier = unitTiers(price).find((one) => one.bound === null || quantity <= one.bound)
    return tier
      ? t('price.unit', { amount: formatUnitAmount(tier.unit_amount, price.price_currency, locale) })
      : null
  }
  return null
}

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
