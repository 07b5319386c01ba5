import { useCancelSubscription, useSubscriptions } from '@/hooks/queries/subscriptions'

/** The active subscriptions of a customer, each with a button that cancels it at the end of its period. */
export function SubscriptionManager({ customerId }: { customerId: string }) {
  const { data: subscriptions } = useSubscriptions({ customer_id: customerId, active: true })
  const cancelSubscription = useCancelSubscription()
  const cancel = (id: string) =>
    cancelSubscription.mutateAsync({ id, cancel_at_period_end: true, reason: 'customer_request' })
  return (
    <ul>
      {subscriptions?.items.map((sub) => (
        <li key={sub.id}>
          <p>Status: {sub.status}</p>
          <p>
            Amount: ${sub.amount / 100}/{sub.recurring_interval}
          </p>
          <p>{sub.cancel_at_period_end ? 'Ends with its period' : 'Renews'}</p>
          <button type="button" onClick={() => cancel(sub.id)}>
            Cancel
          </button>
        </li>
      ))}
    </ul>
  )
}
