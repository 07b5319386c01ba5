import { api, type CheckoutCreate, unwrap } from '@polar-sh/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { invalidate, queryClient } from './client'

/** Opens a checkout. The result is `{data, error, response}`: a refusal does not throw. */
export const useCreateCheckout = () =>
  useMutation(
    {
      mutationFn: (body: CheckoutCreate) => api.POST('/v1/checkouts/', { body }),
      onSuccess: (result) => (result.error ? undefined : invalidate('checkouts')),
    },
    queryClient,
  )

/** A checkout as its seller sees it. */
export const useCheckout = (id: string) =>
  useQuery(
    {
      queryKey: ['checkouts', id],
      queryFn: () => unwrap(api.GET('/v1/checkouts/{id}', { params: { path: { id } } })),
    },
    queryClient,
  )
