import { en } from './messages/en'
import type { Messages } from './translate'

/** The languages of the pages, in the order in which a reader chooses, each in its own name. */
export const LOCALES = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  fr: 'Français',
  it: 'Italiano',
  nl: 'Nederlands',
  pl: 'Polski',
  pt: 'Português',
  sv: 'Svenska',
  ja: '日本語',
} as const

export type Locale = keyof typeof LOCALES

export const isLocale = (value: string): value is Locale => Object.hasOwn(LOCALES, value)

/** Each language but English is a file of its own, loaded when it is chosen. */
const LOADERS: Record<Exclude<Locale, 'en'>, () => Promise<{ messages: Messages }>> = {
  de: () => import('./messages/de'),
  es: () => import('./messages/es'),
  fr: () => import('./messages/fr'),
  it: () => import('./messages/it'),
  nl: () => import('./messages/nl'),
  pl: () => import('./messages/pl'),
  pt: () => import('./messages/pt'),
  sv: () => import('./messages/sv'),
  ja: () => import('./messages/ja'),
}

/** The dictionary of a locale. Raises when its file cannot be loaded. */
export const loadMessages = async (locale: Locale): Promise<Messages> =>
  locale === 'en' ? en : (await LOADERS[locale]()).messages

/** The first of some wishes (`de-AT`, `pt_BR`) that there is a language for; English otherwise. */
export function negotiate(wishes: readonly (string | null | undefined)[]): Locale {
  for (const wish of wishes) {
    const language = wish?.toLowerCase().split(/[-_]/)[0] ?? ''
    if (isLocale(language)) return language
  }
  return 'en'
}
