import { Badge, type Tone } from '@polar-sh/ui'
import { intervalWords } from '../checkout/describe'
import { usePortalWords } from './context'
import { Lines } from './parts'
import { type CustomerSubscription, soldOf } from './types'

const STATUSES = ['active', 'trialing', 'past_due', 'unpaid', 'canceled', 'paused'] as const

const TONES: Record<(typeof STATUSES)[number] | 'incomplete', Tone> = {
  active: 'good',
  trialing: 'good',
  past_due: 'bad',
  unpaid: 'bad',
  canceled: 'plain',
  paused: 'plain',
  incomplete: 'plain',
}

/** Plan, price, and what happens next. The amount of the next charge is the server's preview where it is known. */
export function SubscriptionFacts({
  subscription: one,
  next,
}: {
  subscription: CustomerSubscription
  next?: string | undefined
}) {
  const { p, t, money, date } = usePortalWords()
  const status = STATUSES.find((known) => known === one.status) ?? 'incomplete'
  const isEnding = one.cancel_at_period_end && status !== 'canceled'
  const end = one.ends_at ?? one.current_period_end
  const prices = soldOf(one)?.prices
  const isFree = one.amount === 0 && prices?.some((each) => each.amount_type.startsWith('metered')) === false
  const price = t('price.per', {
    amount: money(one.amount, one.currency),
    interval: intervalWords(t, one.recurring_interval, one.recurring_interval_count),
  })
  return (
    <>
      <div className="flex items-baseline justify-between gap-4">
        <span className="min-w-0 break-words font-semibold">{soldOf(one)?.name}</span>
        <Badge tone={isEnding ? 'plain' : TONES[status]}>
          {p(isEnding ? 'status.ending' : `status.${status}`)}
        </Badge>
      </div>
      <Lines
        rows={[
          [p('sub.price'), isFree ? t('price.free') : price],
          one.seats !== null && [p('sub.seats'), one.seats],
          one.units !== null && [p('sub.units'), one.units],
        ]}
      />
      <p className="text-sm text-muted">
        {status === 'canceled'
          ? p('sub.endedOn', { date: date(one.ended_at ?? end) })
          : status === 'paused'
            ? p('sub.paused')
            : isEnding
              ? p('sub.endsOn', { date: date(end) })
              : one.pause_at_period_end
                ? p('sub.pausesOn', { date: date(one.current_period_end) })
                : (next ??
                  (isFree ? p('sub.noCharge') : p('sub.next', { date: date(one.current_period_end) })))}
      </p>
    </>
  )
}
