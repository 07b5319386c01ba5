import { safeUrl } from '../checkout/leave'
import { useWords } from './locale'

/** Where a seller's terms and help are, as its organization's `branding` says. */
export interface SellerPlaces {
  terms_url?: string | null
  privacy_url?: string | null
  support_url?: string | null
  support_email?: string | null
}

/** Where a seller helps; null where it says no place. */
export function helpOf(branding: SellerPlaces | null | undefined): string | null {
  const page = safeUrl(branding?.support_url)?.href
  return page ?? (branding?.support_email ? `mailto:${branding.support_email}` : null)
}

/** Links to the seller's own terms, privacy and help; an address that is not one of the web is not shown. */
export function SellerLinks({ branding }: { branding: SellerPlaces | null | undefined }) {
  const { t } = useWords()
  const links = [
    [t('seller.terms'), safeUrl(branding?.terms_url)?.href],
    [t('seller.privacy'), safeUrl(branding?.privacy_url)?.href],
    [t('seller.help'), helpOf(branding)],
  ] as const
  return (
    <div className="flex flex-wrap gap-x-4 gap-y-2">
      {links.map(
        ([name, address]) =>
          address && (
            <a
              key={name}
              href={address}
              target="_blank"
              rel="noopener noreferrer"
              className="min-h-6 underline underline-offset-2"
            >
              {name}
            </a>
          ),
      )}
    </div>
  )
}
