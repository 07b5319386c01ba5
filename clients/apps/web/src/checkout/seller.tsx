import { useWords } from '../shared/locale'
import { isOurs, SellerMark } from '../shared/seller-mark'
import { host } from './embed'
import type { Checkout } from './types'

/** The seller's picture and name, and the way back to them; in the seller's own page there is none. */
export function Seller({ checkout }: { checkout: Checkout }) {
  const { t } = useWords()
  const { organization } = checkout
  const back = host.mode === 'page' ? checkout.return_url : null
  const name = organization?.name ?? ''
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
      <SellerMark seller={organization} />
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
