import { ApiError, type Problem } from '@polar-sh/client'
import { pathOf } from '../shared/problems'
import { type CheckoutApi, isPassing } from './api'
import type { Changes, Checkout, Left } from './types'

/** What is known of the checkout. `gone` is a checkout that has expired, `unknown` a wrong link. */
export type Phase = 'loading' | 'ready' | 'gone' | 'unknown' | 'unreachable'

export interface State {
  phase: Phase
  checkout: Checkout | null
  /** Whether the totals that are shown are older than what the buyer chose. */
  isStale: boolean
  /** What the server refused, by the path of the field: `customer_billing_address.state`. */
  errors: Readonly<Record<string, Problem>>
  /** Whether what was chosen could not be sent so far; it is sent again by itself. */
  isOffline: boolean
  /** What is left of it, once it has expired. */
  left: Left | null
}

const DELAY_MS = 350
const AGAIN_MS = [1000, 2000, 4000, 8000]

/** Changes that no total depends on. */
const PRICELESS = new Set([
  'customer_email',
  'customer_name',
  'customer_billing_name',
  'custom_field_data',
  'locale',
])

const topOf = (path: string): string => path.split('.')[0] ?? ''
const nameOf = (problem: Problem): string => topOf(pathOf(problem))

/**
 * A checkout and the changes that its buyer makes to it.
 *
 * Changes are collected for a moment and sent one request after the other, so that the latest one always wins, also
 * on a network that delivers requests in another order. What a request could not deliver is sent with the next one.
 */
export class CheckoutStore {
  private state: State = {
    phase: 'loading',
    checkout: null,
    isStale: false,
    errors: {},
    isOffline: false,
    left: null,
  }
  private readonly listeners = new Set<() => void>()
  private pending: Changes = {}
  private inFlight: Promise<void> | null = null
  private sent: Changes = {}
  private timer: ReturnType<typeof setTimeout> | null = null
  private failures = 0

  constructor(
    private readonly api: CheckoutApi,
    private readonly delay = DELAY_MS,
  ) {}

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  readonly get = (): State => this.state

  private set(part: Partial<State>): void {
    this.state = { ...this.state, ...part }
    for (const listener of this.listeners) listener()
  }

  /** Asks the server for the checkout. Returns it, or null where it cannot be shown. */
  readonly load = async (): Promise<Checkout | null> => {
    try {
      return this.accept(await this.api.get())
    } catch (error) {
      this.refused(error)
      return null
    }
  }

  /** Takes over a checkout that the server answered with. */
  readonly accept = (checkout: Checkout): Checkout => {
    this.failures = 0
    this.set({ phase: checkout.status === 'expired' ? 'gone' : 'ready', checkout, isOffline: false })
    return checkout
  }

  /** Sends changes soon, or at once with a `delay` of 0. */
  readonly change = (changes: Changes, delay = this.delay): void => {
    this.pending = { ...this.pending, ...changes }
    const errors = Object.entries(this.state.errors).filter(([path]) => !(topOf(path) in changes))
    this.set({ isStale: this.isStale(), errors: Object.fromEntries(errors) })
    this.schedule(delay)
  }

  /** Sends what is not sent yet and waits for the answer. Returns whether the server took everything. */
  readonly flush = async (): Promise<boolean> => {
    const before = this.failures
    while (this.inFlight || Object.keys(this.pending).length) {
      if (this.failures > before) return false
      await (this.inFlight ?? this.send())
    }
    return true
  }

  /** Shows what a confirmation was refused for, at the fields. */
  readonly refuse = (problems: Problem[]): void => {
    this.set({
      errors: { ...this.state.errors, ...Object.fromEntries(problems.map((one) => [pathOf(one), one])) },
    })
  }

  /** Forgets what was refused at a field, and below it. */
  readonly clear = (path: string): void => {
    const left = Object.entries(this.state.errors).filter(
      ([one]) => one !== path && !one.startsWith(`${path}.`),
    )
    if (left.length < Object.keys(this.state.errors).length) this.set({ errors: Object.fromEntries(left) })
  }

  /** Sends at once what waits for a connection. */
  readonly retry = (): void => {
    if (this.state.phase === 'unreachable') {
      this.set({ phase: 'loading' })
      void this.load()
    } else if (Object.keys(this.pending).length) this.schedule(0)
  }

  private isStale(): boolean {
    return Object.keys({ ...this.sent, ...this.pending }).some((name) => !PRICELESS.has(name))
  }

  private schedule(delay: number): void {
    if (this.timer) clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.send(), delay)
  }

  private async send(): Promise<void> {
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    if (this.inFlight) return this.inFlight
    const changes = this.pending
    if (!Object.keys(changes).length) return
    this.pending = {}
    this.sent = changes
    this.inFlight = this.deliver(changes).finally(() => {
      this.inFlight = null
      this.sent = {}
      this.set({ isStale: this.isStale() })
      if (Object.keys(this.pending).length && !this.timer) this.schedule(0)
    })
    return this.inFlight
  }

  private async deliver(changes: Changes): Promise<void> {
    try {
      this.accept(await this.api.update(changes))
      for (const name of Object.keys(changes)) this.clear(name)
    } catch (error) {
      if (error instanceof ApiError && error.status === 422) {
        const refused = new Set(error.problems.map(nameOf))
        // What was typed since is another answer to the same question.
        this.refuse(error.problems.filter((problem) => !(nameOf(problem) in this.pending)))
        const rest = Object.entries(changes).filter(([name]) => !refused.has(name))
        // A discount of the earlier product or currency is taken off, and the buyer reads why.
        if (refused.has('discount_id') && (changes.product_id || changes.currency)) {
          this.pending = { ...changes, discount_code: '', ...this.pending }
          return
        }
        // The other changes are good: they go on without the refused one, which stays in its field.
        if (rest.length && rest.length < Object.keys(changes).length) {
          this.pending = { ...Object.fromEntries(rest), ...this.pending }
        }
      } else if (isPassing(error)) {
        this.pending = { ...changes, ...this.pending }
        const wait = AGAIN_MS[Math.min(this.failures, AGAIN_MS.length - 1)] ?? 0
        this.failures += 1
        this.set({ isOffline: true })
        this.schedule(wait)
      } else {
        // The checkout is not open any more: what it is now is shown.
        await this.load()
      }
    }
  }

  private refused(error: unknown): void {
    const status = error instanceof ApiError ? error.status : 0
    if (status === 410) this.set({ phase: 'gone', left: (error as ApiError).body as Left })
    else if (status === 404 || status === 403 || status === 422) this.set({ phase: 'unknown' })
    else if (this.state.phase !== 'ready') this.set({ phase: 'unreachable' })
    else this.set({ isOffline: true })
  }
}
