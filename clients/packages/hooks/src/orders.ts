import { api, type paths, unwrap } from '@polar-sh/client'
import { useQuery } from '@tanstack/react-query'
import { asDeclared, type Filters, queryClient } from './client'

type Query = NonNullable<paths['/v1/orders/']['get']['parameters']['query']>

/** A page of orders. */
export const useOrders = (filters: Filters<Query> = {}) =>
  useQuery(
    {
      queryKey: ['orders', filters],
      queryFn: () => unwrap(api.GET('/v1/orders/', { params: { query: asDeclared<Query>(filters) } })),
    },
    queryClient,
  )
