import type { Problem } from '@polar-sh/client'
import { Button, ButtonLink, Notice } from '@polar-sh/ui'
import { useEffect, useState } from 'react'
import { remember } from '../portal/session'
import { useWords } from '../shared/locale'
import { hasField } from '../shared/problems'
import { helpOf } from '../shared/seller-links'
import { host } from './embed'
import { placeOf, portalPath, safeUrl } from './leave'
import type { Trouble } from './payment'
import type { CheckoutStore } from './store'
import type { Checkout } from './types'

/** Other troubles come before any payment is tried. */
const WAS_TRIED = /^decline\.|\.notPaid$/

/** What went wrong with a payment, in words, and what the buyer can do about it. */
export function TroubleNotice({
  trouble,
  checkout,
  store,
  email,
  onDone,
}: {
  trouble: Trouble
  checkout: Checkout
  store: CheckoutStore
  /** As it was typed: the sign-in of the portal begins with it. */
  email: string
  onDone: () => void
}) {
  const { t } = useWords()
  const seller = checkout.organization
  const organization = seller?.name ?? ''
  const shop = host.mode === 'page' ? safeUrl(checkout.return_url)?.href : undefined
  const help = helpOf(seller?.branding)
  return (
    <Notice kind="danger" title={WAS_TRIED.test(trouble.key) ? t('problem.title') : undefined}>
      <p>{t(trouble.key, { organization })}</p>
      {trouble.action === 'without-trial' && (
        <Button
          onClick={() => {
            store.change({ allow_trial: false }, 0)
            onDone()
          }}
        >
          {t('problem.withoutTrial')}
        </Button>
      )}
      {trouble.action === 'portal' && seller && (
        <ButtonLink
          href={portalPath(seller.slug)}
          target={placeOf()}
          onClick={() => remember(seller.id, email.trim())}
        >
          {t('problem.toPortal')}
        </ButtonLink>
      )}
      {trouble.action === 'shop' && shop && (
        <ButtonLink href={shop} target={placeOf()}>
          {t('screen.backTo', { organization })}
        </ButtonLink>
      )}
      {trouble.action === 'shop' && help && (
        <ButtonLink href={help} target="_blank" rel="noopener noreferrer">
          {t('problem.contact', { organization })}
        </ButtonLink>
      )}
    </Notice>
  )
}

/** Of these the trouble itself says what is wrong. */
const SAID = new Set(['product_id', 'product_price_id', 'discount_id', 'discount_code'])

const isShown = (path: string) => SAID.has(path) || path === 'customer_billing_address' || hasField(path)

/** What the server refused and no field of the page is for: said all the same, so that nobody presses in vain. */
export function OtherProblems({ errors }: { errors: Readonly<Record<string, Problem>> }) {
  const [others, setOthers] = useState<[string, Problem][]>([])
  useEffect(() => setOthers(Object.entries(errors).filter(([path]) => !isShown(path))), [errors])
  if (others.length === 0) return null
  return (
    <Notice kind="danger">
      <ul>
        {others.map(([path, { msg }]) => (
          <li key={path} className="break-words">
            {path ? `${path}: ${msg}` : msg}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
