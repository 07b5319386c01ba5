import { unwrap } from '@polar-sh/client'
import { Button, Notice } from '@polar-sh/ui'
import { type FormEvent, useRef, useState } from 'react'
import { authenticate } from '../checkout/card'
import type { Card as CardHandle } from '../checkout/payment'
import { declineKey } from '../checkout/payment'
import { loadStripe } from '../shared/stripe'
import { CardEntry, declineOf } from './card-entry'
import { cardName } from './cards'
import { usePortalWords, useSession } from './context'
import { Card, Failure, Loaded, useAction } from './parts'
import { useCards, useCustomer, useRefresh } from './queries'
import type { CustomerOrder, PaymentMethod } from './types'

const NEW = 'new'
const TRIES = 20

/** Pays an order whose payment failed, with a saved card or another one; the bank's question is answered here. */
export function PayOrder({ order }: { order: CustomerOrder }) {
  const cards = useCards()
  return (
    <Card>
      <Loaded query={cards}>{({ items }) => <Form order={order} cards={items} />}</Loaded>
    </Card>
  )
}

function Form({ order, cards }: { order: CustomerOrder; cards: PaymentMethod[] }) {
  const { p, t, money, locale } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const customer = useCustomer().data
  const [chosen, setChosen] = useState((cards.find((card) => card.is_default) ?? cards[0])?.id ?? NEW)
  const [declined, setDeclined] = useState('')
  const [isPaid, setPaid] = useState(false)
  const card = useRef<CardHandle | null>(null)
  const { run, isBusy, error } = useAction()
  const params = { path: { id: order.id } }

  const settled = async () => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const now = await unwrap(api.GET('/v1/customer-portal/orders/{id}', { params }))
      if (now.paid) return setPaid(true)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    throw new Error('not settled')
  }
  const pay = (event: FormEvent) => {
    event.preventDefault()
    setDeclined('')
    void run(async () => {
      try {
        let means: { confirmation_token_id: string } | { payment_method_id: string } = {
          payment_method_id: chosen,
        }
        if (chosen === NEW) {
          if (!card.current || (await card.current.check())) return
          const buyer = { email: customer?.email ?? '', name: customer?.name ?? '', address: null }
          means = { confirmation_token_id: await card.current.token(buyer) }
        }
        const answer = await unwrap(
          api.POST('/v1/customer-portal/orders/{id}/confirm-payment', { params, body: means }),
        )
        if (answer.client_secret && answer.status === 'requires_action') {
          const refused = await authenticate(await loadStripe(undefined, locale), answer.client_secret)
          if (refused) return setDeclined(t(declineKey(refused.code ?? 'authentication_required')))
        } else if (answer.status !== 'succeeded' && answer.status !== 'processing') {
          return setDeclined(answer.error || t('decline.generic'))
        }
        await settled()
        await refresh()
      } catch (failure) {
        const key = declineOf(failure)
        if (!key) throw failure
        setDeclined(t(key))
      }
    })
  }
  if (isPaid) {
    return (
      <Notice kind="notice">
        <p>{p('pay.done')}</p>
      </Notice>
    )
  }
  return (
    <form onSubmit={pay} className="flex flex-col gap-4">
      <fieldset disabled={isBusy} className="flex min-w-0 flex-col gap-2">
        <legend className="mb-2 text-sm font-medium">{p('pay.with')}</legend>
        {[...cards.map((one) => [one.id, cardName(p, one)] as const), [NEW, p('pay.newCard')] as const].map(
          ([id, name]) => (
            <label key={id} className="flex min-h-8 items-center gap-2 text-sm">
              <input
                type="radio"
                name={`card-${order.id}`}
                className="size-4 accent-accent"
                checked={chosen === id}
                onChange={() => setChosen(id)}
              />
              {name}
            </label>
          ),
        )}
      </fieldset>
      {chosen === NEW && <CardEntry amount={order.due_amount} currency={order.currency} handle={card} />}
      <Failure text={declined || error} />
      <Button kind="primary" type="submit" busy={isBusy}>
        {p('order.pay', { amount: money(order.due_amount, order.currency) })}
      </Button>
    </form>
  )
}
