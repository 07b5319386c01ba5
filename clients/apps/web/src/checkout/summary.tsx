import { Spinner } from '@polar-sh/ui'
import { useWords } from '../shared/locale'
import { hasUsage, isForNow, recurringWords, usageWords } from './describe'
import type { Checkout } from './types'

/** Whether the tax is inside the prices that are shown. */
const isInclusive = (checkout: Checkout) => checkout.tax_behavior === 'inclusive'

/** The amounts of a checkout, line by line. A change of the total is read out. */
export function Summary({ checkout, isStale }: { checkout: Checkout; isStale: boolean }) {
  const { t, money, locale } = useWords()
  const { currency, discount } = checkout
  const usage = usageWords(t, locale, checkout)
  const amount = (minor: number) => money(minor, currency)
  const hasTrial = Boolean(checkout.active_trial_interval)
  const notes = [
    isInclusive(checkout) && taxInside(t, checkout, amount),
    hasUsage(checkout) && t('price.plusUsage'),
  ]
  const isTaxKnown = isInclusive(checkout) || checkout.tax_breakdown !== null
  // Where nothing is taken off or added, the total says it all.
  const isPlain = isTaxKnown && !shownTaxes(checkout).length && checkout.discount_amount === 0
  const total = hasTrial ? t('summary.totalAfterTrial') : t('summary.total')
  return (
    <div aria-busy={isStale} className="flex flex-col gap-3 text-sm">
      <dl className="flex flex-col gap-2 empty:hidden">
        {!isPlain && <Row name={t('summary.subtotal')}>{amount(checkout.amount)}</Row>}
        {checkout.discount_amount > 0 && (
          <Row
            name={t('summary.discount', { name: discount?.name ?? '' })}
            note={checkout.product?.is_recurring ? durationWords(t, discount) : undefined}
          >
            {amount(-checkout.discount_amount)}
          </Row>
        )}
        {!isInclusive(checkout) && <Taxes checkout={checkout} />}
      </dl>
      <dl className={`flex flex-col gap-2 ${isPlain ? '' : 'border-t border-line pt-3'}`}>
        <Row name={total} strong={!hasTrial} busy={isStale} note={notes.filter(Boolean).join(', ')}>
          {isForNow(checkout)
            ? amount(checkout.total_amount)
            : recurringWords(t, amount(checkout.total_amount), checkout.product)}
        </Row>
        {hasTrial && (
          <Row name={t('summary.dueToday')} strong>
            {amount(0)}
          </Row>
        )}
      </dl>
      {usage.length > 0 && (
        <div className="flex flex-col gap-1">
          {usage.map((line) => (
            <p key={line}>{line}</p>
          ))}
          <p className="text-muted">{t('price.usageNote')}</p>
        </div>
      )}
      <p role="status" className="sr-only">
        {isStale ? t('summary.updating') : `${total}: ${amount(checkout.total_amount)}`}
      </p>
    </div>
  )
}

type Words = ReturnType<typeof useWords>['t']

const taxInside = (t: Words, checkout: Checkout, amount: (minor: number) => string) =>
  checkout.tax_amount ? t('summary.includesTax', { amount: amount(checkout.tax_amount) }) : undefined

function durationWords(t: Words, discount: Checkout['discount']): string | undefined {
  if (!discount) return undefined
  if (discount.duration === 'repeating') {
    return t('summary.discountMonths', { count: discount.duration_in_months ?? 1 })
  }
  return discount.duration === 'forever' ? t('summary.discountForever') : t('summary.discountOnce')
}

/** The taxes that come on top of the prices; one of nothing is only told where the buyer owes it. */
const shownTaxes = (checkout: Checkout) =>
  isInclusive(checkout)
    ? []
    : (checkout.tax_breakdown ?? []).filter(
        (line) => line.amount !== 0 || line.taxability_reason === 'reverse_charge',
      )

function Taxes({ checkout }: { checkout: Checkout }) {
  const { t, money, locale } = useWords()
  const lines = checkout.tax_breakdown
  if (!lines) {
    return checkout.amount > checkout.discount_amount ? (
      <Row name={t('summary.tax')}>
        <span className="text-muted">{t('summary.taxPending')}</span>
      </Row>
    ) : null
  }
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 3 })
  return shownTaxes(checkout).map((line) => {
    const name = line.display_name ?? t('summary.tax')
    const rate = line.rate === null ? null : percent.format(Number(line.rate) / 100)
    const isReversed = line.taxability_reason === 'reverse_charge'
    return (
      <Row
        key={`${name} ${line.country} ${line.state}`}
        name={rate && !isReversed ? `${name} ${rate}` : name}
        note={isReversed ? t('summary.reverseCharge') : undefined}
      >
        {money(line.amount, checkout.currency)}
      </Row>
    )
  })
}

function Row({
  name,
  note,
  strong,
  busy,
  children,
}: {
  name: string
  note?: string | undefined
  strong?: boolean
  busy?: boolean
  children: React.ReactNode
}) {
  return (
    <div className={`flex items-baseline justify-between gap-4 ${strong ? 'text-base font-semibold' : ''}`}>
      <dt className="min-w-0 break-words">
        {name}
        {note && <span className="block text-xs font-normal text-muted">{note}</span>}
      </dt>
      <dd className="flex shrink-0 items-center gap-2 text-right tabular-nums">
        {busy && <Spinner />}
        {children}
      </dd>
    </div>
  )
}
