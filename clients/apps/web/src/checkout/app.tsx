import { applyBrand } from '@polar-sh/ui'
import { useEffect, useSyncExternalStore } from 'react'
import { useWords } from '../shared/locale'
import { type CheckoutApi, checkoutApi } from './api'
import { CloseBar } from './close-bar'
import { Confirmation } from './confirmation'
import { host } from './embed'
import { CheckoutPage } from './page'
import { Expired, Loading, Unknown, Unreachable } from './screens'
import { CheckoutStore, type State } from './store'

/** The checkout of a page: how it is asked for, and what is known of it. */
interface Opening {
  api: CheckoutApi
  store: CheckoutStore
}

/** Begins to load a checkout. */
export function open(secret: string): Opening {
  const api = checkoutApi(secret)
  const store = new CheckoutStore(api)
  void store.load()
  return { api, store }
}

/** The page of a checkout, or of what became of it: its address says which. */
export function App({ opened }: { opened: Opening | null }) {
  return opened ? <Opened {...opened} /> : <Unknown isIncomplete />
}

function Opened({ api, store }: Opening) {
  const { wish } = useWords()
  const state = useSyncExternalStore(store.subscribe, store.get)
  const { checkout, phase } = state

  useEffect(() => {
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

  const isDrawn = phase !== 'loading'
  const origin = checkout?.embed_origin ?? state.left?.embed_origin
  useEffect(() => {
    if (checkout || state.left) host.know(origin ?? null)
    if (isDrawn) host.loaded()
  }, [checkout, state.left, origin, isDrawn])

  return (
    <>
      {host.mode === 'modal' && <CloseBar checkout={checkout} />}
      <Shown api={api} state={state} store={store} />
    </>
  )
}

function Shown({ api, state, store }: { api: CheckoutApi; state: State; store: CheckoutStore }) {
  const { checkout, phase } = state
  if (phase === 'gone') return <Expired left={state.left ?? { return_url: checkout?.return_url ?? null }} />
  if (phase === 'unknown') return <Unknown />
  if (phase === 'unreachable') return <Unreachable onRetry={store.retry} />
  if (!checkout) return <Loading />
  if (/\/confirmation\/?$/.test(location.pathname))
    return <Confirmation api={api} checkout={checkout} store={store} />
  return <CheckoutPage api={api} checkout={checkout} state={state} store={store} />
}
