import { Button, Notice, onTheme, type Theme, themeOf } from '@polar-sh/ui'
import type {
  Appearance,
  ConfirmationToken,
  Stripe,
  StripeElements,
  StripeElementsOptionsMode,
  StripePaymentElement,
} from '@stripe/stripe-js'
import { type RefObject, useEffect, useImperativeHandle, useRef, useState } from 'react'
import { useWords } from '../shared/locale'
import { loadStripe } from '../shared/stripe'
import { type Card, CardError } from './payment'
import { type Checkout, intentOf, type Product } from './types'

type FormState = 'loading' | 'ready' | 'unreachable'

/** What the card form has to know of a payment; without one, it keeps a card for later. */
export type Charge = Pick<
  Checkout,
  'currency' | 'is_payment_required' | 'total_amount' | 'payment_processor_metadata'
> & { product: Pick<Product, 'is_recurring'> | null }

/** How the card form begins: what will be charged, and whether the card is kept for later payments. */
function modeOf(checkout: Charge): StripeElementsOptionsMode {
  const currency = checkout.currency
  const common = { currency, paymentMethodCreation: 'manual' } as const
  if (!checkout.is_payment_required) return { ...common, mode: 'setup' }
  const recurring = checkout.product?.is_recurring
  return {
    ...common,
    mode: recurring ? 'subscription' : 'payment',
    amount: checkout.total_amount,
    ...(recurring && { setupFutureUsage: 'off_session' as const }),
  }
}

/** The form's look, from the tokens of the page. */
function appearanceOf(theme: Theme): Appearance {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string) => style.getPropertyValue(name).trim()
  return {
    theme: theme === 'dark' ? 'night' : 'stripe',
    variables: {
      colorPrimary: token('--accent'),
      colorBackground: token('--raised'),
      colorText: token('--ink'),
      colorTextSecondary: token('--muted'),
      colorDanger: token('--danger'),
      borderRadius: '8px',
      fontSizeBase: '16px',
    },
    rules: { '.Input': { border: `1px solid ${token('--edge')}`, boxShadow: 'none' } },
  }
}

/** Stripe's card form. The page never sees a card number: what is typed stays in Stripe's frame. */
export function CardForm({
  checkout,
  handle,
  onState,
}: {
  checkout: Charge
  handle: RefObject<Card | null>
  onState: (state: FormState) => void
}) {
  const { t, locale } = useWords()
  const place = useRef<HTMLDivElement>(null)
  const parts = useRef<{ stripe: Stripe; elements: StripeElements; element: StripePaymentElement } | null>(
    null,
  )
  const [state, setState] = useState<FormState>('loading')
  const [tries, setTries] = useState(0)
  const first = useRef(checkout)
  const key = intentOf(checkout).publishable_key

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` loads the form anew, after a failure
  useEffect(() => {
    let isOver = false
    const tell = (now: FormState) => {
      if (isOver) return
      setState(now)
      onState(now)
    }
    tell('loading')
    loadStripe(key, locale)
      .then((stripe) => {
        if (isOver || !place.current) return
        const elements = stripe.elements({ ...modeOf(first.current), appearance: appearanceOf(themeOf()) })
        const element = elements.create('payment', {
          layout: 'tabs',
          fields: { billingDetails: { name: 'never', email: 'never', phone: 'never', address: 'never' } },
          terms: { card: 'never' },
        })
        parts.current = { stripe, elements, element }
        element.on('ready', () => tell('ready'))
        element.on('loaderror', () => tell('unreachable'))
        element.mount(place.current)
      })
      .catch(() => tell('unreachable'))
    return () => {
      isOver = true
      parts.current?.element.destroy()
      parts.current = null
    }
  }, [key, locale, onState, tries])

  useEffect(() => {
    first.current = checkout
    parts.current?.elements.update(modeOf(checkout))
  }, [checkout])

  useEffect(() => onTheme((theme) => parts.current?.elements.update({ appearance: appearanceOf(theme) })), [])

  useImperativeHandle(handle, () => cardOf(() => parts.current), [])

  return (
    <fieldset className="min-w-0" aria-busy={state === 'loading'}>
      <legend className="sr-only">{t('field.card')}</legend>
      {state === 'unreachable' ? (
        <Notice kind="danger">
          <p>{t('card.unreachable')}</p>
          <Button onClick={() => setTries(tries + 1)}>{t('card.retry')}</Button>
        </Notice>
      ) : (
        <div className="relative min-h-[152px]">
          {state === 'loading' && <div className="absolute inset-0 animate-pulse rounded-lg bg-line" />}
          <div ref={place} />
        </div>
      )}
    </fieldset>
  )
}

function cardOf(parts: () => { stripe: Stripe; elements: StripeElements } | null): Card {
  return {
    check: async () => {
      const now = parts()
      if (!now) return 'the card form is not loaded'
      const { error } = await now.elements.submit()
      return error ? (error.message ?? 'incomplete') : null
    },
    token: async (buyer) => {
      const now = parts()
      if (!now) throw new CardError('the card form is not loaded', undefined)
      const { address } = buyer
      const billing_details = {
        email: buyer.email,
        name: buyer.name,
        phone: '',
        address: {
          country: address?.country ?? '',
          line1: address?.line1 ?? '',
          line2: address?.line2 ?? '',
          city: address?.city ?? '',
          postal_code: address?.postal_code ?? '',
          state: address?.state?.replace(/^(US|CA)-/, '') ?? '',
        },
      }
      const made: { error?: { message?: string; code?: string }; confirmationToken?: ConfirmationToken } =
        await now.stripe.createConfirmationToken({
          elements: now.elements,
          params: { payment_method_data: { billing_details } },
        })
      if (!made.confirmationToken) throw new CardError(made.error?.message ?? '', made.error?.code)
      return made.confirmationToken.id
    },
    authenticate: async (clientSecret) => {
      const now = parts()
      return now ? authenticate(now.stripe, clientSecret) : { message: '' }
    },
  }
}

/** Has the buyer answer their bank. Returns what went wrong, or null. */
export async function authenticate(stripe: Stripe, clientSecret: string) {
  const { error } = await stripe.handleNextAction({ clientSecret })
  return error ? { message: error.message ?? '', ...(error.code && { code: error.code }) } : null
}
