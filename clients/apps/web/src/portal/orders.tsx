import { ApiError, unwrap } from '@polar-sh/client'
import { Badge, Button, ButtonLink, Notice, TextField, type Tone } from '@polar-sh/ui'
import { Link } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { AddressFields, sentAddress } from './address'
import { usePortalWords, useSession } from './context'
import { Card, Empty, Failure, Lines, Loaded, Screen, Section, useAction } from './parts'
import { PayOrder } from './pay-order'
import { useOrder, useOrders, useRefresh } from './queries'
import type { Address, CustomerOrder } from './types'

const STATUSES = ['paid', 'refunded', 'partially_refunded', 'void'] as const
const PAGE = 20
const MOST = 100
const TRIES = 20
const BILLING = ['billing_name', 'billing_address']

const statusKey = (order: CustomerOrder) =>
  `status.${STATUSES.find((known) => known === order.status) ?? 'pending'}` as const

const TONES: Partial<Record<string, Tone>> = { paid: 'good', pending: 'bad' }

function Status({ order }: { order: CustomerOrder }) {
  const { p } = usePortalWords()
  return <Badge tone={TONES[order.status] ?? 'plain'}>{p(statusKey(order))}</Badge>
}

export function OrdersScreen() {
  const { p } = usePortalWords()
  const [limit, setLimit] = useState(PAGE)
  const orders = useOrders(limit)
  return (
    <Screen title={p('nav.orders')}>
      <Loaded query={orders}>
        {({ items, pagination }) => (
          <>
            <OrderList orders={items} />
            {pagination.total_count > items.length && limit < MOST && (
              <Button onClick={() => setLimit(MOST)}>{p('order.more')}</Button>
            )}
          </>
        )}
      </Loaded>
    </Screen>
  )
}

export function OrderList({ orders }: { orders: CustomerOrder[] }) {
  const { p, money, date } = usePortalWords()
  if (orders.length === 0) return <Empty>{p('order.empty')}</Empty>
  return (
    <ul className="flex flex-col divide-y divide-line rounded-xl border border-line bg-raised">
      {orders.map((order) => (
        <li key={order.id} className="flex items-center justify-between gap-4 px-4 py-3 text-sm">
          <div className="min-w-0">
            <Link
              to="/orders/$id"
              params={{ id: order.id }}
              className="block break-words py-1 font-medium text-accent underline"
            >
              {order.description}
            </Link>
            <span className="text-muted">{date(order.created_at)}</span>
          </div>
          <div className="flex shrink-0 flex-col items-end gap-1">
            <span className="font-medium tabular-nums">{money(order.total_amount, order.currency)}</span>
            <Status order={order} />
          </div>
        </li>
      ))}
    </ul>
  )
}

export function OrderScreen({ id }: { id: string }) {
  const query = useOrder(id)
  return <Loaded query={query}>{(order) => <Detail key={order.id} order={order} />}</Loaded>
}

function Detail({ order }: { order: CustomerOrder }) {
  const { p, t, money, date } = usePortalWords()
  const amount = (minor: number) => money(minor, order.currency)
  const isIncluded =
    order.tax_amount !== 0 && order.total_amount === order.subtotal_amount - order.discount_amount
  const isDue = order.status === 'pending' && order.due_amount > 0
  return (
    <Screen title={order.description || p('order.title')}>
      {isDue && <PayOrder order={order} />}
      <Card>
        <div className="flex justify-between gap-4 text-sm">
          <span className="text-muted">{date(order.created_at)}</span>
          <Status order={order} />
        </div>
        <ul className="flex flex-col gap-1 text-sm">
          {order.items.map((item) => (
            <li key={item.id} className="flex justify-between gap-4">
              <span className="min-w-0 break-words">{item.label}</span>
              <span className="shrink-0 tabular-nums">{amount(item.amount)}</span>
            </li>
          ))}
        </ul>
        <hr className="border-line" />
        <Lines
          rows={[
            order.invoice_number !== null && [t('done.orderNumber'), order.invoice_number],
            [p('order.subtotal'), amount(order.subtotal_amount)],
            order.discount_amount !== 0 && [p('order.discount'), amount(-order.discount_amount)],
            !isIncluded && [p('order.tax'), amount(order.tax_amount)],
            [p('order.total'), <strong key="total">{amount(order.total_amount)}</strong>],
            isIncluded && [p('order.taxIncluded'), amount(order.tax_amount)],
            order.applied_balance_amount !== 0 && [p('order.balance'), amount(order.applied_balance_amount)],
            isDue && [p('order.due'), amount(order.due_amount)],
            order.refunded_amount !== 0 && [
              p('order.refunded'),
              amount(order.refunded_amount + order.refunded_tax_amount),
            ],
          ]}
        />
      </Card>
      <Documents order={order} />
    </Screen>
  )
}

