import type { Locale } from '../locales'
import type { Message } from '../translate'
import { portalEn } from './en'

export type PortalKey = keyof typeof portalEn
export type PortalMessages = Record<PortalKey, Message>

/** Each language but English is a file of its own, loaded when it is chosen. */
const LOADERS: Record<Exclude<Locale, 'en'>, () => Promise<{ messages: PortalMessages }>> = {
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

/** The texts of the portal in a language. Raises when its file cannot be loaded. */
export const loadPortalMessages = async (locale: Locale): Promise<PortalMessages> =>
  locale === 'en' ? portalEn : (await LOADERS[locale]()).messages
