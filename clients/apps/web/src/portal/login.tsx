import { ApiError, api, unwrap } from '@polar-sh/client'
import { Button, Notice, TextField } from '@polar-sh/ui'
import { type FormEvent, useState } from 'react'
import { SellerMark } from '../shared/seller-mark'
import { usePortalWords } from './context'
import { Failure, Loaded, Screen, useAction } from './parts'
import { useStorefront } from './queries'
import { remember, remembered, slugInPath } from './session'
import { roleOf } from './types'

interface Choice {
  id: string
  name: string | null
  role: string | null
  organization: { id: string; name: string }
}

/** Sign-in with a mailed code: at the seller that the address names, or else at whichever knows the email. */
export function Login({ hasEnded, onToken }: { hasEnded: boolean; onToken: (token: string) => void }) {
  const { p } = usePortalWords()
  const name = slugInPath() ?? remembered().shop
  const shop = useStorefront(name)
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col justify-center gap-4 px-5 py-10">
      {hasEnded && (
        <Notice kind="notice">
          <p>{p('login.ended')}</p>
        </Notice>
      )}
      {name === null ? (
        <Form onToken={onToken} />
      ) : shop.error instanceof ApiError && shop.error.status === 404 ? (
        <Screen title={p('login.title')}>
          <p>{p('login.unknownShop')}</p>
        </Screen>
      ) : (
        <Loaded query={shop}>
          {({ seller }) => (
            <>
              <div className="flex min-w-0 items-center gap-3">
                <SellerMark seller={seller} />
              </div>
              <Form organization={seller.id} onToken={onToken} />
            </>
          )}
        </Loaded>
      )}
    </main>
  )
}

function Form({ organization, onToken }: { organization?: string; onToken: (token: string) => void }) {
  const { p } = usePortalWords()
  const [email, setEmail] = useState(remembered().email ?? '')
  const [code, setCode] = useState('')
  const [isSent, setSent] = useState(false)
  const [isWrong, setWrong] = useState(false)
  const [choices, setChoices] = useState<Choice[]>([])
  const { run, isBusy, error, problems } = useAction(['email'])

  const at = organization === undefined ? {} : { organization_id: organization }
  const send = (event: FormEvent) => {
    event.preventDefault()
    const body = { email: email.trim(), ...at }
    setChoices([])
    void run(async () => {
      await unwrap(api.POST('/v1/customer-portal/customer-session/request', { body }))
      remember(organization, body.email)
      setSent(true)
    })
  }
  const enter = (customer?: string) => {
    setWrong(false)
    void run(async () => {
      const body = { email: email.trim(), ...at, code, ...(customer && { customer_id: customer }) }
      try {
        const { token } = await unwrap(
          api.POST('/v1/customer-portal/customer-session/authenticate', { body }),
        )
        onToken(token)
      } catch (failure) {
        if (!(failure instanceof ApiError) || failure.status === 429 || failure.status >= 500) throw failure
        if (failure.kind === 'CustomerSelectionRequired') setChoices(failure.body.customers as Choice[])
        else {
          setChoices([])
          setWrong(true)
        }
      }
    })
  }
  if (choices.length > 0) {
    return (
      <Screen title={p('login.chooseTitle')}>
        <p className="text-muted">{p('login.chooseText', { email })}</p>
        <ul className="flex flex-col gap-3">
          {choices.map((one) => (
            <li key={one.id}>
              <button
                type="button"
                disabled={isBusy}
                onClick={() => enter(one.id)}
                className="flex w-full min-w-0 flex-col gap-1 rounded-xl border border-edge bg-raised p-4 text-left hover:border-ink disabled:opacity-60"
              >
                <span className="break-words font-semibold">{one.organization.name}</span>
                {(one.name || one.role) && (
                  <span className="break-words text-sm text-muted">
                    {[one.name, one.role && p(`role.${roleOf(one.role)}`)].filter(Boolean).join(' · ')}
                  </span>
                )}
              </button>
            </li>
          ))}
        </ul>
        <Failure text={error} />
      </Screen>
    )
  }
  if (isSent) {
    return (
      <Screen title={p('login.codeTitle')}>
        <p className="text-muted">{p('login.codeText', { email })}</p>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            enter()
          }}
          className="flex flex-col gap-4"
        >
          <TextField
            label={p('login.code')}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            pattern="\d{6}"
            value={code}
            error={isWrong ? p('login.wrong') : undefined}
            onChange={(event) => setCode(event.target.value.replace(/\D/g, '').slice(0, 6))}
          />
          <Failure text={error} />
          <Button kind="primary" type="submit" busy={isBusy}>
            {p('login.enter')}
          </Button>
          <Button kind="quiet" onClick={() => setSent(false)}>
            {p('login.again')}
          </Button>
        </form>
      </Screen>
    )
  }
  return (
    <Screen title={p('login.title')}>
      <p className="text-muted">{p('login.text')}</p>
      <form onSubmit={send} className="flex flex-col gap-4">
        <TextField
          id="email"
          error={problems.email}
          label={p('login.email')}
          type="email"
          autoComplete="email"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Failure text={error} />
        <Button kind="primary" type="submit" busy={isBusy}>
          {p('login.send')}
        </Button>
      </form>
    </Screen>
  )
}
