import { ApiError, type CheckoutBenefit, type CheckoutOrder } from '@polar-sh/client'
import { useEffect, useState } from 'react'
import type { CheckoutApi } from './api'
import { pause } from './watch'

/** What a paid checkout bought. `hidden` is an order that is too old to be shown without a login. */
export interface Purchase {
  state: 'preparing' | 'ready' | 'hidden'
  order: CheckoutOrder | null
  benefits: CheckoutBenefit[]
}

const LONGEST_SECONDS = 120
const isUnderWay = (benefit: CheckoutBenefit) => benefit.status === 'pending' && !benefit.needs_account

/** The order of a checkout and what it gives, asked for until everything is there. */
export function usePurchase(api: CheckoutApi, secret: string): Purchase {
  const [purchase, setPurchase] = useState<Purchase>({ state: 'preparing', order: null, benefits: [] })

  // biome-ignore lint/correctness/useExhaustiveDependencies: the calls are those of this secret
  useEffect(() => {
    let isOver = false
    const began = Date.now()
    const follow = async () => {
      let order: CheckoutOrder | null = null
      for (let asked = 0; !isOver && Date.now() - began < LONGEST_SECONDS * 1000; asked += 1) {
        try {
          order ??= await api.order()
          const benefits = await api.benefits(order)
          const expected = order.product?.benefits
          const isWhole = !Array.isArray(expected) || benefits.length >= expected.length
          const state = isWhole && !benefits.some(isUnderWay) ? 'ready' : 'preparing'
          if (!isOver) setPurchase({ state, order, benefits })
          if (state === 'ready') return
        } catch (error) {
          if (error instanceof ApiError && error.status === 410) {
            if (!isOver) setPurchase({ state: 'hidden', order: null, benefits: [] })
            return
          }
        }
        await new Promise((resolve) => setTimeout(resolve, pause(asked)))
      }
      // It takes longer than a page can wait for: the mail comes, and the portal shows it.
      if (!isOver) setPurchase((known) => ({ ...known, state: 'hidden' }))
    }
    void follow()
    return () => {
      isOver = true
    }
  }, [secret])

  return purchase
}
