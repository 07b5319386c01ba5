import {
  ApiError,
  api,
  type CheckoutBenefit,
  type CheckoutConfirm,
  type CheckoutOrder,
  type CheckoutPublicConfirmed,
  unwrap,
} from '@polar-sh/client'
import type { Changes, Checkout } from './types'

const SECONDS = 30

/** What a checkout's buyer can ask of the server. Each call raises `ApiError` for a refusal, `TypeError` offline. */
export interface CheckoutApi {
  get: () => Promise<Checkout>
  update: (changes: Changes) => Promise<Checkout>
  confirm: (body: CheckoutConfirm) => Promise<CheckoutPublicConfirmed>
  /** What was bought; a 404 until it is written. */
  order: () => Promise<CheckoutOrder>
  /** The session of a paid checkout's customer; null where it is not sure who the buyer is. */
  session: () => Promise<string | null>
  /** What the order gives, at the address that the order names. */
  benefits: (order: CheckoutOrder) => Promise<CheckoutBenefit[]>
}

/** The calls of one checkout, named by its client secret. */
export function checkoutApi(secret: string): CheckoutApi {
  const params = { path: { client_secret: secret } }
  const signal = () => AbortSignal.timeout(SECONDS * 1000)
  return {
    get: () => unwrap(api.GET('/v1/checkouts/client/{client_secret}', { params, signal: signal() })),
    update: (body) =>
      unwrap(api.PATCH('/v1/checkouts/client/{client_secret}', { params, body, signal: signal() })),
    // A confirmation waits for the bank, and longer than others.
    confirm: (body) => unwrap(api.POST('/v1/checkouts/client/{client_secret}/confirm', { params, body })),
    // Confirming what is paid charges nothing: the answer is that of the purchase, with its session while that lasts.
    session: async () => {
      const path = '/v1/checkouts/client/{client_secret}/confirm'
      const { customer_session_token } = await unwrap(api.POST(path, { params, body: {}, signal: signal() }))
      return customer_session_token ?? null
    },
    order: () => unwrap(api.GET('/v1/checkouts/client/{client_secret}/order', { params, signal: signal() })),
    benefits: async (order) => {
      const url = new URL(order.benefits_url, location.href)
      // A signed address of the server's own; it is asked where this page came from, whatever host it names.
      const answer = await fetch(url.pathname + url.search, { signal: signal() })
      if (!answer.ok) throw new ApiError(answer.status, {}, answer)
      return ((await answer.json()) as { items: CheckoutBenefit[] }).items
    },
  }
}

/** The client secret in a page's address: `/checkout/{secret}…` or `/checkout/{id}/public/{secret}…`. */
export function secretOf(path: string): string | null {
  return /^\/checkout\/(?:[0-9a-f-]{36}\/public\/)?(polar_c_[A-Za-z0-9_-]+)(?:\/|$)/.exec(path)?.[1] ?? null
}

/** Whether a failure may be over by itself: no connection, an overloaded or restarting server. */
export const isPassing = (error: unknown): boolean =>
  !(error instanceof ApiError) || error.status >= 500 || error.status === 429 || error.status === 408
