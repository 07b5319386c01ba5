import tables from './tables.json'

const decimals: Record<string, number> = tables.decimals

/** How many decimals Stripe's minor unit of a currency has: 2 for `usd`, 0 for `jpy`. */
export const decimalsOf = (currency: string): number => decimals[currency.toLowerCase()] ?? 2

/** How many decimals are written. */
const digitsShown = (minor: number, currency: string): number => {
  const ours = decimalsOf(currency)
  const usual = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
    .maximumFractionDigits
  // ISK and UGX have two decimals at Stripe and none in print: they are shown only where they are not zero.
  return (usual ?? ours) < ours && minor % 10 ** ours === 0 ? (usual ?? ours) : ours
}

/** An amount of minor units as a locale writes it: `$29.00`, `29,00 €`, `￥2,900`. */
export function formatMoney(minor: number, currency: string, locale: string): string {
  const digits = digitsShown(minor, currency)
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(minor / 10 ** decimalsOf(currency))
}

/** A price of one unit, which may be a fraction of a minor unit (`"0.05"` of a cent): as many digits as it has. */
export function formatUnitAmount(minor: string | number, currency: string, locale: string): string {
  const places = decimalsOf(currency)
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: places,
    maximumFractionDigits: Math.min(places + 12, 20),
  }).format(Number(minor) / 10 ** places)
}

/** What a buyer typed, `1,234.50` or `1.234,50`, in minor units; null where it is no amount. */
export function parseMoney(typed: string, currency: string, locale: string): number | null {
  const parts = new Intl.NumberFormat(locale).formatToParts(1234.5)
  const decimal = parts.find((part) => part.type === 'decimal')?.value ?? '.'
  let text = typed.replace(/[^\d.,]/g, '')
  const places = decimalsOf(currency)
  // A lone separator before one or two digits at the end is the decimal one, whatever the locale's is.
  const lone = /^\d+([.,])(\d{1,2})$/.exec(text)
  const separator = lone?.[1] ?? decimal
  text = text.replaceAll(separator === '.' ? ',' : '.', '').replace(separator, '.')
  if (!/^\d+(\.\d*)?$|^\.\d+$/.test(text)) return null
  const amount = Number(text) * 10 ** places
  const minor = Math.round(amount)
  return Math.abs(amount - minor) < 1e-6 && Number.isSafeInteger(minor) ? minor : null
}

/** An amount as it is put into an input: digits and the locale's decimal separator, no currency. */
export function editableMoney(minor: number, currency: string, locale: string): string {
  const digits = digitsShown(minor, currency)
  return new Intl.NumberFormat(locale, {
    useGrouping: false,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(minor / 10 ** decimalsOf(currency))
}
