import { ButtonLink, Spinner, Tick } from '@polar-sh/ui'
import { useEffect } from 'react'
import { remember } from '../portal/session'
import { useWords } from '../shared/locale'
import { RightsLinks } from '../shared/rights-links'
import type { CheckoutApi } from './api'
import { Benefits } from './benefits'
import { usePurchaseSession } from './connect'
import { host } from './embed'
import { placeOf, portalPath, safeUrl } from './leave'
import { type Purchase, usePurchase } from './purchase'
import { Screen } from './screens'
import { Seller } from './seller'
import type { CheckoutStore } from './store'
import type { Checkout } from './types'
import { watch } from './watch'

/** What became of a checkout: it is being paid, is paid, or is not. */
export function Confirmation({
  api,
  checkout,
  store,
}: {
  api: CheckoutApi
  checkout: Checkout
  store: CheckoutStore
}) {
  const { t } = useWords()
  const isPaying = checkout.status === 'confirmed'

  useEffect(() => {
    if (!isPaying) return
    const stop = new AbortController()
    void watch(store, (now) => now.status !== 'confirmed', stop.signal)
    return () => stop.abort()
  }, [isPaying, store])

  if (isPaying) {
    return (
      <Screen title={t('done.paying')}>
        <p className="flex items-center gap-2 text-muted">
          <Spinner />
          {t('done.payingText')}
        </p>
        <ToCheckout checkout={checkout} isQuiet />
      </Screen>
    )
  }
  if (checkout.status === 'succeeded') return <Paid api={api} checkout={checkout} />
  return (
    <Screen title={t(checkout.status === 'failed' ? 'done.failedTitle' : 'done.notPaidTitle')}>
      <p className="text-muted">{t('done.notPaidText')}</p>
      <ToCheckout checkout={checkout} />
    </Screen>
  )
}

/** A way to the checkout: for a payment that waits for its buyer's bank, or one that was never made. */
function ToCheckout({ checkout, isQuiet = false }: { checkout: Checkout; isQuiet?: boolean }) {
  const { t } = useWords()
  return (
    <ButtonLink
      kind={isQuiet ? 'secondary' : 'primary'}
      href={`/checkout/${checkout.client_secret}${location.search}`}
      target="_self"
    >
      {t('done.toCheckout')}
    </ButtonLink>
  )
}

function Paid({ api, checkout }: { api: CheckoutApi; checkout: Checkout }) {
  const { t } = useWords()
  const purchase = usePurchase(api, checkout.client_secret)
  const session = usePurchaseSession(api)
  const organization = checkout.organization?.name ?? ''
  const shop = safeUrl(checkout.return_url ?? checkout.success_url)
  const back = host.mode === 'page' && shop && shop.origin !== location.origin ? shop.href : null
  return (
    <Screen title={t(checkout.trial_end ? 'done.thanksTrial' : 'done.thanks')} align="top">
      {host.mode !== 'modal' && (
        <div className="order-first mb-2">
          <Seller checkout={{ ...checkout, return_url: null }} />
        </div>
      )}
      <p className="wrap-anywhere text-muted">{t('done.sentTo', { email: checkout.customer_email ?? '' })}</p>
      <p role="status" className="flex items-center gap-2 text-sm">
        {purchase.state === 'preparing' && (
          <>
            <Spinner />
            {t('done.preparing')}
          </>
        )}
        {purchase.state === 'ready' && (
          <>
            <Tick />
            {t('done.ready')}
          </>
        )}
      </p>
      <OrderCard checkout={checkout} purchase={purchase} />
      {purchase.benefits.length > 0 && (
        <Benefits benefits={purchase.benefits} checkout={checkout} session={session} />
      )}
      <div className="flex w-full flex-col gap-3 sm:flex-row sm:flex-wrap">
        {checkout.organization && (
          <ButtonLink
            href={portalPath(checkout.organization.slug)}
            target={placeOf()}
            onClick={() => remember(checkout.organization?.id, checkout.customer_email)}
          >
            {t('done.manage')}
          </ButtonLink>
        )}
        {back && <ButtonLink href={back}>{t('screen.backTo', { organization })}</ButtonLink>}
      </div>
      {checkout.organization && checkout.consumer_rights && (
        <div className="text-sm text-muted">
          <RightsLinks
            slug={checkout.organization.slug}
            withdrawal={checkout.consumer_rights.withdrawal}
            cancellation={checkout.consumer_rights.cancellation}
            order={purchase.order?.invoice_number}
          />
        </div>
      )}
    </Screen>
  )
}

function OrderCard({ checkout, purchase }: { checkout: Checkout; purchase: Purchase }) {
  const { t, money, date } = useWords()
  const { product, currency } = checkout
  const { order } = purchase
  const trialEnd = checkout.trial_end
  const receipt = safeUrl(order?.receipt_url)
  const rows: [string, string][] = []
  if (order?.invoice_number) rows.push([t('done.orderNumber'), order.invoice_number])
  if (trialEnd) {
    const amount = money(checkout.total_amount, currency)
    rows.push([t('done.firstCharge'), t('done.on', { amount, date: date(trialEnd) })])
  }
  const paid = order?.total_amount ?? (trialEnd ? 0 : checkout.total_amount)
  return (
    <div className="flex w-full flex-col gap-3 rounded-xl border border-line bg-raised p-4 text-sm">
      <div className="flex justify-between gap-4 font-medium">
        <span className="min-w-0 break-words">{product?.name}</span>
        <span className="shrink-0 tabular-nums">{money(paid, currency)}</span>
      </div>
      {rows.length > 0 && (
        <dl className="flex flex-col gap-2 border-t border-line pt-3">
          {rows.map(([name, value]) => (
            <div key={name} className="flex flex-wrap justify-between gap-x-4">
              <dt className="text-muted">{name}</dt>
              <dd className="ml-auto min-w-0 break-words text-right">{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {receipt && (
        <a
          href={receipt.pathname + receipt.search}
          className="self-start text-accent underline underline-offset-2"
        >
          {t('done.receipt')}
        </a>
      )}
    </div>
  )
}
