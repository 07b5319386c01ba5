/** What is shown of a seller. */
export interface Marked {
  name?: string | null
  avatar_url?: string | null
  branding?: { logo_url?: string | null } | null
}

/** Whether a picture may be loaded: one of our own address, since no other host learns who looks at a page. */
export const isOurs = (url: string | null | undefined): url is string =>
  Boolean(url && (url.startsWith('/') || new URL(url, location.href).origin === location.origin))

/** A seller's picture and name. Where there is no picture, the first letter stands in its place. */
export function SellerMark({ seller }: { seller: Marked | null | undefined }) {
  const name = seller?.name ?? ''
  const picture = [seller?.branding?.logo_url, seller?.avatar_url].find(isOurs)
  return (
    <>
      {picture ? (
        <img src={picture} alt="" className="size-8 shrink-0 rounded-full object-cover" />
      ) : (
        <span
          aria-hidden="true"
          className="flex size-8 shrink-0 items-center justify-center rounded-full bg-ink text-sm font-semibold text-surface"
        >
          {[...name][0]?.toUpperCase()}
        </span>
      )}
      <span className="truncate font-medium">{name}</span>
    </>
  )
}
