/** What the server says of itself, the same for every reader. */
export interface Config {
  /** Where Stripe.js comes from; empty where no payment can be taken. */
  stripe_js_url: string
  stripe_publishable_key: string
}

let pending: Promise<Config> | undefined

/** The configuration, asked for once. Raises where it cannot be loaded; the next call asks again. */
export function loadConfig(): Promise<Config> {
  pending ??= fetch('/config.json')
    .then((answer) => {
      if (!answer.ok) throw new Error(`/config.json answered ${answer.status}`)
      return answer.json() as Promise<Config>
    })
    .catch((error) => {
      pending = undefined
      throw error
    })
  return pending
}
