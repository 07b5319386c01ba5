import { api as anonymous, unwrap } from '@polar-sh/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useSession } from './context'
import type { Seller, Sold } from './types'

const MANY = 100

export function useCustomer() {
  const { api } = useSession()
  return useQuery({ queryKey: ['me'], queryFn: () => unwrap(api.GET('/v1/customer-portal/customers/me')) })
}

/** Who is signed in: the customer, or a member of a customer that is a team. */
export function useUser() {
  const { api } = useSession()
  return useQuery({
    queryKey: ['user'],
    queryFn: () => unwrap(api.GET('/v1/customer-portal/customer-session/user')),
  })
}

/** Whether who is signed in may do what the customer may; the server decides by the same rule. */
export const useManages = (): boolean => {
  const user = useUser().data
  return user !== undefined && user.role !== 'member'
}

/** How long the session lasts, and where the shop wants the customer back. */
export function useIntrospection() {
  const { api } = useSession()
  return useQuery({
    queryKey: ['session'],
    queryFn: () => unwrap(api.GET('/v1/customer-portal/customer-session/introspect')),
  })
}

export function useSubscriptions() {
  const { api } = useSession()
  return useQuery({
    queryKey: ['subscriptions'],
    queryFn: () =>
      unwrap(api.GET('/v1/customer-portal/subscriptions/', { params: { query: { limit: MANY } } })),
  })
}

export function useSubscription(id: string) {
  const { api } = useSession()
  return useQuery({
    queryKey: ['subscriptions', id],
    queryFn: () => unwrap(api.GET('/v1/customer-portal/subscriptions/{id}', { params: { path: { id } } })),
  })
}

/** A page of orders, the latest first; of one subscription where it is named. A plain member may see none. */
export function useOrders(limit: number, subscription?: string) {
  const { api } = useSession()
  return useQuery({
    queryKey: ['orders', limit, subscription],
    enabled: useManages(),
    queryFn: () =>
      unwrap(
        api.GET('/v1/customer-portal/orders/', {
          params: {
            query: {
              limit,
              sorting: ['-created_at'],
              ...(subscription && { subscription_id: [subscription] }),
            },
          },
        }),
      ),
  })
}

export function useOrder(id: string) {
  const { api } = useSession()
  return useQuery({
    queryKey: ['orders', 'one', id],
    queryFn: () => unwrap(api.GET('/v1/customer-portal/orders/{id}', { params: { path: { id } } })),
  })
}

export function useCards() {
  const { api } = useSession()
  return useQuery({
    queryKey: ['cards'],
    enabled: useManages(),
    queryFn: () =>
      unwrap(
        api.GET('/v1/customer-portal/customers/me/payment-methods', { params: { query: { limit: MANY } } }),
      ),
  })
}

export function useMembers() {
  const { api } = useSession()
  return useQuery({
    queryKey: ['members'],
    queryFn: () =>
      unwrap(
        api.GET('/v1/customer-portal/members/', {
          params: { query: { limit: MANY, sorting: ['created_at'] } },
        }),
      ),
  })
}

export function useGrants() {
  const { api } = useSession()
  return useQuery({
    queryKey: ['grants'],
    queryFn: () =>
      unwrap(api.GET('/v1/customer-portal/benefit-grants/', { params: { query: { limit: MANY } } })),
  })
}

/** A seller and what it sells in public, by its slug or its id. */
export function useStorefront(name: string | null) {
  return useQuery({
    queryKey: ['storefront', name],
    enabled: name !== null,
    queryFn: async () => {
      const path = { slug: name ?? '' }
      const found = await unwrap(
        anonymous.GET('/v1/customer-portal/organizations/{slug}', { params: { path } }),
      )
      return {
        seller: found.organization as unknown as Seller,
        products: found.products as unknown as Sold[],
      }
    },
  })
}

/** The seller of the session, whichever seller the address names. */
export function useSeller() {
  return useStorefront(useUser().data?.organization_id ?? null)
}

/** Asks anew for everything that is shown, after a change. */
export function useRefresh() {
  const cache = useQueryClient()
  return () => cache.invalidateQueries()
}
