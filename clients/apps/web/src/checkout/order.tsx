import { editableMoney, formatMoney, parseMoney } from '@polar-sh/i18n'
import { Button, TextField } from '@polar-sh/ui'
import { useEffect, useState } from 'react'
import { useWords } from '../shared/locale'
import { currenciesOf, eachWords, priceWords } from './describe'
import { errorWords } from './fields'
import type { CheckoutStore, State } from './store'
import type { Checkout, Price } from './types'

interface Props {
  checkout: Checkout
  state: State
  store: CheckoutStore
  isLocked: boolean
}

/** What the buyer chooses of what is sold: the product, the amount, how many. */
export function OrderOptions(props: Props) {
  const kind = props.checkout.product_price?.amount_type
  return (
    <>
      {props.checkout.products.length > 1 && <Plans {...props} />}
      {currenciesOf(props.checkout).length > 1 && <CurrencyField {...props} />}
      {kind === 'custom' && <AmountField {...props} />}
      {(kind === 'seat_based' || kind === 'unit_based') && <Quantity key={kind} {...props} />}
    </>
  )
}

function Plans({ checkout, state, store, isLocked }: Props) {
  const { t, locale } = useWords()
  const [chosen, setChosen] = useState(checkout.product_id)
  const { isStale } = state
  useEffect(() => {
    // What the server has is what is bought, also where it refused the choice.
    if (!isStale) setChosen(checkout.product_id)
  }, [isStale, checkout.product_id])
  const choose = (id: string) => {
    setChosen(id)
    store.change({ product_id: id }, 0)
  }
  return (
    <fieldset disabled={isLocked} className="min-w-0">
      <legend className="mb-2 text-sm font-medium">{t('checkout.choosePlan')}</legend>
      <div className="flex flex-col gap-2">
        {checkout.products.map((product) => (
          <label
            key={product.id}
            className="flex cursor-pointer items-center gap-3 rounded-lg border border-edge bg-raised px-3 py-2.5 has-checked:border-accent has-checked:ring-1 has-checked:ring-accent"
          >
            <input
              type="radio"
              name="product"
              className="size-4 accent-accent"
              checked={product.id === chosen}
              onChange={() => choose(product.id)}
            />
            <span className="min-w-0 grow break-words text-sm font-medium">{product.name}</span>
            <span className="shrink-0 text-sm text-muted">
              {priceWords(t, locale, product, checkout.currency)}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

function CurrencyField({ checkout, state, store, isLocked }: Props) {
  const { t, locale } = useWords()
  const names = new Intl.DisplayNames(locale, { type: 'currency' })
  const [chosen, setChosen] = useState(checkout.currency)
  const { isStale } = state
  useEffect(() => {
    if (!isStale) setChosen(checkout.currency)
  }, [isStale, checkout.currency])
  const error = errorWords(t, state.errors, 'currency')
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1.5">
      <label htmlFor="currency" className="text-sm font-medium">
        {t('checkout.currency')}
      </label>
      <select
        id="currency"
        disabled={isLocked}
        value={chosen}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? 'currency-error' : undefined}
        className="min-h-11 min-w-0 max-w-full rounded-lg border border-edge bg-raised px-3 py-2 text-base text-ink disabled:opacity-60"
        onChange={(event) => {
          setChosen(event.target.value)
          store.change({ currency: event.target.value }, 0)
        }}
      >
        {currenciesOf(checkout).map((code) => (
          <option key={code} value={code}>
            {`${code.toUpperCase()} – ${names.of(code.toUpperCase())}`}
          </option>
        ))}
      </select>
      {error && (
        <p id="currency-error" className="w-full text-sm text-danger">
          {error}
        </p>
      )}
    </div>
  )
}

/** What is wrong with an amount before the server is asked. */
function amountProblem(minor: number | null, price: Price): 'invalid' | 'minimum' | 'maximum' | null {
  if (minor === null) return 'invalid'
  if (minor < (price.minimum_amount ?? 0)) return 'minimum'
  return price.maximum_amount && minor > price.maximum_amount ? 'maximum' : null
}

function AmountField({ checkout, state, store, isLocked }: Props) {
  const { t, locale, money } = useWords()
  const price = checkout.product_price
  const [typed, setTyped] = useState(() => editableMoney(checkout.amount, checkout.currency, locale))
  const [problem, setProblem] = useState<ReturnType<typeof amountProblem>>(null)
  const id = price?.id
  // biome-ignore lint/correctness/useExhaustiveDependencies: another price begins with its own amount
  useEffect(() => {
    setTyped(editableMoney(checkout.amount, checkout.currency, locale))
    setProblem(null)
  }, [id])
  if (!price) return null
  const { currency } = checkout
  const limit = (minor: number | null | undefined) => money(minor ?? 0, currency)
  const words = {
    invalid: t('amount.invalid', { example: formatMoney(price.preset_amount ?? 1000, currency, locale) }),
    minimum: t('amount.minimum', { amount: limit(price.minimum_amount) }),
    maximum: t('amount.maximum', { amount: limit(price.maximum_amount) }),
  }
  const change = (text: string) => {
    setTyped(text)
    const minor = parseMoney(text, currency, locale)
    const found = amountProblem(minor, price)
    setProblem(found)
    if (minor !== null && !found) store.change({ amount: minor })
  }
  return (
    <TextField
      id="amount"
      label={`${t('amount.label')} (${currency.toUpperCase()})`}
      inputMode="decimal"
      autoComplete="off"
      disabled={isLocked}
      value={typed}
      onChange={(event) => change(event.target.value)}
      error={problem ? words[problem] : errorWords(t, state.errors, 'amount')}
      hint={price.minimum_amount ? words.minimum : undefined}
    />
  )
}

/** The least and the most that can be ordered: the checkout's own limits within those of the price. */
export function rangeOf(checkout: Checkout): { least: number; most: number | null } {
  const price = checkout.product_price
  if (price?.amount_type === 'seat_based') {
    const tiers = (price.seat_tiers?.tiers ?? []) as { min_seats: number; max_seats: number | null }[]
    return within(
      tiers[0]?.min_seats ?? 1,
      tiers.at(-1)?.max_seats ?? null,
      checkout.min_seats,
      checkout.max_seats,
    )
  }
  const tiers = (price?.tiers?.tiers ?? []) as { bound: number | null }[]
  return within(
    price?.minimum_units ?? 1,
    tiers.at(-1)?.bound ?? null,
    checkout.min_units,
    checkout.max_units,
  )
}

function within(least: number, most: number | null, min: number | null, max: number | null) {
  return {
    least: Math.max(least, min ?? 1, 1),
    most: max === null ? most : most === null ? max : Math.min(most, max),
  }
}

function Quantity({ checkout, state, store, isLocked }: Props) {
  const { t, locale } = useWords()
  const field = checkout.product_price?.amount_type === 'seat_based' ? 'seats' : 'units'
  const { least, most } = rangeOf(checkout)
  const [typed, setTyped] = useState(String(checkout[field] ?? least))
  const price = checkout.product_price_id
  // biome-ignore lint/correctness/useExhaustiveDependencies: another price begins with what the server has of it
  useEffect(() => setTyped(String(checkout[field] ?? least)), [price])
  const current = /^\d+$/.test(typed) ? Number(typed) : null
  const isWithin = (count: number) => count >= least && (most === null || count <= most)
  const numbers = new Intl.NumberFormat(locale)
  const range =
    most === null
      ? t('quantity.from', { min: numbers.format(least) })
      : t('quantity.range', { min: numbers.format(least), max: numbers.format(most) })
  const change = (text: string) => {
    setTyped(text)
    if (/^\d+$/.test(text) && isWithin(Number(text))) store.change({ [field]: Number(text) })
  }
  const by = (step: number) =>
    Math.min(Math.max((current ?? least) + step, least), most ?? Number.MAX_SAFE_INTEGER)
  const each = checkout.product_price ? eachWords(t, locale, checkout.product_price, current ?? least) : null
  const problem = current !== null && isWithin(current) ? errorWords(t, state.errors, field) : range
  return (
    <div className="flex items-end gap-2">
      <div className="grow">
        <TextField
          id={field}
          label={t(`quantity.${field}`)}
          inputMode="numeric"
          autoComplete="off"
          disabled={isLocked}
          value={typed}
          onChange={(event) => change(event.target.value.replace(/\D/g, '').slice(0, 9))}
          error={problem}
          hint={each}
        />
      </div>
      <div className={`flex gap-2 ${each || problem ? 'mb-6.5' : ''}`}>
        <Button
          aria-label={t('quantity.less')}
          disabled={isLocked || (current ?? least) <= least}
          onClick={() => change(String(by(-1)))}
        >
          −
        </Button>
        <Button
          aria-label={t('quantity.more')}
          disabled={isLocked || (most !== null && (current ?? least) >= most)}
          onClick={() => change(String(by(1)))}
        >
          +
        </Button>
      </div>
    </div>
  )
}
