import { unwrap } from '@polar-sh/client'
import { Button, Notice } from '@polar-sh/ui'
import { useState } from 'react'
import { Cancellation } from './cancellation'
import { ChangeForm } from './change'
import { ChargedCard } from './charged-card'
import { usePortalWords, useSession } from './context'
import { OrderList } from './orders'
import { Card, Failure, Loaded, Screen, Section, useAction } from './parts'
import { PayOrder } from './pay-order'
import { useOrders, useRefresh, useSeller, useSubscription } from './queries'
import { SubscriptionFacts } from './subscription-facts'
import {
  allowedBy,
  type CustomerSubscription,
  DROP_PENDING,
  otherPlans,
  plannedOf,
  type SubscriptionChange,
  soldOf,
} from './types'

export function SubscriptionScreen({ id }: { id: string }) {
  const query = useSubscription(id)
  return <Loaded query={query}>{(one) => <Shown key={one.id} subscription={one} />}</Loaded>
}

function Shown({ subscription: one }: { subscription: CustomerSubscription }) {
  const { p } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const shop = useSeller().data
  const allowed = allowedBy(shop?.seller)
  const hasPlans = otherPlans(shop, one).length > 0
  const orders = useOrders(5, one.id)
  const [open, setOpen] = useState<'change' | 'cancel' | null>(null)
  const [done, setDone] = useState<'changed' | 'canceled' | null>(null)
  const { run, isBusy, error } = useAction()
  const unpaid = orders.data?.items.find((order) => order.status === 'pending' && order.due_amount > 0)
  const isOver = one.status === 'canceled' || one.status === 'incomplete_expired'
  const isLive = one.status === 'active' || one.status === 'trialing'
  const mayChange =
    isLive &&
    !one.cancel_at_period_end &&
    (hasPlans || (one.seats !== null && allowed.seats) || (one.units !== null && allowed.units))
  const change = (body: SubscriptionChange) =>
    run(async () => {
      const path = { id: one.id }
      await unwrap(api.PATCH('/v1/customer-portal/subscriptions/{id}', { params: { path }, body }))
      await refresh()
    })
  const finish = (what: 'changed' | 'canceled') => {
    setOpen(null)
    setDone(what)
    void refresh()
  }
  const begin = (what: 'change' | 'cancel') => {
    setDone(null)
    setOpen(what)
  }
  const planned = usePlannedWords(one)
  return (
    <Screen title={soldOf(one)?.name ?? ''}>
      {(one.status === 'past_due' || one.status === 'unpaid') && (
        <Notice kind="danger">
          <p>{p('sub.pastDue')}</p>
        </Notice>
      )}
      {unpaid && <PayOrder order={unpaid} />}
      {done && (
        <Notice kind="notice">
          <p>{p(`sub.${done}`)}</p>
        </Notice>
      )}
      <Card>
        <SubscriptionFacts subscription={one} />
        {one.pending_update && (
          <div className="flex flex-wrap items-center gap-3 text-sm">
            <p>{planned}</p>
            <Button busy={isBusy} onClick={() => void change(DROP_PENDING)}>
              {p('sub.dropPlanned')}
            </Button>
          </div>
        )}
      </Card>
      <Failure text={error} />
      {open === 'change' && (
        <ChangeForm subscription={one} onDone={() => finish('changed')} onClose={() => setOpen(null)} />
      )}
      {open === 'cancel' && (
        <Cancellation subscription={one} onDone={() => finish('canceled')} onClose={() => setOpen(null)} />
      )}
      {open === null && !isOver && (
        <div className="flex flex-wrap gap-3">
          {mayChange && (
            <Button onClick={() => begin('change')}>
              {p(hasPlans ? 'sub.change' : one.seats !== null ? 'sub.changeSeats' : 'sub.changeUnits')}
            </Button>
          )}
          {allowed.pause && isLive && !one.cancel_at_period_end && (
            <Button
              busy={isBusy}
              onClick={() => void change({ pause_at_period_end: !one.pause_at_period_end })}
            >
              {p(one.pause_at_period_end ? 'sub.unpause' : 'sub.pause')}
            </Button>
          )}
          {allowed.pause && one.status === 'paused' && (
            <Button busy={isBusy} onClick={() => void change({ resume: true })}>
              {p('sub.resume')}
            </Button>
          )}
          {one.cancel_at_period_end ? (
            <Button busy={isBusy} onClick={() => void change({ cancel_at_period_end: false })}>
              {p('sub.uncancel')}
            </Button>
          ) : (
            <Button onClick={() => begin('cancel')}>{p('sub.cancel')}</Button>
          )}
        </div>
      )}
      {open === null && !isOver && <ChargedCard subscription={one.id} />}
      <Section title={p('nav.orders')}>
        <Loaded query={orders}>{({ items }) => <OrderList orders={items} />}</Loaded>
      </Section>
    </Screen>
  )
}

/** What is changed at the end of the period, and when; in general words where the shop does not say what it sells. */
function usePlannedWords(one: CustomerSubscription): string {
  const { p, date } = usePortalWords()
  const shop = useSeller().data
  const { product_id, seats, units, applies_at } = plannedOf(one)
  const product = shop?.products.find(({ id }) => id === product_id)
  const changes = [
    product?.name,
    seats && `${p('sub.seats')}: ${seats}`,
    units && `${p('sub.units')}: ${units}`,
  ].filter(Boolean)
  const isKnown = applies_at && changes.length > 0 && (product || !product_id)
  return isKnown
    ? p('sub.plannedTo', { date: date(applies_at), change: changes.join(', ') })
    : p('sub.planned')
}
