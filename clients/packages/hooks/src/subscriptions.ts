import { api, type paths, type SubscriptionCancel, unwrap } from '@polar-sh/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { asDeclared, type Filters, invalidate, queryClient } from './client'

type Query = NonNullable<paths['/v1/subscriptions/']['get']['parameters']['query']>

/** A page of subscriptions. */
export const useSubscriptions = (filters: Filters<Query> = {}) =>
  useQuery(
    {
      queryKey: ['subscriptions', filters],
      queryFn: () => unwrap(api.GET('/v1/subscriptions/', { params: { query: asDeclared<Query>(filters) } })),
    },
    queryClient,
  )

/** Cancels a subscription, at once or at the end of its period. The result is `{data, error, response}`. */
export const useCancelSubscription = () =>
  useMutation(
    {
      mutationFn: ({ id, ...body }: { id: string } & SubscriptionCancel) =>
        api.POST('/v1/subscriptions/{id}/cancel', { params: { path: { id } }, body }),
      onSuccess: (result) => (result.error ? undefined : invalidate('subscriptions', 'orders', 'customers')),
    },
    queryClient,
  )
