import { Button, ButtonLink } from '@polar-sh/ui'
import { type ReactNode, useEffect, useRef } from 'react'
import { useWords } from '../shared/locale'
import { host } from './embed'
import { restartUrl, safeUrl } from './leave'
import type { Left } from './types'

/** A page with one message. Its heading gets the focus, so that it is read out when it replaces another page. */
export function Screen({
  title,
  align = 'center',
  children,
}: {
  title: string
  align?: 'center' | 'top'
  children?: ReactNode
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = title
    heading.current?.focus()
  }, [title])
  return (
    <main
      className={`mx-auto flex min-h-dvh max-w-md flex-col items-start gap-4 px-5 py-10 ${align === 'center' ? 'justify-center' : 'lg:pt-24'}`}
    >
      <h1 ref={heading} tabIndex={-1} className="text-2xl font-semibold text-balance outline-none">
        {title}
      </h1>
      {children}
    </main>
  )
}

export function Expired({ left }: { left: Left }) {
  const { t } = useWords()
  const shop = host.mode === 'page' ? safeUrl(left.return_url) : null
  const organization = left.organization?.name
  return (
    <Screen title={t('screen.expiredTitle')}>
      <p className="text-muted">{t('screen.expiredText')}</p>
      <div className="flex flex-wrap gap-3">
        {left.restart_url && (
          <ButtonLink kind="primary" href={restartUrl(left.restart_url)} target="_self">
            {t('screen.startAgain')}
          </ButtonLink>
        )}
        {shop && (
          <ButtonLink kind={left.restart_url ? 'secondary' : 'primary'} href={shop.href}>
            {organization ? t('screen.backTo', { organization }) : t('screen.backToShop')}
          </ButtonLink>
        )}
      </div>
    </Screen>
  )
}

export function Unknown({ isIncomplete = false }: { isIncomplete?: boolean }) {
  const { t } = useWords()
  return (
    <Screen title={t(isIncomplete ? 'screen.incompleteTitle' : 'screen.unknownTitle')}>
      <p className="text-muted">{t(isIncomplete ? 'screen.incompleteText' : 'screen.unknownText')}</p>
    </Screen>
  )
}

export function Unreachable({ onRetry }: { onRetry: () => void }) {
  const { t } = useWords()
  return (
    <Screen title={t('screen.failedTitle')}>
      <p className="text-muted">{t('screen.failedText')}</p>
      <Button kind="primary" onClick={onRetry}>
        {t('screen.tryAgain')}
      </Button>
    </Screen>
  )
}

/** What stands where the checkout will, in its own shape, so that nothing moves when it comes. */
export function Loading() {
  const { t } = useWords()
  const bar = 'rounded-lg bg-line'
  return (
    <main aria-busy="true" className="min-h-dvh lg:grid lg:grid-cols-2">
      <h1 className="sr-only">{t('checkout.loading')}</h1>
      <div className="bg-canvas px-5 py-6 lg:px-12 lg:py-14">
        <div className="mx-auto flex max-w-md animate-pulse flex-col gap-5 lg:mr-0">
          <div className={`${bar} h-8 w-40`} />
          <div className={`${bar} h-7 w-56`} />
          <div className={`${bar} h-10 w-36`} />
          <div className={`${bar} hidden h-28 lg:block`} />
        </div>
      </div>
      <div className="px-5 py-6 lg:px-12 lg:py-14">
        <div className="mx-auto flex max-w-md animate-pulse flex-col gap-6 lg:ml-0">
          <div className={`${bar} h-12`} />
          <div className={`${bar} h-36`} />
          <div className={`${bar} h-12`} />
          <div className={`${bar} h-12`} />
        </div>
      </div>
    </main>
  )
}
