import { unwrap } from '@polar-sh/client'
import { Button, SelectField, TextArea } from '@polar-sh/ui'
import { type FormEvent, useState } from 'react'
import { usePortalWords, useSession } from './context'
import { Card, Failure, useAction } from './parts'
import type { CustomerSubscription, SubscriptionChange } from './types'

const REASONS = [
  'too_expensive',
  'missing_features',
  'switched_service',
  'unused',
  'customer_service',
  'low_quality',
  'too_complex',
  'other',
] as const

/** Cancels at the end of the period. The reason and the comment are the customer's to give or not. */
export function Cancellation({
  subscription,
  onDone,
  onClose,
}: {
  subscription: CustomerSubscription
  onDone: () => void
  onClose: () => void
}) {
  const { p, date } = usePortalWords()
  const { api } = useSession()
  const [reason, setReason] = useState('')
  const [comment, setComment] = useState('')
  const { run, isBusy, error } = useAction()
  const end = date(subscription.current_period_end)
  const cancel = async (event: FormEvent) => {
    event.preventDefault()
    const body: SubscriptionChange = {
      cancel_at_period_end: true,
      ...(reason && {
        cancellation_reason: reason as NonNullable<SubscriptionChange['cancellation_reason']>,
      }),
      ...(comment.trim() && { cancellation_comment: comment.trim() }),
    }
    const path = { id: subscription.id }
    const isDone = await run(() =>
      unwrap(api.PATCH('/v1/customer-portal/subscriptions/{id}', { params: { path }, body })),
    )
    if (isDone) onDone()
  }
  return (
    <Card>
      <h2 className="text-lg font-semibold">{p('sub.cancel')}</h2>
      <p className="text-sm">{p('sub.cancelText', { date: end })}</p>
      <form onSubmit={(event) => void cancel(event)} className="flex flex-col gap-4">
        <SelectField
          label={p('sub.reason')}
          optional={p('sub.optional')}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        >
          <option value="">{p('reason.none')}</option>
          {REASONS.map((one) => (
            <option key={one} value={one}>
              {p(`reason.${one}`)}
            </option>
          ))}
        </SelectField>
        <TextArea
          label={p('sub.comment')}
          optional={p('sub.optional')}
          maxLength={1000}
          value={comment}
          onChange={(event) => setComment(event.target.value)}
        />
        <Failure text={error} />
        <div className="flex flex-wrap gap-3">
          <Button type="submit" busy={isBusy}>
            {p('sub.confirmCancel', { date: end })}
          </Button>
          <Button onClick={onClose}>{p('close')}</Button>
        </div>
      </form>
    </Card>
  )
}
