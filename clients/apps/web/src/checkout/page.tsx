import { LOCALES } from '@polar-sh/i18n'
import { Markdown, Tick } from '@polar-sh/ui'
import { type ReactNode, useEffect, useState } from 'react'
import { useWords } from '../shared/locale'
import { useIsWide } from '../shared/media'
import { SellerLinks } from '../shared/seller-links'
import type { CheckoutApi } from './api'
import { chargeWords, hasUsage, isByUsage, isForNow, recurringWords, trialWords } from './describe'
import { DiscountForm } from './discount'
import { host } from './embed'
import { PaymentForm } from './form'
import { OrderOptions } from './order'
import type { Step } from './payment'
import { Picture, Seller } from './seller'
import type { CheckoutStore, State } from './store'
import { Summary } from './summary'
import { type Checkout, intentOf } from './types'

/** The checkout: what is bought on one side, who pays and how on the other. */
export function CheckoutPage({
  api,
  checkout,
  state,
  store,
}: {
  api: CheckoutApi
  checkout: Checkout
  state: State
  store: CheckoutStore
}) {
  const { t } = useWords()
  const [step, setStep] = useState<Step>('editing')
  const isLocked = step !== 'editing' || checkout.status !== 'open'
  const organization = checkout.organization?.name ?? ''
  const isWide = useIsWide()
  const summary = <Summary checkout={checkout} isStale={state.isStale} />
  // In a modal the bar above is the page's header.
  const Banner = host.mode === 'modal' ? 'aside' : 'header'

  useEffect(() => {
    document.title = t('checkout.pageTitle', { organization })
  }, [t, organization])

  return (
    <div className="flex min-h-dvh flex-col">
      {(intentOf(checkout).publishable_key ?? '').startsWith('pk_test_') && (
        <Banner className="bg-notice-soft px-5 py-1.5 text-center text-sm">{t('checkout.testMode')}</Banner>
      )}
      <div className="flex grow flex-col lg:grid lg:grid-cols-2">
        <section aria-label={t('checkout.whatYouBuy')} className="bg-canvas px-5 py-6 lg:px-12 lg:py-14">
          <div className="mx-auto flex max-w-md flex-col gap-5 lg:sticky lg:top-14 lg:mr-0">
            {host.mode !== 'modal' && <Seller checkout={checkout} />}
            <Headline checkout={checkout} />
            <OrderOptions checkout={checkout} state={state} store={store} isLocked={isLocked} />
            <Details checkout={checkout}>
              <DiscountForm checkout={checkout} state={state} store={store} isLocked={isLocked} />
            </Details>
            {isWide && summary}
          </div>
        </section>
        <main className="grow px-5 py-6 lg:px-12 lg:py-14">
          <div className="mx-auto max-w-md lg:ml-0">
            <PaymentForm
              api={api}
              checkout={checkout}
              state={state}
              store={store}
              step={step}
              setStep={setStep}
              // On a small screen the sum stands where it is agreed to, above the button.
              summary={isWide ? null : summary}
            />
            <Footer checkout={checkout} />
          </div>
        </main>
      </div>
    </div>
  )
}

/** The product and what it costs: the first thing that a buyer looks for. */
function Headline({ checkout }: { checkout: Checkout }) {
  const { t, money, date } = useWords()
  const trial = trialWords(t, checkout)
  const charge = chargeWords(t, money, checkout)
  return (
    <div className="flex flex-col gap-1">
      <h1 className="break-words text-lg font-medium text-muted">{checkout.product?.name}</h1>
      {trial ? (
        <>
          <p className="text-3xl font-semibold tracking-tight">{trial}</p>
          {checkout.trial_end && (
            <p className="text-sm text-muted">
              {t('trial.then', { price: charge, date: date(checkout.trial_end) })}
            </p>
          )}
        </>
      ) : (
        <>
          <Price checkout={checkout} />
          {isForNow(checkout) && <p className="text-sm text-muted">{charge}</p>}
        </>
      )}
    </div>
  )
}

/** The amount in large figures, and beside it how often it is charged. */
function Price({ checkout }: { checkout: Checkout }) {
  const { t, money } = useWords()
  const amount = checkout.total_amount
    ? money(checkout.total_amount, checkout.currency)
    : t(isByUsage(checkout) ? 'price.byUsage' : 'price.free')
  const isOften = checkout.total_amount > 0 && !isForNow(checkout)
  const words = isOften ? recurringWords(t, amount, checkout.product) : amount
  const more = [words.slice(amount.length), isOften && hasUsage(checkout) && `, ${t('price.plusUsage')}`]
  return (
    <p className="text-3xl font-semibold tracking-tight tabular-nums">
      {amount}
      <span className="text-base font-normal tracking-normal text-muted">{more.filter(Boolean)}</span>
    </p>
  )
}

/** The picture, the description and the benefits of the product; behind a button where the screen is small. */
function Details({ checkout, children }: { checkout: Checkout; children: ReactNode }) {
  const { t } = useWords()
  const [isOpen, setOpen] = useState(false)
  const { product } = checkout
  const hasMore = product && (product.description || product.benefits.length || product.medias.length)
  if (!hasMore) return <div className="lg:order-last">{children}</div>
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-6 gap-y-3 lg:order-last lg:block">
        <button
          type="button"
          aria-expanded={isOpen}
          aria-controls="details"
          className="min-h-6 self-start text-sm text-accent underline underline-offset-2 lg:hidden"
          onClick={() => setOpen(!isOpen)}
        >
          {t(isOpen ? 'checkout.hideDetails' : 'checkout.showDetails')}
        </button>
        {children}
      </div>
      <div id="details" className={`flex-col gap-5 lg:flex ${isOpen ? 'flex' : 'hidden'}`}>
        <Picture product={product} />
        {product.description && (
          <div className="text-sm text-muted">
            <Markdown text={product.description} />
          </div>
        )}
        {product.benefits.length > 0 && (
          <div>
            <h2 className="mb-2 text-sm font-medium">{t('checkout.benefits')}</h2>
            <ul className="flex flex-col gap-1.5 text-sm">
              {product.benefits.map((benefit) => (
                <li key={benefit.id} className="flex items-start gap-2">
                  <Tick />
                  <span className="min-w-0 break-words">{benefit.description}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </>
  )
}

/** The seller's own terms and help, and the choice of the language, in the languages' own names. */
function Footer({ checkout }: { checkout: Checkout }) {
  const { t, locale, choose } = useWords()
  return (
    <div className="mt-8 flex flex-wrap items-center justify-between gap-x-6 gap-y-3 text-sm text-muted">
      <SellerLinks branding={checkout.organization?.branding} />
      <label className="flex items-center gap-2">
        {t('checkout.language')}
        <select
          value={locale}
          onChange={(event) => choose(event.target.value)}
          className="rounded-lg border border-edge bg-surface px-2 py-1.5 text-ink"
        >
          {Object.entries(LOCALES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}
