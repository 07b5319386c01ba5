import { type ApiError, api, type schemas, unwrap } from '@polar-sh/client'
import { formatInstant } from '@polar-sh/i18n'
import { Button, TextField } from '@polar-sh/ui'
import { type FormEvent, useState } from 'react'
import { Facts, Failure, numberInAddress, Screen, type Seller } from './page'
import { useAction, useRightsWords } from './texts'

const REFUSALS = {
  WithdrawalRightLost: 'withdraw.lost',
  WithdrawalPeriodOver: 'withdraw.over',
  WithdrawalNotOffered: 'withdraw.none',
} as const

/** Withdrawing in two steps: the order and its address, then the mailed code. */
export function Withdraw({ seller }: { seller: Seller }) {
  const { r, locale, money } = useRightsWords()
  const [values, setValues] = useState({ number: numberInAddress(), email: '', name: '', code: '' })
  const [step, setStep] = useState<'order' | 'code'>('order')
  const [isWrong, setWrong] = useState(false)
  const [done, setDone] = useState<schemas['WithdrawalRead']>()
  const said = (failure: ApiError) => {
    const key = REFUSALS[failure.kind as keyof typeof REFUSALS]
    return key && r(key)
  }
  const { run, isBusy, error } = useAction(said)
  const set = (part: Partial<typeof values>) => setValues({ ...values, ...part })
  const body = {
    organization_id: seller.id,
    email: values.email.trim(),
    order_number: values.number.trim(),
  }

  const declare = (event: FormEvent) => {
    event.preventDefault()
    void run(async () => {
      await unwrap(api.POST('/v1/customer-portal/withdrawals/request', { body }))
      setWrong(false)
      setStep('code')
    })
  }
  const confirm = (event: FormEvent) => {
    event.preventDefault()
    setWrong(false)
    const { code, name } = values
    void run(async () => {
      const answer = api.POST('/v1/customer-portal/withdrawals/confirm', {
        body: { ...body, code, ...(name.trim() && { name: name.trim() }) },
      })
      const { response } = await answer
      if (response.status === 401) return setWrong(true)
      setDone(await unwrap(answer))
    })
  }

  if (done) {
    const amount = done.refund_amount ? money(done.refund_amount, done.currency) : null
    return (
      <Screen title={r('withdraw.doneTitle')}>
        <p>
          {r('withdraw.doneText', { date: formatInstant(done.requested_at, locale), email: values.email })}
        </p>
        <Facts
          rows={[
            [r('withdraw.contract'), done.product_name],
            [r('withdraw.order'), done.order_number],
            amount !== null && [r('withdraw.refund'), amount],
          ]}
        />
        <div className="flex flex-col gap-2 text-sm text-muted">
          {amount !== null && <p>{r('withdraw.refundText')}</p>}
          {amount !== null && done.is_pro_rata && <p>{r('withdraw.proRata')}</p>}
          {done.is_disputed && <p>{r('withdraw.disputed')}</p>}
          {amount === null && !done.is_disputed && <p>{r('withdraw.noRefund')}</p>}
        </div>
      </Screen>
    )
  }
  if (step === 'code') {
    return (
      <Screen title={r('withdraw.codeTitle')}>
        <p className="break-words">
          {r('withdraw.codeText', { number: values.number.trim(), email: values.email.trim() })}
        </p>
        <form onSubmit={confirm} className="flex flex-col gap-4">
          <TextField
            label={r('code')}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            pattern="\d{6}"
            value={values.code}
            error={isWrong ? r('codeWrong') : undefined}
            onChange={(event) => set({ code: event.target.value.replace(/\D/g, '').slice(0, 6) })}
          />
          <Failure text={error} />
          <Button kind="primary" type="submit" busy={isBusy}>
            {r('withdraw.confirm')}
          </Button>
          <Button kind="quiet" onClick={() => setStep('order')}>
            {r('change')}
          </Button>
        </form>
      </Screen>
    )
  }
  return (
    <Screen title={r('withdraw.title')}>
      <p className="text-muted">
        {r('withdraw.text', { shop: seller.name })} {r('privacy')}
      </p>
      <form onSubmit={declare} className="flex flex-col gap-4">
        <TextField
          label={r('withdraw.order')}
          hint={r('withdraw.orderHint')}
          autoComplete="off"
          spellCheck={false}
          required
          maxLength={64}
          value={values.number}
          onChange={(event) => set({ number: event.target.value })}
        />
        <TextField
          label={r('email')}
          hint={r('emailHint')}
          type="email"
          autoComplete="email"
          required
          value={values.email}
          onChange={(event) => set({ email: event.target.value })}
        />
        <TextField
          label={r('name')}
          autoComplete="name"
          required
          maxLength={255}
          value={values.name}
          onChange={(event) => set({ name: event.target.value })}
        />
        <Failure text={error} />
        <Button kind="primary" type="submit" busy={isBusy}>
          {r('continue')}
        </Button>
      </form>
    </Screen>
  )
}
