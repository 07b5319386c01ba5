import { unwrap } from '@polar-sh/client'
import { Button, SelectField, TextField } from '@polar-sh/ui'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { priceWords } from '../checkout/describe'
import type { Product } from '../checkout/types'
import { usePortalWords, useSession } from './context'
import { Card, Failure, Lines, Loaded, useAction } from './parts'
import { useSeller } from './queries'
import {
  allowedBy,
  type CustomerSubscription,
  otherPlans,
  type Preview,
  type SubscriptionChange,
  soldOf,
} from './types'

/** Changes the plan or how many, after the server has said what it charges now and next. */
export function ChangeForm({
  subscription: one,
  onDone,
  onClose,
}: {
  subscription: CustomerSubscription
  onDone: () => void
  onClose: () => void
}) {
  const { p, t, money, locale } = usePortalWords()
  const { api } = useSession()
  const shop = useSeller().data
  const allowed = allowedBy(shop?.seller)
  const counted =
    one.seats !== null && allowed.seats ? 'seats' : one.units !== null && allowed.units ? 'units' : null
  const [product, setProduct] = useState(one.product_id)
  const [count, setCount] = useState(String((counted && one[counted]) ?? ''))
  const { run, isBusy, error } = useAction()
  const plans = otherPlans(shop, one)
  const body: SubscriptionChange | null =
    product !== one.product_id
      ? { product_id: product }
      : counted && Number(count) > 0 && Number(count) !== one[counted]
        ? { [counted]: Number(count) }
        : null
  const path = { id: one.id }
  const preview = useQuery({
    queryKey: ['preview', one.id, body],
    enabled: body !== null,
    staleTime: 0,
    queryFn: () =>
      unwrap(
        api.POST('/v1/customer-portal/subscriptions/{id}/change-preview', {
          params: { path },
          body: body ?? {},
        }),
      ),
  })
  const due = (body && preview.data?.charge_now?.due_amount) || 0
  const change = async () => {
    if (!body) return
    const isDone = await run(() =>
      unwrap(api.PATCH('/v1/customer-portal/subscriptions/{id}', { params: { path }, body })),
    )
    if (isDone) onDone()
  }
  return (
    <Card>
      <h2 className="text-lg font-semibold">
        {p(plans.length > 0 ? 'sub.change' : counted === 'seats' ? 'sub.changeSeats' : 'sub.changeUnits')}
      </h2>
      {plans.length > 0 && (
        <SelectField
          label={p('sub.changeTo')}
          value={product}
          onChange={(event) => setProduct(event.target.value)}
        >
          <option value={one.product_id}>{soldOf(one)?.name}</option>
          {plans.map((plan) => (
            <option key={plan.id} value={plan.id}>
              {plan.name} – {priceWords(t, locale, plan as unknown as Product, one.currency)}
            </option>
          ))}
        </SelectField>
      )}
      {counted && product === one.product_id && (
        <TextField
          label={p(`sub.${counted}`)}
          inputMode="numeric"
          value={count}
          onChange={(event) => setCount(event.target.value.replace(/\D/g, '').slice(0, 9))}
        />
      )}
      {body &&
        (preview.error ? (
          <Failure
            text={
              locale === 'en' ? preview.error.message : p('error.refused', { reason: preview.error.message })
            }
          />
        ) : (
          <div aria-live="polite">
            <Loaded query={preview}>{(costs) => <Costs preview={costs} />}</Loaded>
          </div>
        ))}
      <Failure text={error} />
      <div className="flex flex-wrap gap-3">
        <Button
          kind="primary"
          busy={isBusy}
          disabled={!body || !preview.data || preview.isFetching}
          onClick={() => void change()}
        >
          {due > 0
            ? p('sub.confirmChangePay', { amount: money(due, preview.data?.currency ?? one.currency) })
            : p('sub.confirmChange')}
        </Button>
        <Button onClick={onClose}>{p('close')}</Button>
      </div>
    </Card>
  )
}

function Costs({ preview }: { preview: Preview }) {
  const { p, money, date } = usePortalWords()
  const { charge_now: now, next_charge: next, next_charge_at: at } = preview
  return (
    <div className="flex flex-col gap-3 rounded-lg bg-canvas p-3">
      <h3 className="text-sm font-semibold">{p('sub.preview')}</h3>
      {now && <Items charge={now} />}
      <Lines
        rows={[
          [p('sub.today'), money(now?.due_amount ?? 0, preview.currency)],
          now !== null &&
            now.tax_amount !== 0 && [p('sub.todayTax'), money(now.tax_amount, preview.currency)],
        ]}
      />
      <hr className="border-line" />
      {next && at ? (
        <>
          <Items charge={next} />
          <Lines
            rows={[
              [
                p('sub.then'),
                p('sub.nextAmount', { amount: money(next.due_amount, next.currency), date: date(at) }),
              ],
            ]}
          />
        </>
      ) : (
        <p className="text-sm">{p('sub.noCharge')}</p>
      )}
    </div>
  )
}

/** What a charge is made of, also what is credited of the plan before. */
function Items({ charge }: { charge: NonNullable<Preview['charge_now']> }) {
  const { money } = usePortalWords()
  return (
    <ul className="flex flex-col gap-1 text-sm text-muted">
      {(charge.items as unknown as { label: string; amount: number }[]).map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the items of a preview have no other name
        <li key={index} className="flex justify-between gap-4">
          <span className="min-w-0 break-words">{item.label}</span>
          <span className="shrink-0">{money(item.amount, charge.currency)}</span>
        </li>
      ))}
    </ul>
  )
}
