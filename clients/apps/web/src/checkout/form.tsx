import { Button, Notice, TextField } from '@polar-sh/ui'
import { type FormEvent, type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { useWords } from '../shared/locale'
import { focusFirst } from '../shared/problems'
import { loadStripe } from '../shared/stripe'
import type { CheckoutApi } from './api'
import { authenticate, CardForm } from './card'
import { host } from './embed'
import { AddressFields, BusinessFields, ConsentField, EmailField, errorWords, QuestionFields } from './fields'
import { leave } from './leave'
import { PayButton } from './pay-button'
import { type Card, follow, type Outcome, pay, type Step, type Trouble } from './payment'
import type { CheckoutStore, State } from './store'
import { OtherProblems, TroubleNotice } from './trouble'
import { type Checkout, intentOf } from './types'
import { addressOf, bodyOf, isEmail, missing, type Values, valuesOf } from './values'

interface Props {
  api: CheckoutApi
  checkout: Checkout
  state: State
  store: CheckoutStore
  step: Step
  setStep: (step: Step) => void
  /** What is bought and its sum, where no other place has it. */
  summary: ReactNode
}

/** Who buys, with which card, and the button that pays. */
export function PaymentForm({ api, checkout, state, store, step, setStep, summary }: Props) {
  const { t } = useWords()
  const [values, setValues] = useState(() => valuesOf(checkout, navigator.languages))
  const [trouble, setTrouble] = useState<Trouble | null>(null)
  const [cardState, setCardState] = useState<'loading' | 'ready' | 'unreachable'>('loading')
  const [isSlow, setSlow] = useState(false)
  const card = useRef<Card>(null)
  const isBusy = useRef(false)
  const { errors } = state
  const needsCard = checkout.is_payment_form_required
  const isLocked = step !== 'editing' || checkout.status !== 'open'

  const finish = useCallback(
    (outcome: Outcome) => {
      const now = store.get().checkout
      isBusy.current = false
      if (outcome.status === 'succeeded' && now) return leave(now)
      setStep('editing')
      setTrouble(outcome.trouble ?? null)
      if (outcome.trouble?.key === 'problem.checkFields') focusFirst(() => Object.keys(store.get().errors))
    },
    [store, setStep],
  )

  // A page that was loaded anew during a payment, or opened in another tab, follows that payment.
  const { status } = checkout
  useEffect(() => {
    if (isBusy.current) return
    if (status === 'succeeded') leave(checkout)
    else if (status === 'confirmed' && intentOf(checkout).intent_status !== 'requires_action') {
      isBusy.current = true
      void follow(store, null, checkout, setStep).then(finish)
    }
  }, [status, checkout, store, setStep, finish])

  useEffect(() => {
    setSlow(false)
    if (step !== 'waiting') return
    const timer = setTimeout(() => setSlow(true), SLOW_SECONDS * 1000)
    return () => clearTimeout(timer)
  }, [step])

  // Whoever waits long for the outcome may leave: the payment goes on by itself.
  const isPaying = step !== 'editing' && !isSlow
  useEffect(() => host.pay(isPaying, status !== 'open'), [isPaying, status])
  useEffect(() => () => host.pay(false, false), [])

  const first = useRef(values.country)
  useEffect(() => {
    // The country that the browser names is one to begin with: the taxes are those of this country.
    if (first.current && !checkout.customer_billing_address && checkout.status === 'open') {
      store.change({ customer_billing_address: { country: first.current } }, 0)
    }
    first.current = ''
  }, [checkout, store])

  const set = (part: Partial<Values>) => {
    const next = { ...values, ...part }
    setValues(next)
    for (const name of Object.keys(part)) store.clear(PATHS[name] ?? '')
    const address = addressOf(next, checkout)
    if (ADDRESS.some((name) => name in part) && address) store.change({ customer_billing_address: address })
    if ('isBusiness' in part || 'taxId' in part) {
      const taxId = next.isBusiness ? next.taxId.trim() || null : null
      store.change(
        { is_business_customer: next.isBusiness, customer_tax_id: taxId },
        'taxId' in part ? 900 : 0,
      )
    }
    if ('answers' in part) store.clear('custom_field_data')
  }

  const rememberEmail = () => {
    if (isEmail(values.email) && values.email !== checkout.customer_email) {
      store.change({ customer_email: values.email.trim() }, 0)
    }
  }

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (isBusy.current || isLocked || state.isStale || (needsCard && cardState !== 'ready')) return
    setTrouble(null)
    const problems = missing(values, checkout)
    store.refuse(problems)
    const cardProblem = needsCard && card.current ? await card.current.check() : null
    if (problems.length) return focusFirst(() => Object.keys(store.get().errors))
    if (cardProblem || isBusy.current) return
    isBusy.current = true
    setStep('paying')
    if (!(await store.flush())) return finish({ status: 'refused', trouble: { key: 'problem.unreachable' } })
    const buyer = {
      email: values.email.trim(),
      name: values.name.trim(),
      address: addressOf(values, checkout),
    }
    finish(await pay(store, api, needsCard ? card.current : null, bodyOf(values, checkout), buyer, setStep))
  }

  const answerBank = async () => {
    const { intent_client_secret, publishable_key } = intentOf(checkout)
    if (!intent_client_secret || isBusy.current) return
    isBusy.current = true
    setTrouble(null)
    try {
      const stripe = await loadStripe(publishable_key, document.documentElement.lang)
      finish(
        await follow(store, { authenticate: (secret) => authenticate(stripe, secret) }, checkout, setStep),
      )
    } catch {
      finish({ status: 'refused', trouble: { key: 'card.unreachable' } })
    }
  }

  const isAsked =
    step === 'editing' && status === 'confirmed' && intentOf(checkout).intent_status === 'requires_action'
  if (isAsked) {
    return (
      <div className="flex flex-col gap-4">
        <Notice kind="notice">
          <p>{t('pay.bankAsks')}</p>
        </Notice>
        {trouble && (
          <TroubleNotice
            trouble={trouble}
            checkout={checkout}
            store={store}
            email={values.email}
            onDone={() => setTrouble(null)}
          />
        )}
        <Button kind="primary" onClick={answerBank}>
          {t('pay.continueAuthentication')}
        </Button>
      </div>
    )
  }

  return (
    <form noValidate onSubmit={submit} aria-label={t('checkout.payment')} className="flex flex-col gap-5">
      <fieldset disabled={isLocked} className="flex min-w-0 flex-col gap-5">
        <EmailField
          values={values}
          errors={errors}
          set={set}
          onLeave={rememberEmail}
          isFixed={checkout.customer_id !== null}
        />
        {needsCard && <CardForm checkout={checkout} handle={card} onState={setCardState} />}
        <TextField
          id="customer_name"
          label={t(needsCard ? 'field.name' : 'field.yourName')}
          autoComplete={needsCard ? 'cc-name' : 'name'}
          required={needsCard}
          optional={needsCard ? undefined : t('field.optional')}
          value={values.name}
          onChange={(event) => set({ name: event.target.value })}
          error={errorWords(t, errors, 'customer_name')}
        />
        <AddressFields checkout={checkout} values={values} errors={errors} set={set} />
        <BusinessFields values={values} errors={errors} set={set} />
        <QuestionFields checkout={checkout} values={values} errors={errors} set={set} />
        <ConsentField checkout={checkout} values={values} errors={errors} set={set} />
      </fieldset>
      {summary && (
        <div className="rounded-xl border border-line bg-canvas p-4">
          <p className="mb-3 break-words font-medium">{checkout.product?.name}</p>
          {summary}
        </div>
      )}
      {state.isOffline && (
        <Notice kind="notice">
          <p>{t(navigator.onLine ? 'problem.unreachable' : 'problem.offline')}</p>
          <Button onClick={store.retry}>{t('screen.tryAgain')}</Button>
        </Notice>
      )}
      {trouble && (
        <TroubleNotice
          trouble={trouble}
          checkout={checkout}
          store={store}
          email={values.email}
          onDone={() => setTrouble(null)}
        />
      )}
      <OtherProblems errors={errors} />
      {isSlow && (
        <Notice kind="notice">
          <p>{t('problem.stillProcessing')}</p>
        </Notice>
      )}
      <PayButton
        checkout={checkout}
        step={isLocked && step === 'editing' ? 'waiting' : step}
        isStale={state.isStale}
        cardState={needsCard ? cardState : 'ready'}
      />
    </form>
  )
}

const SLOW_SECONDS = 15
const ADDRESS = ['country', 'line1', 'line2', 'city', 'postalCode', 'state']
const PATHS: Record<string, string> = {
  email: 'customer_email',
  name: 'customer_name',
  billingName: 'customer_billing_name',
  taxId: 'customer_tax_id',
  consents: 'immediate_delivery_consent',
}
