import type { Locale } from '../locales'
import type { Message } from '../translate'
import { portalEn } from './en'

export type PortalKey = keyof typeof portalEn
export type PortalMessages = Record<PortalKey, Message>

/** The languages that the portal speaks. */
export const PORTAL_LOCALES = ['en', 'de'] as const satisfies readonly Locale[]

export const isPortalLocale = (locale: string): boolean => PORTAL_LOCALES.some((known) => known === locale)

/** The texts of the portal in a language; English where it has none. Raises when the file cannot be loaded. */
export const loadPortalMessages = async (locale: string): Promise<PortalMessages> =>
  locale === 'de' ? (await import('./de')).portalDe : portalEn
