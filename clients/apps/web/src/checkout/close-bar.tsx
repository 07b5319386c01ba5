import { Cross } from '@polar-sh/ui'
import { useSyncExternalStore } from 'react'
import { useWords } from '../shared/locale'
import { host } from './embed'
import { Seller } from './seller'
import type { Checkout } from './types'

/** The top of a checkout in a modal: whose it is, and the way out. It cannot be closed while a payment is under way. */
export function CloseBar({ checkout }: { checkout: Checkout | null }) {
  const { t } = useWords()
  const isBusy = useSyncExternalStore(host.subscribe, host.isBusy)
  return (
    <header className="sticky top-0 z-10 flex h-14 items-center justify-between gap-3 border-b border-line bg-surface pr-2 pl-5">
      <div className="min-w-0">{checkout && <Seller checkout={checkout} />}</div>
      <button
        type="button"
        aria-disabled={isBusy || undefined}
        className="flex size-11 shrink-0 items-center justify-center rounded-lg text-muted hover:bg-canvas hover:text-ink aria-disabled:opacity-50"
        onClick={host.close}
      >
        <Cross />
        <span className="sr-only">{t('checkout.close')}</span>
      </button>
    </header>
  )
}
