import { api, unwrap } from '@polar-sh/client'
import { Button } from '@polar-sh/ui'
import { useState } from 'react'
import { usePortalWords } from './context'
import { Failure, Screen, useAction } from './parts'
import { basePath } from './session'

/** The page of the link that confirms a new email. It asks first: mail programs open links by themselves. */
export function VerifyEmail({ onToken }: { onToken: (token: string) => void }) {
  const { p } = usePortalWords()
  const [token] = useState(() => new URLSearchParams(location.search).get('token') ?? '')
  const { run, isBusy, error } = useAction()
  const confirm = () =>
    run(async () => {
      const made = await unwrap(
        api.POST('/v1/customer-portal/customers/me/email-update/verify', { body: { token } }),
      )
      history.replaceState(null, '', basePath())
      onToken(made.token)
    })
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col justify-center gap-4 px-5 py-10">
      <Screen title={p('verify.title')}>
        <p className="text-muted">{p('verify.text')}</p>
        <Failure text={error && p('verify.invalid')} />
        <Button kind="primary" busy={isBusy} onClick={() => void confirm()}>
          {p('verify.confirm')}
        </Button>
      </Screen>
    </main>
  )
}
