import type { ComponentPropsWithRef, ReactNode } from 'react'

const KINDS = {
  primary: 'bg-brand text-on-brand hover:brightness-110 min-h-12 text-base font-semibold',
  secondary: 'border border-edge bg-raised text-ink hover:bg-canvas min-h-11 font-medium',
  quiet: 'text-accent underline underline-offset-2 hover:text-accent-strong min-h-6',
} as const

/** A button. `busy` shows that something is going on; `primary` is the one that pays. */
export function Button({
  kind = 'secondary',
  busy = false,
  className = '',
  children,
  ...button
}: ComponentPropsWithRef<'button'> & { kind?: keyof typeof KINDS; busy?: boolean }) {
  const shape = kind === 'quiet' ? '' : 'rounded-lg px-4 py-2'
  return (
    <button
      type="button"
      {...button}
      className={`inline-flex items-center justify-center gap-2 text-center text-balance disabled:opacity-60 aria-disabled:cursor-default aria-disabled:opacity-60 ${shape} ${KINDS[kind]} ${className}`}
    >
      {busy && <Spinner />}
      {children}
    </button>
  )
}

/** A link that looks like a button. */
export function ButtonLink({
  kind = 'secondary',
  className = '',
  children,
  ...link
}: ComponentPropsWithRef<'a'> & { kind?: 'primary' | 'secondary' }) {
  return (
    <a
      {...link}
      className={`inline-flex items-center justify-center gap-2 rounded-lg px-4 py-2 text-center ${KINDS[kind]} ${className}`}
    >
      {children}
    </a>
  )
}

/** A turning circle; what it stands for is said in text beside it. */
export const Spinner = () => (
  <span
    aria-hidden="true"
    className="size-4 shrink-0 animate-spin rounded-full border-2 border-current border-r-transparent"
  />
)

/** A check mark; what it stands for is said in text beside it. */
export const Tick = () => (
  <svg viewBox="0 0 20 20" className="mt-0.5 size-4 shrink-0 self-start text-ok" aria-hidden="true">
    <path d="m4 10 4 4 8-8" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
  </svg>
)

/** A cross that closes or removes; what it does is said in text beside it. */
export const Cross = () => (
  <svg viewBox="0 0 20 20" className="size-5" aria-hidden="true">
    <path d="m5 5 10 10M15 5 5 15" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
  </svg>
)

const TONES = {
  good: 'bg-ok-soft text-ok',
  bad: 'bg-danger-soft text-danger',
  plain: 'bg-canvas text-muted',
} as const
export type Tone = keyof typeof TONES

/** A state in one or two words. */
export const Badge = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={`inline-block shrink-0 rounded-full px-2.5 py-0.5 text-xs font-medium ${TONES[tone]}`}>
    {children}
  </span>
)

/** Something that the reader has to know now. A `danger` is read out at once. */
export function Notice({
  kind,
  title,
  children,
}: {
  kind: 'danger' | 'notice'
  title?: string | undefined
  children: ReactNode
}) {
  const look = kind === 'danger' ? 'border-danger bg-danger-soft' : 'border-accent bg-notice-soft'
  return (
    <div
      role={kind === 'danger' ? 'alert' : 'status'}
      className={`rounded-lg border px-4 py-3 text-sm ${look}`}
    >
      {title && <p className="font-semibold">{title}</p>}
      <div className="flex flex-col items-start gap-2">{children}</div>
    </div>
  )
}
