import { ApiError } from '@polar-sh/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CheckoutStore } from './store'
import type { Changes, Checkout } from './types'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type Answer = (changes: Changes) => Promise<Checkout>
const checkout = (part: Partial<Checkout>) => ({ status: 'open', amount: 100, ...part }) as Checkout
const refusal = (status: number, detail: unknown = 'no') =>
  new ApiError(status, { error: 'X', detail: detail as string }, new Response(null, { status }))

function opened(...answers: Answer[]) {
  const sent: Changes[] = []
  const store = new CheckoutStore({
    get: async () => checkout({ amount: 1 }),
    confirm: async () => ({ ...checkout({}), customer_session_token: null }),
    order: () => Promise.reject(refusal(404)),
    benefits: async () => [],
    session: async () => null,
    update: (changes) => {
      sent.push(changes)
      return (answers.shift() ?? (async () => checkout({ amount: 100 + sent.length })))(changes)
    },
  })
  return { store, sent }
}

test('changes that come together are one request, and the totals are stale until it is answered', async () => {
  const { store, sent } = opened()
  store.change({ seats: 2 })
  store.change({ seats: 3 })
  store.change({ customer_email: 'ada@example.com' })
  expect(store.get().isStale).toBe(true)
  await vi.runAllTimersAsync()
  expect(sent).toEqual([{ seats: 3, customer_email: 'ada@example.com' }])
  expect(store.get()).toMatchObject({ isStale: false, checkout: { amount: 101 } })
})

test('a change during a request waits for it, so that the latest one wins', async () => {
  let release = (_: Checkout) => {}
  const { store, sent } = opened(() => new Promise((resolve) => (release = resolve)))
  store.change({ seats: 2 }, 0)
  await vi.advanceTimersByTimeAsync(1)
  store.change({ seats: 5 }, 0)
  await vi.advanceTimersByTimeAsync(5000)
  expect(sent).toEqual([{ seats: 2 }])
  release(checkout({ amount: 2 }))
  await vi.runAllTimersAsync()
  expect(sent).toEqual([{ seats: 2 }, { seats: 5 }])
  expect(store.get()).toMatchObject({ isStale: false, checkout: { amount: 102 } })
})

test('a refused field is named, and the other changes go on without it', async () => {
  const problem = { loc: ['body', 'discount_code'], msg: 'Discount does not exist', type: 'value_error' }
  const { store, sent } = opened(async () => Promise.reject(refusal(422, [problem])))
  store.change({ discount_code: 'NOPE', seats: 4 })
  await vi.runAllTimersAsync()
  expect(sent).toEqual([{ discount_code: 'NOPE', seats: 4 }, { seats: 4 }])
  expect(store.get().errors).toEqual({ discount_code: problem })
  expect(store.get().isStale).toBe(false)
  store.change({ discount_code: '' })
  expect(store.get().errors).toEqual({})
})

test('what could not be sent is sent again with what came later', async () => {
  const { store, sent } = opened(() => Promise.reject(new TypeError('offline')))
  store.change({ seats: 2 })
  await vi.advanceTimersByTimeAsync(400)
  expect(store.get()).toMatchObject({ isOffline: true, isStale: true })
  store.change({ customer_name: 'Ada' })
  await vi.runAllTimersAsync()
  expect(sent.at(-1)).toEqual({ seats: 2, customer_name: 'Ada' })
  expect(store.get()).toMatchObject({ isOffline: false, isStale: false })
})

test('flush waits for what is under way, and says when the server could not be reached', async () => {
  const { store } = opened(() => Promise.reject(new TypeError('offline')))
  store.change({ seats: 2 })
  expect(await store.flush()).toBe(false)
  expect(await store.flush()).toBe(true)
  expect(store.get().checkout?.amount).toBe(102)
})

test('a checkout that is not open any more is shown as it is', async () => {
  const { store } = opened(() => Promise.reject(refusal(403)))
  store.change({ seats: 2 }, 0)
  await vi.runAllTimersAsync()
  expect(store.get()).toMatchObject({ phase: 'ready', isStale: false, checkout: { amount: 1 } })
})

test.each([
  [410, 'gone'],
  [404, 'unknown'],
  [503, 'unreachable'],
])('a first answer of %i is the phase %s', async (status, phase) => {
  const store = new CheckoutStore({
    get: () => Promise.reject(refusal(status)),
    confirm: async () => ({ ...checkout({}), customer_session_token: null }),
    order: () => Promise.reject(refusal(404)),
    benefits: async () => [],
    session: async () => null,
    update: async () => checkout({}),
  })
  await store.load()
  expect(store.get().phase).toBe(phase)
})
