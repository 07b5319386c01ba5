import createFetchClient, {
  type ClientOptions,
  type FetchResponse,
  type ParseAsResponse,
} from 'openapi-fetch'
import type { MediaType, ResponseObjectMap, SuccessResponse } from 'openapi-typescript-helpers'
import { ApiError, type ErrorBody } from './errors'
import type { paths } from './v1'

export type * from './aliases'
export { ApiError, type ErrorBody, type Problem } from './errors'
export type { paths } from './v1'

/** The version of the API that `v1.ts` describes; the server answers in its words. */
export const VERSION = '2026-10'

/** What a client needs: the address of the API, and a bearer token where the route asks for one. */
export interface Settings extends Pick<ClientOptions, 'fetch'> {
  baseUrl: string
  token?: string
}

/** A typed client of the API. Without a token, it reaches what needs none. */
export const createClient = ({ baseUrl, token, fetch }: Settings) =>
  createFetchClient<paths>({
    baseUrl,
    ...(fetch && { fetch }),
    credentials: 'same-origin',
    headers: { 'Polar-Version': VERSION, ...(token && { Authorization: `Bearer ${token}` }) },
  })

export type Client = ReturnType<typeof createClient>

/** The client of the address that a page came from. */
export const api: Client = createClient({ baseUrl: '' })

/** The data of an answer. Raises `ApiError` for a refusal. */
export async function unwrap<T extends Record<string | number, unknown>, Options, Media extends MediaType>(
  answer: Promise<FetchResponse<T, Options, Media>>,
): Promise<ParseAsResponse<SuccessResponse<ResponseObjectMap<T>, Media>, Options>> {
  const { data, error, response } = await answer
  if (!response.ok) {
    throw new ApiError(response.status, typeof error === 'object' ? (error as ErrorBody) : {}, response)
  }
  return data as ParseAsResponse<SuccessResponse<ResponseObjectMap<T>, Media>, Options>
}
