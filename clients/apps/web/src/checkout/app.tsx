import { applyBrand } from '@polar-sh/ui'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { useWords } from '../shared/locale'
import { checkoutApi, secretOf } from './api'
import { Confirmation } from './confirmation'
import { CheckoutPage } from './page'
import { Expired, Loading, Unknown, Unreachable } from './screens'
import { CheckoutStore } from './store'

/** The page of a checkout, or of what became of it: its address says which. */
export function App() {
  const secret = secretOf(location.pathname)
  return secret ? <Opened secret={secret} /> : <Unknown isIncomplete />
}

function Opened({ secret }: { secret: string }) {
  const { wish } = useWords()
  const { api, store } = useMemo(() => {
    const api = checkoutApi(secret)
    return { api, store: new CheckoutStore(api) }
  }, [secret])
  const state = useSyncExternalStore(store.subscribe, store.get)
  const { checkout, phase } = state

  useEffect(() => {
    void store.load()
    // What is shown again from the browser's memory, or after a pause, may be paid or expired by now.
    const shown = (event: PageTransitionEvent) => event.persisted && void store.load()
    const seen = () => document.visibilityState === 'visible' && void store.load()
    addEventListener('pageshow', shown)
    addEventListener('online', store.retry)
    document.addEventListener('visibilitychange', seen)
    return () => {
      removeEventListener('pageshow', shown)
      removeEventListener('online', store.retry)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [store])

  const language = checkout?.locale ?? state.left?.locale
  useEffect(() => wish(language), [language, wish])

  const color = checkout?.organization?.branding?.brand_color
  useEffect(() => applyBrand(color), [color])

  if (phase === 'gone') return <Expired left={state.left ?? { return_url: checkout?.return_url ?? null }} />
  if (phase === 'unknown') return <Unknown />
  if (phase === 'unreachable') return <Unreachable onRetry={store.retry} />
  if (!checkout) return <Loading />
  if (/\/confirmation\/?$/.test(location.pathname))
    return <Confirmation api={api} checkout={checkout} store={store} />
  return <CheckoutPage api={api} checkout={checkout} state={state} store={store} />
}
