import { ApiError } from '@polar-sh/client'
import { loadRightsMessages, type RightsKey, type Translate, translator } from '@polar-sh/i18n'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { useWords } from '../shared/locale'

type RightsMessages = Awaited<ReturnType<typeof loadRightsMessages>>

const Texts = createContext<Translate<RightsKey> | undefined>(undefined)

/** The texts of these pages: `r` are their own, the rest are those of every page. */
export function useRightsWords() {
  const r = useContext(Texts)
  if (!r) throw new Error('useRightsWords needs RightsTexts')
  return { ...useWords(), r }
}

/** Loads the texts for the language of the page; the page becomes English where they cannot be loaded. */
export function RightsTexts({ children }: { children: ReactNode }) {
  const { locale, choose } = useWords()
  const [texts, setTexts] = useState<{ locale: string; messages: RightsMessages }>()
  useEffect(() => {
    let isOver = false
    loadRightsMessages(locale).then(
      (messages) => !isOver && setTexts({ locale, messages }),
      () => !isOver && choose('en'),
    )
    return () => {
      isOver = true
    }
  }, [locale, choose])
  const r = useMemo(() => texts && translator(texts.messages, texts.locale), [texts])
  return r ? <Texts value={r}>{children}</Texts> : null
}

/** Runs one action at a time. `error` says in words why the last one failed; `refused` may say it better. */
export function useAction(refused: (failure: ApiError) => string | undefined = () => undefined) {
  const { r } = useRightsWords()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const run = async (action: () => Promise<unknown>): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    setError('')
    try {
      await action()
    } catch (failure) {
      if (!(failure instanceof ApiError)) setError(r('error.offline'))
      else if (failure.status === 429) setError(r('error.tooMany'))
      else if (failure.status >= 500) setError(r('error.later'))
      else setError(refused(failure) ?? failure.message)
    } finally {
      setBusy(false)
    }
  }
  return { run, isBusy, error }
}
