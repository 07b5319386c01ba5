import { ApiError, api, unwrap } from '@polar-sh/client'
import { LOCALES } from '@polar-sh/i18n'
import { applyBrand, Button, Notice } from '@polar-sh/ui'
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { type ConsumerRights, isOffered } from '../shared/rights-links'
import { SellerLinks, type SellerPlaces } from '../shared/seller-links'
import { SellerMark } from '../shared/seller-mark'
import { Cancel } from './cancel'
import { RightsTexts, useRightsWords } from './texts'
import { Withdraw } from './withdraw'

export interface Seller {
  id: string
  name: string
  slug: string
  avatar_url?: string | null
  branding?: SellerPlaces & { brand_color?: string | null; logo_url?: string | null }
  consumer_rights?: ConsumerRights
}

const [, SLUG = '', PAGE = ''] = /^\/([a-z0-9-]+)\/(withdraw|cancel)\/?$/.exec(location.pathname) ?? []

/** Withdrawing from a contract (`/{slug}/withdraw`) and cancelling one (`/{slug}/cancel`), without a login. */
export function RightsPage() {
  return (
    <RightsTexts>
      <Frame />
    </RightsTexts>
  )
}

function Frame() {
  const { r, t, locale, choose } = useRightsWords()
  const [seller, setSeller] = useState<Seller>()
  const [problem, setProblem] = useState<'unknown' | 'failed'>()
  const load = useCallback(async () => {
    setProblem(undefined)
    try {
      const path = { slug: SLUG }
      const found = await unwrap(api.GET('/v1/customer-portal/organizations/{slug}', { params: { path } }))
      const known = found.organization as unknown as Seller
      applyBrand(known.branding?.brand_color)
      setSeller(known)
    } catch (failure) {
      setProblem(failure instanceof ApiError && failure.status === 404 ? 'unknown' : 'failed')
    }
  }, [])
  useEffect(() => void load(), [load])
  return (
    <div className="mx-auto flex min-h-dvh max-w-md flex-col gap-8 px-5 py-6">
      <header className="flex min-h-8 min-w-0 items-center gap-3">
        {seller && <SellerMark seller={seller} />}
      </header>
      <main className="min-w-0">
        {seller ? (
          <Declaration seller={seller} />
        ) : problem ? (
          <Screen title={r(PAGE === 'cancel' ? 'cancel.title' : 'withdraw.title')}>
            <Notice kind="danger">
              <p>{r(problem === 'unknown' ? 'shop.unknown' : 'failed')}</p>
              {problem === 'failed' && <Button onClick={() => void load()}>{r('retry')}</Button>}
            </Notice>
          </Screen>
        ) : (
          <div role="status" className="flex animate-pulse flex-col gap-4">
            <span className="sr-only">{r('loading')}</span>
            <div className="h-8 w-56 rounded-lg bg-line" />
            <div className="h-12 rounded-lg bg-line" />
            <div className="h-12 rounded-lg bg-line" />
          </div>
        )}
      </main>
      <footer className="mt-auto flex flex-wrap items-center justify-between gap-x-6 gap-y-3 text-sm text-muted">
        <SellerLinks branding={seller?.branding} />
        <label className="flex items-center gap-2">
          <span className="sr-only">{t('checkout.language')}</span>
          <select
            value={locale}
            onChange={(event) => choose(event.target.value)}
            className="min-h-8 rounded-lg border border-edge bg-raised px-2"
          >
            {Object.entries(LOCALES).map(([code, name]) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </footer>
    </div>
  )
}

function Declaration({ seller }: { seller: Seller }) {
  const { r } = useRightsWords()
  const rights = seller.consumer_rights
  const isCancel = PAGE === 'cancel'
  if (!isOffered(isCancel ? rights?.cancellation : rights?.withdrawal)) {
    return (
      <Screen title={r(isCancel ? 'cancel.title' : 'withdraw.title')}>
        <Notice kind="notice">
          <p>{r('shop.notOffered')}</p>
        </Notice>
      </Screen>
    )
  }
  return isCancel ? <Cancel seller={seller} /> : <Withdraw seller={seller} />
}

/** The heading and the body of a step. The heading gets the focus when another step was replaced. */
export function Screen({ title, children }: { title: string; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = title
    heading.current?.focus()
  }, [title])
  return (
    <div className="flex min-w-0 flex-col gap-5">
      <h1 ref={heading} tabIndex={-1} className="text-2xl font-semibold break-words outline-none">
        {title}
      </h1>
      {children}
    </div>
  )
}

/** What is said of a declaration, one line each. */
export function Facts({ rows }: { rows: (readonly [string, string] | false)[] }) {
  return (
    <dl className="flex flex-col gap-3 rounded-xl border border-line bg-raised p-4 text-sm">
      {rows.map(
        (row) =>
          row && (
            <div key={row[0]} className="min-w-0">
              <dt className="text-muted">{row[0]}</dt>
              <dd className="font-medium break-words">{row[1]}</dd>
            </div>
          ),
      )}
    </dl>
  )
}

export const Failure = ({ text }: { text: string }) =>
  text ? (
    <Notice kind="danger">
      <p>{text}</p>
    </Notice>
  ) : null

/** The order number that a link brought. */
export const numberInAddress = (): string => new URLSearchParams(location.search).get('order') ?? ''
