import { unwrap } from '@polar-sh/client'
import type { PortalKey, Translate } from '@polar-sh/i18n'
import { Badge, Button, CheckboxField, Notice } from '@polar-sh/ui'
import { type FormEvent, useRef, useState } from 'react'
import { authenticate } from '../checkout/card'
import { type Card as CardHandle, declineKey } from '../checkout/payment'
import { loadStripe } from '../shared/stripe'
import { CardEntry, declineOf } from './card-entry'
import { usePortalWords, useSession } from './context'
import { Card, Empty, Failure, Loaded, Screen, Section, useAction } from './parts'
import { useCards, useCustomer, useRefresh, useSubscriptions } from './queries'
import { basePath } from './session'
import type { PaymentMethod } from './types'

interface Details {
  brand?: string
  last4?: string
  exp_month?: number
  exp_year?: number
}

const detailsOf = (card: PaymentMethod) => card.method_metadata as Details

/** `Visa ending in 4242`. */
export function cardName(p: Translate<PortalKey>, card: PaymentMethod): string {
  const { brand, last4 } = detailsOf(card)
  const name = brand ?? card.type
  return p('card.ends', { brand: name.charAt(0).toUpperCase() + name.slice(1), last4: last4 ?? '····' })
}

export function CardsScreen() {
  const { p } = usePortalWords()
  const cards = useCards()
  return (
    <Screen title={p('nav.cards')}>
      <Loaded query={cards}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{p('card.empty')}</Empty>
          ) : (
            <ul className="flex flex-col gap-3">
              {items.map((card) => (
                <li key={card.id}>
                  <Saved card={card} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <AddCard />
    </Screen>
  )
}

function Saved({ card }: { card: PaymentMethod }) {
  const { p } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const [isAsking, setAsking] = useState(false)
  const { run, isBusy, error } = useAction()
  const params = { path: { id: card.id } }
  const name = cardName(p, card)
  const { exp_month: month, exp_year: year } = detailsOf(card)
  const remove = () =>
    run(async () => {
      await unwrap(api.DELETE('/v1/customer-portal/customers/me/payment-methods/{id}', { params }))
      await refresh()
    })
  const prefer = () =>
    run(async () => {
      const body = { is_default: true, for_subscriptions: true } as const
      await unwrap(api.PATCH('/v1/customer-portal/customers/me/payment-methods/{id}', { params, body }))
      await refresh()
    })
  return (
    <Card>
      <div className="flex items-baseline justify-between gap-4">
        <span className="font-medium">{name}</span>
        {card.is_default && <Badge tone="good">{p('card.default')}</Badge>}
      </div>
      {month && year && (
        <p className="text-sm text-muted">
          {p('card.expires', { date: `${String(month).padStart(2, '0')}/${String(year)}` })}
        </p>
      )}
      <Failure text={error && p('card.refused', { reason: error })} />
      {isAsking ? (
        <div className="flex flex-wrap items-center gap-3 text-sm">
          <p>{p('card.confirmRemove')}</p>
          <Button busy={isBusy} onClick={() => void remove()}>
            {p('card.remove')}
          </Button>
          <Button onClick={() => setAsking(false)}>{p('card.keep')}</Button>
        </div>
      ) : (
        <div className="flex flex-wrap gap-3">
          {!card.is_default && (
            <Button busy={isBusy} onClick={() => void prefer()}>
              {p('card.makeDefault')}
            </Button>
          )}
          <Button aria-label={p('card.removeNamed', { card: name })} onClick={() => setAsking(true)}>
            {p('card.remove')}
          </Button>
        </div>
      )}
    </Card>
  )
}

function AddCard() {
  const { p, t, locale } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const customer = useCustomer().data
  const currency = useSubscriptions().data?.items[0]?.currency ?? 'usd'
  const [isOpen, setOpen] = useState(false)
  const [isDefault, setDefault] = useState(true)
  const [isAdded, setAdded] = useState(false)
  const [declined, setDeclined] = useState('')
  const card = useRef<CardHandle | null>(null)
  const { run, isBusy, error } = useAction()

  const save = (event: FormEvent) => {
    event.preventDefault()
    setDeclined('')
    void run(async () => {
      try {
        if (!card.current || (await card.current.check())) return
        const buyer = { email: customer?.email ?? '', name: customer?.name ?? '', address: null }
        const use = { set_default: isDefault, for_subscriptions: isDefault }
        const answer = await unwrap(
          api.POST('/v1/customer-portal/customers/me/payment-methods', {
            body: {
              confirmation_token_id: await card.current.token(buyer),
              ...use,
              return_url: `${location.origin}${basePath()}/payment-methods`,
            },
          }),
        )
        if (answer.status === 'requires_action' && answer.client_secret) {
          const refused = await authenticate(await loadStripe(undefined, locale), answer.client_secret)
          if (refused) return setDeclined(t(declineKey(refused.code ?? 'authentication_required')))
          // A set-up's client secret begins with its id.
          const setup_intent_id = answer.client_secret.split('_secret_')[0] ?? ''
          await unwrap(
            api.POST('/v1/customer-portal/customers/me/payment-methods/confirm', {
              body: { setup_intent_id, ...use },
            }),
          )
        }
        setOpen(false)
        setAdded(true)
        await refresh()
      } catch (failure) {
        const key = declineOf(failure)
        if (!key) throw failure
        setDeclined(t(key))
      }
    })
  }
  if (!isOpen) {
    return (
      <div className="flex flex-col items-start gap-3">
        {isAdded && (
          <Notice kind="notice">
            <p>{p('card.added')}</p>
          </Notice>
        )}
        <Button onClick={() => setOpen(true)}>{p('card.add')}</Button>
      </div>
    )
  }
  return (
    <Section title={p('card.add')}>
      <form onSubmit={save} className="flex max-w-md flex-col gap-4">
        <p className="text-sm text-muted">{p('card.addText')}</p>
        <CardEntry amount={null} currency={currency} handle={card} />
        <CheckboxField
          label={p('card.setDefault')}
          checked={isDefault}
          onChange={(event) => setDefault(event.target.checked)}
        />
        <Failure text={declined || error} />
        <div className="flex flex-wrap gap-3">
          <Button kind="primary" type="submit" busy={isBusy}>
            {p('card.save')}
          </Button>
          <Button onClick={() => setOpen(false)}>{p('back')}</Button>
        </div>
      </form>
    </Section>
  )
}
