import {
  formatDate,
  formatMoney,
  isLocale,
  type Locale,
  loadMessages,
  type Messages,
  negotiate,
  type Translate,
  translator,
} from '@polar-sh/i18n'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'

interface Words {
  locale: Locale
  t: Translate
  /** An amount in minor units, in the reader's language. */
  money: (minor: number, currency: string) => string
  /** An instant as a day. */
  date: (instant: string) => string
  /** Changes the language; what was chosen by hand is not changed by a wish. */
  choose: (locale: string) => void
  /** Changes the language to a wish of the server's, unless the reader or the address chose one. */
  wish: (locale: string | null | undefined) => void
}

const Context = createContext<Words | undefined>(undefined)

/** The words of the page. */
export function useWords(): Words {
  const words = useContext(Context)
  if (!words) throw new Error('useWords needs a LocaleProvider')
  return words
}

const ofAddress = () => new URLSearchParams(location.search).get('locale')

/** The language to begin with: the address's, then the browser's. */
export const firstLocale = () => negotiate([ofAddress(), ...navigator.languages])

/** Gives the words of a language to everything below it, and sets the language of the document. */
export function LocaleProvider({
  first,
  children,
}: {
  first: { locale: Locale; messages: Messages }
  children: ReactNode
}) {
  const [current, setCurrent] = useState(first)
  const [chosen, setChosen] = useState(ofAddress() !== null)

  const load = useCallback(async (wanted: string) => {
    const locale = negotiate([wanted])
    // A language that cannot be loaded leaves the present one.
    const messages = await loadMessages(locale).catch(() => undefined)
    if (messages) setCurrent({ locale, messages })
  }, [])

  useEffect(() => {
    document.documentElement.lang = current.locale
  }, [current.locale])

  const words = useMemo<Words>(() => {
    const { locale, messages } = current
    return {
      locale,
      t: translator(messages, locale),
      money: (minor, currency) => formatMoney(minor, currency, locale),
      date: (instant) => formatDate(instant, locale),
      choose: (wanted) => {
        setChosen(true)
        void load(wanted)
      },
      wish: (wanted) => {
        const language = wanted?.toLowerCase().split(/[-_]/)[0] ?? ''
        if (!chosen && isLocale(language) && language !== locale) void load(language)
      },
    }
  }, [current, chosen, load])

  return <Context value={words}>{children}</Context>
}
