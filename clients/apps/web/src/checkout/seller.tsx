import { useWords } from '../shared/locale'
import { host } from './embed'
import type { Checkout } from './types'

/** Whether a picture may be loaded: one of our own address, since no other host learns who looks at a checkout. */
const isOurs = (url: string | null | undefined): url is string =>
  Boolean(url && (url.startsWith('/') || new URL(url, location.href).origin === location.origin))

/** The seller's picture and name, and the way back to them; in the seller's own page there is none. */
export function Seller({ checkout }: { checkout: Checkout }) {
  const { t } = useWords()
  const { organization } = checkout
  const back = host.mode === 'page' ? checkout.return_url : null
  const name = organization?.name ?? ''
  const picture = [organization?.branding?.logo_url, organization?.avatar_url].find(isOurs)
  return (
    <div className="flex min-w-0 items-center gap-3">
      {back && (
        <a href={back} className="-ml-2 rounded-lg p-2">
          <svg
            viewBox="0 0 20 20"
            className="size-5"
            fill="none"
            stroke="currentColor"
            strokeWidth="2"
            aria-hidden="true"
          >
            <path d="M12 4 6 10l6 6" strokeLinecap="round" strokeLinejoin="round" />
          </svg>
          <span className="sr-only">{t('screen.backTo', { organization: name })}</span>
        </a>
      )}
      {picture ? (
        <img src={picture} alt="" className="size-8 rounded-full object-cover" />
      ) : (
        <span
          aria-hidden="true"
          className="flex size-8 shrink-0 items-center justify-center rounded-full bg-ink text-sm font-semibold text-surface"
        >
          {[...name][0]?.toUpperCase()}
        </span>
      )}
      <span className="truncate font-medium">{name}</span>
    </div>
  )
}

/** The first picture of a product. */
export function Picture({ product }: { product: Checkout['product'] }) {
  const url = product?.medias.map((media) => String(media.public_url ?? '')).find(isOurs)
  return url ? (
    <img src={url} alt="" className="aspect-video w-full rounded-xl border border-line object-cover" />
  ) : null
}
