import type { Stripe, StripeConstructor } from '@stripe/stripe-js'
import { loadConfig } from './config'

declare global {
  interface Window {
    Stripe?: StripeConstructor
  }
}

const SECONDS = 20
let pending: Promise<StripeConstructor> | undefined

function loadScript(url: string): Promise<StripeConstructor> {
  return new Promise((resolve, reject) => {
    if (window.Stripe) return resolve(window.Stripe)
    const script = document.createElement('script')
    const fail = () => {
      script.remove()
      reject(new Error(`Stripe.js did not load from ${url}`))
    }
    const timer = setTimeout(fail, SECONDS * 1000)
    script.src = url
    script.async = true
    script.onload = () => {
      clearTimeout(timer)
      if (window.Stripe) resolve(window.Stripe)
      else fail()
    }
    script.onerror = () => {
      clearTimeout(timer)
      fail()
    }
    document.head.append(script)
  })
}

/**
 * Stripe.js from the address that the server names, with the key of this checkout, or else the server's.
 * Raises where it cannot be loaded; the next call tries again.
 */
export async function loadStripe(key: string | undefined, locale: string): Promise<Stripe> {
  const config = await loadConfig()
  pending ??= loadScript(config.stripe_js_url).catch((error) => {
    pending = undefined
    throw error
  })
  const make = await pending
  return make(key || config.stripe_publishable_key, { locale: locale as 'en' })
}
