import type { Locale } from '../locales'
import type { Message } from '../translate'
import { rightsEn } from './en'

export type RightsKey = keyof typeof rightsEn
export type RightsMessages = Record<RightsKey, Message>

/** Each language but English is a file of its own, loaded when it is chosen. */
const LOADERS: Record<Exclude<Locale, 'en'>, () => Promise<{ messages: RightsMessages }>> = {
  de: () => import('./de'),
  es: () => import('./es'),
  fr: () => import('./fr'),
  it: () => import('./it'),
  nl: () => import('./nl'),
  pl: () => import('./pl'),
  pt: () => import('./pt'),
  sv: () => import('./sv'),
  ja: () => import('./ja'),
}

/** The texts of withdrawal and cancellation in a language. Raises when its file cannot be loaded. */
export const loadRightsMessages = async (locale: Locale): Promise<RightsMessages> =>
  locale === 'en' ? rightsEn : (await LOADERS[locale]()).messages
