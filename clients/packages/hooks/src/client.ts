import { QueryClient } from '@tanstack/react-query'

/** The cache that the hooks fill and their mutations invalidate; an application gives it to its provider. */
export const queryClient = new QueryClient({ defaultOptions: { queries: { staleTime: 10_000, retry: 1 } } })

/** Query parameters of which each list may also be one value: the server takes both. */
export type Filters<T> = { [K in keyof T]: T[K] | (NonNullable<T[K]> extends (infer One)[] ? One : never) }

/** The same parameters as the document declares them. A lone value is sent as `?name=value`, like a list of one. */
export const asDeclared = <T>(filters: Filters<T>): T => filters as T

/** Makes every cached list and detail of these resources stale, so that what is shown is asked anew. */
export const invalidate = (...resources: string[]) =>
  Promise.all(resources.map((resource) => queryClient.invalidateQueries({ queryKey: [resource] })))