type Kind = 'invoice' | 'receipt'

/** Invoice and receipt. An invoice needs a name and an address, and keeps them: they are asked for before it is made. */
function Documents({ order }: { order: CustomerOrder }) {
  const { p } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const [isEditing, setEditing] = useState(false)
  const [ready, setReady] = useState<{ kind: Kind; url: string }>()
  const [isMaking, setMaking] = useState(false)
  const { run, isBusy, error, problems } = useAction(BILLING)
  const params = { path: { id: order.id } }
  const found = async (kind: Kind) => {
    const answer = await unwrap(
      kind === 'invoice'
        ? api.GET('/v1/customer-portal/orders/{id}/invoice', { params })
        : api.GET('/v1/customer-portal/orders/{id}/receipt', { params }),
    )
    setReady({ kind, url: answer.url })
  }
  /** The invoice is drawn by a worker: it is there a moment later. */
  const awaited = async () => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      try {
        return await found('invoice')
      } catch (failure) {
        if (!(failure instanceof ApiError) || failure.status !== 404) throw failure
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    }
    setMaking(true)
  }
  const open = (kind: Kind) => {
    setMaking(false)
    if (kind === 'invoice' && !order.is_invoice_generated) setEditing(true)
    else void run(() => found(kind))
  }
  const make = (billing_name: string, billing_address: Address | null) =>
    run(async () => {
      const body = { billing_name, ...(billing_address && { billing_address }) }
      await unwrap(api.PATCH('/v1/customer-portal/orders/{id}', { params, body }))
      await unwrap(api.POST('/v1/customer-portal/orders/{id}/invoice', { params }))
      await awaited()
      setEditing(false)
      await refresh()
    })
  return (
    <Section title={p('order.documents')}>
      <Failure text={error} />
      {isMaking && (
        <Notice kind="notice">
          <p>{p('order.making')}</p>
        </Notice>
      )}
      {ready && (
        <ButtonLink kind="primary" href={ready.url} target="_blank" rel="noopener noreferrer">
          {p(ready.kind === 'invoice' ? 'order.openInvoice' : 'order.openReceipt')}
        </ButtonLink>
      )}
      {isEditing ? (
        <Billing order={order} isBusy={isBusy} problems={problems} onSave={make} />
      ) : (
        <div className="flex flex-wrap gap-3">
          {ready?.kind !== 'invoice' && (
            <Button busy={isBusy} onClick={() => open('invoice')}>
              {p('order.invoice')}
            </Button>
          )}
          {order.paid && ready?.kind !== 'receipt' && (
            <Button busy={isBusy} onClick={() => open('receipt')}>
              {p('order.receipt')}
            </Button>
          )}
        </div>
      )}
    </Section>
  )
}

function Billing({
  order,
  isBusy,
  problems,
  onSave,
}: {
  order: CustomerOrder
  isBusy: boolean
  problems: Readonly<Record<string, string>>
  onSave: (name: string, address: Address | null) => Promise<unknown>
}) {
  const { p } = usePortalWords()
  const [name, setName] = useState(order.billing_name ?? '')
  const [address, setAddress] = useState<Address>(order.billing_address ?? { country: '' })
  const save = (event: FormEvent) => {
    event.preventDefault()
    void onSave(name.trim(), sentAddress(address))
  }
  return (
    <form onSubmit={save} className="flex flex-col gap-4">
      <h3 className="font-semibold">{p('order.billing')}</h3>
      <p className="text-sm text-muted">{p('order.billingFirst')}</p>
      <TextField
        id="billing_name"
        error={problems.billing_name}
        label={p('field.billingName')}
        autoComplete="name"
        required
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <AddressFields
        value={address}
        isCountryFixed={Boolean(order.billing_address?.country)}
        problems={problems}
        onChange={setAddress}
      />
      <Button kind="primary" type="submit" busy={isBusy}>
        {p('order.makeInvoice')}
      </Button>
    </form>
  )
}
