import { type Client, createClient } from '@polar-sh/client'
import { loadPortalMessages, type PortalKey, type Translate, translator } from '@polar-sh/i18n'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { useWords } from '../shared/locale'

type PortalMessages = Awaited<ReturnType<typeof loadPortalMessages>>

const Texts = createContext<Translate<PortalKey> | undefined>(undefined)

/** The portal's texts: `p` are its own, the rest are those of every page. */
export function usePortalWords() {
  const p = useContext(Texts)
  if (!p) throw new Error('usePortalWords needs PortalTexts')
  return { ...useWords(), p }
}

/** Loads the portal's texts for the language of the page; the page becomes English where the portal has no other. */
export function PortalTexts({ children }: { children: ReactNode }) {
  const { locale, choose } = useWords()
  const [texts, setTexts] = useState<{ locale: string; messages: PortalMessages }>()
  useEffect(() => {
    let isOver = false
    loadPortalMessages(locale).then(
      (messages) => !isOver && setTexts({ locale, messages }),
      () => !isOver && choose('en'),
    )
    return () => {
      isOver = true
    }
  }, [locale, choose])
  const p = useMemo(() => texts && translator(texts.messages, texts.locale), [texts])
  return p ? <Texts value={p}>{children}</Texts> : null
}

export interface Session {
  api: Client
  signOut: () => void
  /** Leads to the sign-in, after the server refused the session (401). */
  end: () => void
}

const Sessions = createContext<Session | undefined>(undefined)
export const SessionProvider = Sessions.Provider

/** The signed-in customer's calls. */
export function useSession(): Session {
  const session = useContext(Sessions)
  if (!session) throw new Error('useSession needs a session')
  return session
}

/** Ends the session that there is; does nothing before the sign-in. */
export const useEnd = (): (() => void) | undefined => useContext(Sessions)?.end

/** The calls of a session. */
export const sessionClient = (token: string): Client => createClient({ baseUrl: '', token })
