import { ApiError } from '@polar-sh/client'
import { Button, Notice } from '@polar-sh/ui'
import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { focusFirst, isWithin, pathOf } from '../shared/problems'
import { useEnd, usePortalWords } from './context'

/** The heading and the body of a screen. The heading gets the focus when another screen was replaced. */
export function Screen({ title, children }: { title: string; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = title
    heading.current?.focus()
  }, [title])
  return (
    <div className="flex min-w-0 flex-col gap-6">
      <h1
        ref={heading}
        tabIndex={-1}
        className="break-words text-2xl font-semibold text-balance outline-none"
      >
        {title}
      </h1>
      {children}
    </div>
  )
}

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="flex min-w-0 flex-col gap-3">
      <h2 className="text-lg font-semibold">{title}</h2>
      {children}
    </section>
  )
}

export const Card = ({ children }: { children: ReactNode }) => (
  <div className="flex min-w-0 flex-col gap-3 rounded-xl border border-line bg-raised p-4">{children}</div>
)

/** Instead of a screen that only owners and billing managers of a team see. */
export function NotAllowed() {
  const { p } = usePortalWords()
  return (
    <Screen title={p('title')}>
      <p className="text-muted">{p('team.noAccess')}</p>
    </Screen>
  )
}

/** What stands where there is nothing to show. */
export const Empty = ({ children }: { children: ReactNode }) => (
  <p className="rounded-xl border border-dashed border-line px-4 py-6 text-center text-sm text-balance text-muted">
    {children}
  </p>
)

/** A name and its value, one line each. */
export function Lines({ rows }: { rows: (readonly [string, ReactNode] | null | false | undefined)[] }) {
  return (
    <dl className="flex flex-col gap-1.5 text-sm">
      {rows.map(
        (row) =>
          row && (
            <div key={row[0]} className="flex flex-wrap justify-between gap-x-4">
              <dt className="text-muted">{row[0]}</dt>
              <dd className="ml-auto min-w-0 break-words text-right font-medium tabular-nums">{row[1]}</dd>
            </div>
          ),
      )}
    </dl>
  )
}

/** What a query gave; before that its skeleton, and its failure with a way to try again. */
export function Loaded<T>({
  query,
  children,
}: {
  query: UseQueryResult<T>
  children: (data: T) => ReactNode
}) {
  const { p } = usePortalWords()
  if (query.data !== undefined) return children(query.data)
  if (query.isError) {
    return (
      <Notice kind="danger">
        <p>{p('failed')}</p>
        <Button onClick={() => void query.refetch()}>{p('retry')}</Button>
      </Notice>
    )
  }
  return (
    <div role="status" className="flex animate-pulse flex-col gap-3">
      <span className="sr-only">{p('loading')}</span>
      <div className="h-20 rounded-xl bg-line" />
      <div className="h-20 rounded-xl bg-line" />
    </div>
  )
}

/**
 * Runs one action at a time. `error` says in words why the last one failed; what was refused of `fields` is in
 * `problems`, by the path of the field, and the first of these fields gets the focus.
 */
export function useAction(fields: readonly string[] = []) {
  const { p, t, locale } = usePortalWords()
  const end = useEnd()
  // The server's own words are English: in another language they stand behind words of the page.
  const inWords = (text: string) => (locale === 'en' ? text : p('error.refused', { reason: text }))
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({})
  const refuse = (failure: ApiError) => {
    const said = (message: string) => (locale === 'en' ? message : `${t('field.invalid')}: ${message}`)
    const refused = failure.problems.map((problem) => [pathOf(problem), said(problem.msg)] as const)
    const isMine = (path: string) => fields.some((field) => isWithin(path, field))
    const mine = refused.filter(([path]) => isMine(path))
    const others = refused.filter(([path]) => !isMine(path))
    setProblems(Object.fromEntries(mine))
    setError(others.map(([path, message]) => (path ? `${path}: ${message}` : message)).join('\n'))
    focusFirst(() => mine.map(([path]) => path))
  }
  const run = async (action: () => Promise<unknown>): Promise<boolean> => {
    if (isBusy) return false
    setBusy(true)
    setError('')
    setProblems({})
    try {
      await action()
      return true
    } catch (failure) {
      if (!(failure instanceof ApiError)) setError(p('error.offline'))
      else if (failure.status === 401 && end) end()
      else if (failure.status === 429) setError(p('error.tooMany'))
      else if (failure.problems.length) refuse(failure)
      else setError(failure.status >= 500 ? p('error.later') : inWords(failure.message))
      return false
    } finally {
      setBusy(false)
    }
  }
  return { run, isBusy, error, problems }
}

export const Failure = ({ text }: { text: string }) =>
  text ? (
    <Notice kind="danger">
      <p className="whitespace-pre-line break-words">{text}</p>
    </Notice>
  ) : null

/** Whether the browser has a connection. */
export function useOnline(): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine)
  useEffect(() => {
    const tell = () => setOnline(navigator.onLine)
    window.addEventListener('online', tell)
    window.addEventListener('offline', tell)
    return () => {
      window.removeEventListener('online', tell)
      window.removeEventListener('offline', tell)
    }
  }, [])
  return isOnline
}
