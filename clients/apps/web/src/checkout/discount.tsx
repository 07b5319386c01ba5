import { Button, TextField } from '@polar-sh/ui'
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
    return (
      <div className="flex w-full items-center justify-between gap-3 text-sm">
        <span role="status">{t('discount.applied', { name: applied.code ?? applied.name })}</span>
        {checkout.allow_discount_codes && (
          <Button
            kind="quiet"
            disabled={isLocked}
            aria-label={t('discount.remove', { name: applied.code ?? applied.name })}
            onClick={() => store.change({ discount_code: '' }, 0)}
          >
            ✕
          </Button>
        )}
      </div>
    )
  }
  if (!checkout.allow_discount_codes || checkout.is_free_product_price) return null
  if (!isOpen && !refused) {
    return (
      <Button kind="quiet" className="text-sm" onClick={() => setOpen(true)}>
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
