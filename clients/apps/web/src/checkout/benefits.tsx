import type { CheckoutBenefit } from '@polar-sh/client'
import { Button, Markdown, Spinner } from '@polar-sh/ui'
import { useState } from 'react'
import { useWords } from '../shared/locale'
import { Connect, type PurchaseSession } from './connect'
import { safeUrl } from './leave'
import type { Checkout } from './types'

/** What the purchase gives: keys, files, notes, and the accounts that still have to be connected. */
export function Benefits({
  benefits,
  checkout,
  session,
}: {
  benefits: CheckoutBenefit[]
  checkout: Checkout
  session: PurchaseSession
}) {
  const { t } = useWords()
  return (
    <section aria-labelledby="benefits" className="w-full">
      <h2 id="benefits" className="mb-2 text-sm font-medium">
        {t('done.yourBenefits')}
      </h2>
      <ul className="flex flex-col gap-2">
        {benefits.map((benefit) => (
          <li
            key={benefit.id}
            className="flex flex-col gap-2 rounded-xl border border-line bg-raised p-4 text-sm"
          >
            <span className="break-words font-medium">{benefit.description}</span>
            <Given benefit={benefit} checkout={checkout} session={session} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Given({
  benefit,
  checkout,
  session,
}: {
  benefit: CheckoutBenefit
  checkout: Checkout
  session: PurchaseSession
}) {
  const { t } = useWords()
  if (benefit.needs_account) {
    return <Connect platform={benefit.needs_account} checkout={checkout} session={session} />
  }
  if (benefit.status === 'pending') {
    return (
      <span className="flex items-center gap-2 text-muted">
        <Spinner />
        {t('done.granting')}
      </span>
    )
  }
  const { license_key: key, files, note } = benefit
  return (
    <>
      {note && (
        <div className="text-muted">
          <Markdown text={note} />
        </div>
      )}
      {key && <LicenseKey value={key.key} isLasting={checkout.product?.is_recurring ?? false} />}
      {files?.map((file) => (
        <a
          key={file.id}
          href={addressOf(file.url)}
          download
          className="flex items-baseline justify-between gap-4 text-accent underline underline-offset-2"
        >
          <span className="min-w-0 break-words">{file.name}</span>
          <span className="shrink-0 text-muted">{file.size_readable}</span>
        </a>
      ))}
    </>
  )
}

/** A signed address of the server's, at the host that this page came from. */
function addressOf(url: string): string {
  const safe = safeUrl(url)
  return safe?.pathname.startsWith('/v1/') ? safe.pathname + safe.search : (safe?.href ?? '')
}

function LicenseKey({ value, isLasting }: { value: string; isLasting: boolean }) {
  const { t } = useWords()
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    // Without the right to write there, the key is still text that can be selected.
    await navigator.clipboard?.writeText(value).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  }
  return (
    <>
      <div className="flex items-center gap-2">
        <code className="min-w-0 grow rounded-lg bg-canvas px-3 py-2 font-mono text-sm break-all select-all">
          {value}
        </code>
        <Button className="shrink-0" onClick={copy} aria-live="polite">
          {t(isCopied ? 'done.copied' : 'done.copy')}
        </Button>
      </div>
      {isLasting && <span className="text-muted">{t('done.validWhileActive')}</span>}
    </>
  )
}
