import { api, type schemas, unwrap } from '@polar-sh/client'
import { formatInstant } from '@polar-sh/i18n'
import { Button, TextArea, TextField } from '@polar-sh/ui'
import { type FormEvent, useState } from 'react'
import { Facts, Failure, numberInAddress, Screen, type Seller } from './page'
import { useAction, useRightsWords } from './texts'

type Kind = 'ordinary' | 'extraordinary'
const KINDS: readonly Kind[] = ['ordinary', 'extraordinary']

/** Takes the token of a mailed link out of the address, so that it is in no history and no copied link. */
function takeToken(): string | null {
  const token = location.hash.slice(1)
  if (!/^[A-Za-z0-9_-]{20,100}$/.test(token)) return null
  history.replaceState(history.state, '', location.pathname + location.search)
  return token
}

const TOKEN = takeToken()

/** Cancelling a contract: declared in two steps, or confirmed by the link of a mail. */
export function Cancel({ seller }: { seller: Seller }) {
  const [token, setToken] = useState(TOKEN)
  return token ? (
    <Confirm seller={seller} token={token} onAgain={() => setToken(null)} />
  ) : (
    <Declare seller={seller} />
  )
}

function Declare({ seller }: { seller: Seller }) {
  const { r, locale } = useRightsWords()
  const [values, setValues] = useState({ number: numberInAddress(), email: '', name: '', reason: '' })
  const [kind, setKind] = useState<Kind>('ordinary')
  const [isChecking, setChecking] = useState(false)
  const [receivedAt, setReceivedAt] = useState<string>()
  const { run, isBusy, error } = useAction()
  const set = (part: Partial<typeof values>) => setValues({ ...values, ...part })
  const isForCause = kind === 'extraordinary'
  const email = values.email.trim()

  const check = (event: FormEvent) => {
    event.preventDefault()
    setChecking(true)
  }
  const send = () =>
    run(async () => {
      const body = {
        organization_id: seller.id,
        email,
        contract_number: values.number.trim(),
        kind,
        name: values.name.trim(),
        ...(isForCause && { reason: values.reason.trim() }),
      }
      const answer = await unwrap(api.POST('/v1/customer-portal/cancellations/', { body }))
      setReceivedAt(answer.received_at)
    })

  const facts = (
    <Facts
      rows={[
        [r('cancel.number'), values.number.trim()],
        [r('email'), email],
        [r('name'), values.name.trim()],
        [r('cancel.kind'), r(`cancel.${kind}`)],
        isForCause && [r('cancel.reason'), values.reason.trim()],
      ]}
    />
  )
  if (receivedAt) {
    const date = formatInstant(receivedAt, locale)
    return (
      <Screen title={r('cancel.doneTitle')}>
        <p className="break-words">
          {r(isForCause ? 'cancel.doneLink' : 'cancel.doneText', { date, email })}
        </p>
        {facts}
        <p className="text-sm text-muted">{r('cancel.doneNothing')}</p>
      </Screen>
    )
  }
  if (isChecking) {
    return (
      <Screen title={r('cancel.checkTitle')}>
        {facts}
        <Failure text={error} />
        <Button kind="primary" busy={isBusy} onClick={() => void send()}>
          {r('cancel.confirm')}
        </Button>
        <Button kind="quiet" onClick={() => setChecking(false)}>
          {r('change')}
        </Button>
      </Screen>
    )
  }
  return (
    <Screen title={r('cancel.title')}>
      <p className="text-muted">
        {r('cancel.text', { shop: seller.name })} {r('privacy')}
      </p>
      <form onSubmit={check} className="flex flex-col gap-4">
        <TextField
          label={r('cancel.number')}
          hint={r('cancel.numberHint')}
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
        <fieldset className="flex min-w-0 flex-col gap-2">
          <legend className="mb-1.5 text-sm font-medium">{r('cancel.kind')}</legend>
          {KINDS.map((one) => (
            <label key={one} className="flex min-h-6 items-start gap-2.5 text-sm leading-6">
              <input
                type="radio"
                name="kind"
                className="mt-0.5 size-5 shrink-0 accent-accent"
                checked={kind === one}
                onChange={() => setKind(one)}
              />
              {r(`cancel.${one}`)}
            </label>
          ))}
        </fieldset>
        {isForCause && (
          <TextArea
            label={r('cancel.reason')}
            hint={r('cancel.reasonHint')}
            required
            maxLength={2000}
            value={values.reason}
            onChange={(event) => set({ reason: event.target.value })}
          />
        )}
        <Button kind="primary" type="submit">
          {r('continue')}
        </Button>
      </form>
    </Screen>
  )
}

function Confirm({ seller, token, onAgain }: { seller: Seller; token: string; onAgain: () => void }) {
  const { r, locale } = useRightsWords()
  const [done, setDone] = useState<schemas['CancellationRead']>()
  const [isOver, setOver] = useState(false)
  const { run, isBusy, error } = useAction((failure) => {
    if (failure.status === 404) setOver(true)
    return failure.status === 404 ? r('cancel.linkOver') : undefined
  })
  if (done) {
    const date = formatInstant(done.ends_at, locale)
    return (
      <Screen title={r('cancel.endedTitle')}>
        <p>{r('cancel.endedText', { product: done.product_name, date })}</p>
      </Screen>
    )
  }
  const confirm = () =>
    run(async () =>
      setDone(await unwrap(api.POST('/v1/customer-portal/cancellations/confirm', { body: { token } }))),
    )
  return (
    <Screen title={r('cancel.linkTitle')}>
      <p>{r('cancel.linkText', { shop: seller.name })}</p>
      <Failure text={error} />
      {isOver ? (
        <Button onClick={onAgain}>{r('cancel.title')}</Button>
      ) : (
        <Button kind="primary" busy={isBusy} onClick={() => void confirm()}>
          {r('cancel.linkConfirm')}
        </Button>
      )}
    </Screen>
  )
}
