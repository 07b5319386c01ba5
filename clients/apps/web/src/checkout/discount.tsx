import { Button, Cross, TextField, Tick } from '@polar-sh/ui'
import { useEffect, useState } from 'react'
import { useWords } from '../shared/locale'
import type { CheckoutStore, State } from './store'
import type { Checkout } from './types'

/** A form of its own: a code that is not valid never stands in the way of paying. */
export function DiscountForm({
  checkout,
  state,
  store,
  isLocked,
}: {
  checkout: Checkout
  state: State
  store: CheckoutStore
  isLocked: boolean
}) {
  const { t } = useWords()
  const [isOpen, setOpen] = useState(false)
  const [code, setCode] = useState('')
  const applied = checkout.discount
  const refused = state.errors.discount_code ?? state.errors.discount_id

  useEffect(() => {
    if (applied) setCode('')
  }, [applied])

  if (applied) {
    const name = applied.code ?? applied.name
    return (
      <div className="flex w-full items-center justify-between gap-3 rounded-lg border border-line bg-surface py-1 pr-1 pl-3 text-sm">
        <span role="status" className="flex min-w-0 items-start gap-2 py-2">
          <Tick />
          <span className="min-w-0 break-words">{t('discount.applied', { name })}</span>
        </span>
        {checkout.allow_discount_codes && (
          <button
            type="button"
            disabled={isLocked}
            className="flex size-10 shrink-0 items-center justify-center rounded-lg text-muted hover:bg-canvas hover:text-ink disabled:opacity-60"
            onClick={() => store.change({ discount_code: '' }, 0)}
          >
            <Cross />
            <span className="sr-only">{t('discount.remove', { name })}</span>
          </button>
        )}
      </div>
    )
  }
  const isOpenCheckout = checkout.status === 'open'
  if (!isOpenCheckout || !checkout.allow_discount_codes || checkout.is_free_product_price) return null
  if (!isOpen && !refused) {
    return (
      <Button kind="quiet" className="self-start text-sm" onClick={() => setOpen(true)}>
        {t('discount.add')}
      </Button>
    )
  }
  const words = !refused
    ? undefined
    : /currency/.test(refused.msg)
      ? t('discount.otherCurrency')
      : t(/apply/.test(refused.msg) ? 'discount.otherProduct' : 'discount.unknown')
  return (
    <form
      noValidate
      className="flex w-full items-start gap-2"
      onSubmit={(event) => {
        event.preventDefault()
        if (code.trim()) store.change({ discount_code: code.trim() }, 0)
      }}
    >
      <div className="grow">
        <TextField
          id="discount_code"
          label={t('discount.label')}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          autoFocus={isOpen}
          maxLength={256}
          disabled={isLocked}
          value={code}
          onChange={(event) => {
            setCode(event.target.value)
            store.clear('discount_code')
            store.clear('discount_id')
          }}
          error={words}
        />
      </div>
      <Button type="submit" className="mt-[26px]" disabled={isLocked}>
        {t('discount.apply')}
      </Button>
    </form>
  )
}
