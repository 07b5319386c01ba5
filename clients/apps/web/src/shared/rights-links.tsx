import { useWords } from './locale'

/** Whether a seller offers consumers a right, and where: as its organization's `consumer_rights` says. */
export interface ConsumerRight {
  enabled?: boolean
  countries?: Record<string, boolean>
}
export interface ConsumerRights {
  withdrawal?: ConsumerRight
  cancellation?: ConsumerRight
}

/** Whether a right is offered in any country; the server decides by the buyer's. */
export const isOffered = (right: ConsumerRight | undefined): boolean =>
  right?.enabled !== false || Object.values(right.countries ?? {}).some(Boolean)

/** Links to the pages on which consumers withdraw from a contract and cancel one, without a login. */
export function RightsLinks({
  slug,
  withdrawal,
  cancellation,
  order,
}: {
  slug: string
  withdrawal: boolean
  cancellation: boolean
  /** The number of an order, which the pages then begin with. */
  order?: string | null | undefined
}) {
  const { t, locale } = useWords()
  const query = new URLSearchParams({ ...(order && { order }), locale })
  const links = [
    [t('seller.withdraw'), 'withdraw', withdrawal],
    [t('seller.cancel'), 'cancel', cancellation],
  ] as const
  if (!withdrawal && !cancellation) return null
  return (
    <div className="flex flex-wrap gap-x-4 gap-y-2">
      {links.map(
        ([name, page, isShown]) =>
          isShown && (
            <a
              key={page}
              href={`/${slug}/${page}?${query}`}
              // A page in a frame opens them beside it: they are shown in no frame.
              {...(window.self !== window.top && { target: '_blank', rel: 'noopener' })}
              className="min-h-6 underline underline-offset-2"
            >
              {name}
            </a>
          ),
      )}
    </div>
  )
}
