import type { Translate } from '@polar-sh/i18n'
import { Button } from '@polar-sh/ui'
import { useWords } from '../shared/locale'
import { chargeWords, isByUsage } from './describe'
import type { Step } from './payment'
import type { Checkout } from './types'

type Money = (minor: number, currency: string) => string

/** What pressing the button does. */
function actionWords(t: Translate, money: Money, checkout: Checkout): string {
  const amount = money(checkout.total_amount, checkout.currency)
  const recurring = checkout.product?.is_recurring
  if (checkout.active_trial_interval) {
    const isFree = !checkout.total_amount && !isByUsage(checkout)
    return isFree ? t('pay.trial') : t('pay.trialThen', { price: chargeWords(t, money, checkout) })
  }
  if (isByUsage(checkout)) return t('pay.subscribeUsage')
  if (!checkout.total_amount) return t(recurring ? 'pay.freeSubscribe' : 'pay.free')
  return t(recurring ? 'pay.subscribe' : 'pay.pay', { amount })
}

/** What the buyer agrees to by pressing it. */
function mandateWords(t: Translate, words: ReturnType<typeof useWords>, checkout: Checkout): string {
  const { money, date } = words
  const organization = checkout.organization?.name ?? ''
  const { product, currency } = checkout
  if (!checkout.is_payment_form_required) return t('mandate.free')
  if (!product?.is_recurring)
    return t('mandate.once', { organization, amount: money(checkout.total_amount, currency) })
  if (isByUsage(checkout)) return t('mandate.usage', { organization })
  const price = chargeWords(t, money, checkout)
  if (checkout.active_trial_interval && checkout.trial_end) {
    return t('mandate.trial', { organization, price, date: date(checkout.trial_end) })
  }
  return t('mandate.recurring', { organization, price })
}

/** The button that pays, and beneath it what pressing it means. It says why it cannot be pressed. */
export function PayButton({
  checkout,
  step,
  isStale,
  cardState,
}: {
  checkout: Checkout
  step: Step
  isStale: boolean
  cardState: 'loading' | 'ready' | 'unreachable'
}) {
  const words = useWords()
  const { t, money } = words
  const isBusy = step !== 'editing'
  const isWaiting = isStale || cardState !== 'ready'
  const label = isBusy
    ? t(step === 'authenticating' ? 'pay.authenticating' : 'pay.processing')
    : isStale
      ? t('pay.waitForTotal')
      : cardState === 'loading'
        ? t('pay.waitForForm')
        : actionWords(t, money, checkout)
  return (
    <div className="flex flex-col gap-3">
      <Button
        type="submit"
        kind="primary"
        className="w-full"
        busy={isBusy || isStale || cardState === 'loading'}
        aria-disabled={isBusy || isWaiting || undefined}
        aria-describedby="mandate"
      >
        {label}
      </Button>
      <p id="mandate" className="text-xs text-muted">
        {mandateWords(t, words, checkout)}
      </p>
      <div role="status" className="sr-only">
        {isBusy ? label : ''}
      </div>
    </div>
  )
}
