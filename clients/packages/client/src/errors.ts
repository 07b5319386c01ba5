/** One thing that the server refused: `loc` is the path of the field, `["body", "customer_email"]`. */
export interface Problem {
  loc: (string | number)[]
  msg: string
  type: string
}

/** What every refusal of the API looks like. `detail` is a list for a payload (422), and a text otherwise. */
export interface ErrorBody {
  error?: string
  detail?: string | Problem[]
  decline_code?: string | null
  /** Some refusals say more: an expired checkout, whose it was. */
  [name: string]: unknown
}

/** A request that the API refused. `status` is the HTTP status. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    readonly response: Response,
  ) {
    const { detail } = body
    super(typeof detail === 'string' ? detail : (detail?.[0]?.msg ?? `HTTP ${status}`))
    this.name = 'ApiError'
  }

  /** The class of the refusal, `PaymentError`; empty where the answer was not the API's own. */
  get kind(): string {
    return this.body.error ?? ''
  }

  /** The refused fields of a payload; empty for every other refusal. */
  get problems(): Problem[] {
    return Array.isArray(this.body.detail) ? this.body.detail : []
  }
}
