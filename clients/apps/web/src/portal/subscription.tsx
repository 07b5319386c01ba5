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
  const [isChanged, setChanged] = useState(false)
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
  const done = () => {
    setOpen(null)
    setChanged(true)
    void refresh()
  }
  return (
    <Screen title={soldOf(one)?.name ?? ''}>
      {(one.status === 'past_due' || one.status === 'unpaid') && (
        <Notice kind="danger">
          <p>{p('sub.pastDue')}</p>
        </Notice>
      )}
      {unpaid && <PayOrder order={unpaid} />}
      {isChanged && (
        <Notice kind="notice">
          <p>{p('sub.changed')}</p>
        </Notice>
      )}
      <Card>
        <SubscriptionFacts subscription={one} />
        {one.pending_update && (
          <div className="flex flex-wrap items-center gap-3 text-sm">
            <p>{p('sub.planned')}</p>
            <Button busy={isBusy} onClick={() => void change(DROP_PENDING)}>
              {p('sub.dropPlanned')}
            </Button>
          </div>
        )}
      </Card>
      <Failure text={error} />
      {open === 'change' && <ChangeForm subscription={one} onDone={done} onClose={() => setOpen(null)} />}
      {open === 'cancel' && <Cancellation subscription={one} onDone={done} onClose={() => setOpen(null)} />}
      {open === null && !isOver && (
        <div className="flex flex-wrap gap-3">
          {mayChange && (
            <Button
              onClick={() => {
                setChanged(false)
                setOpen('change')
              }}
            >
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
            <Button
              onClick={() => {
                setChanged(false)
                setOpen('cancel')
              }}
            >
              {p('sub.cancel')}
            </Button>
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
