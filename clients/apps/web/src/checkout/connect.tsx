import { ApiError, createClient, unwrap } from '@polar-sh/client'
import { Button, ButtonLink, Notice, Spinner } from '@polar-sh/ui'
import { useEffect, useState } from 'react'
import { remember } from '../portal/session'
import { useWords } from '../shared/locale'
import { keepSession } from '../shared/session'
import type { CheckoutApi } from './api'
import { placeOf, portalPath } from './leave'
import type { Checkout } from './types'

const SERVICES = { github: 'GitHub', discord: 'Discord' } as const
const TRIES = 5
const AGAIN_MS = 1000

/** The session that comes with a purchase: `loading`, a token, or null where only a sign-in says who the buyer is. */
export interface PurchaseSession {
  token: 'loading' | string | null
  end: () => void
}

/** Asks for the session of a paid purchase, and keeps it for the portal. What the tab kept before is not taken. */
export function usePurchaseSession(api: CheckoutApi): PurchaseSession {
  const [token, setToken] = useState<PurchaseSession['token']>('loading')
  useEffect(() => {
    let isOver = false
    api.session().then(
      (given) => {
        keepSession(given)
        if (!isOver) setToken(given)
      },
      () => !isOver && setToken(null),
    )
    return () => {
      isOver = true
    }
  }, [api])
  return { token, end: () => setToken(null) }
}

/** The way to the other system, where the buyer allows the connection. Raises `ApiError`. */
async function authorize(token: string, platform: keyof typeof SERVICES): Promise<string> {
  const client = createClient({ baseUrl: '', token })
  const back = new URL(location.href)
  for (const name of ['error', 'connected']) back.searchParams.delete(name)
  const body = { platform, return_to: back.pathname + back.search }
  for (let tries = 1; ; tries += 1) {
    try {
      return (await unwrap(client.POST('/v1/customer-portal/oauth-accounts/authorize', { body }))).url
    } catch (error) {
      // The session works a moment after the answer that names it.
      if (!(error instanceof ApiError && error.status === 401) || tries >= TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
}

/** Connects the account that a benefit needs; without a session, the way to the seller's sign-in. */
export function Connect({
  platform,
  checkout,
  session,
}: {
  platform: keyof typeof SERVICES
  checkout: Checkout
  session: PurchaseSession
}) {
  const { t } = useWords()
  const [isBusy, setBusy] = useState(false)
  const [hasFailed, setFailed] = useState(new URLSearchParams(location.search).has('error'))
  const service = SERVICES[platform]
  const { token } = session
  const { organization } = checkout
  if (token === 'loading') return <Spinner />
  if (token === null) {
    return organization ? (
      <ButtonLink
        href={portalPath(organization.slug, '/benefits')}
        target={placeOf()}
        onClick={() => remember(organization.id, checkout.customer_email)}
      >
        {t('done.signInToConnect', { service })}
      </ButtonLink>
    ) : null
  }
  const connect = async () => {
    if (isBusy) return
    setBusy(true)
    setFailed(false)
    try {
      location.assign(await authorize(token, platform))
    } catch (error) {
      setBusy(false)
      if (error instanceof ApiError && error.status === 401) session.end()
      else setFailed(true)
    }
  }
  return (
    <>
      {hasFailed && (
        <Notice kind="danger">
          <p>{t('done.connectFailed', { service })}</p>
        </Notice>
      )}
      <Button busy={isBusy} onClick={() => void connect()}>
        {t('done.connectNow', { service })}
      </Button>
    </>
  )
}
