import { expect, test } from 'vitest'
import {
  countries,
  LOCALES,
  type Locale,
  loadMessages,
  loadPortalMessages,
  loadRightsMessages,
  negotiate,
  regionsOf,
  translator,
} from './index'
import { en } from './messages/en'
import { portalEn } from './portal/en'
import { rightsEn } from './rights/en'
import tables from './tables.json'
import type { Message } from './translate'

const texts = (message: Message): string[] =>
  typeof message === 'string' ? [message] : Object.values(message)
const places = (text: string): string[] =>
  [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').sort()

test.each(Object.keys(LOCALES) as Locale[])(
  '%s has every text, with the same places for values',
  async (locale) => {
    const messages = await loadMessages(locale)
    expect(Object.keys(messages).sort()).toEqual(Object.keys(en).sort())
    for (const [key, message] of Object.entries(messages)) {
      const known = new Set(texts(en[key as keyof typeof en]).flatMap(places))
      for (const text of texts(message)) {
        expect(text.trim(), key).not.toBe('')
        for (const place of places(text)) expect(known, `${key}: {${place}}`).toContain(place)
      }
      if (typeof message === 'string') expect(places(message), key).toEqual([...known].sort())
    }
  },
)

test.each(Object.keys(LOCALES) as Locale[])(
  '%s has every text of the portal and of consumers’ rights, with the same places for values',
  async (locale) => {
    for (const [messages, english] of [
      [await loadPortalMessages(locale), portalEn],
      [await loadRightsMessages(locale), rightsEn],
    ] as [Record<string, Message>, Record<string, Message>][]) {
      expect(Object.keys(messages).sort()).toEqual(Object.keys(english).sort())
      for (const [key, message] of Object.entries(messages)) {
        const known = texts(english[key] ?? '')
          .flatMap(places)
          .sort()
        for (const text of texts(message)) {
          expect(text.trim(), key).not.toBe('')
          expect(places(text), key).toEqual(known)
        }
      }
    }
  },
)

test.each(Object.keys(LOCALES) as Locale[])('%s has a form for every count', async (locale) => {
  const t = translator(await loadMessages(locale), locale)
  for (const count of [0, 1, 2, 3, 5, 12, 14, 22, 100]) {
    expect(t('trial.day', { count })).toMatch(/\S/)
    expect(t('interval.month', { count })).toMatch(/\S/)
  }
})

test.each([
  [['de-AT', 'en'], 'de'],
  [['de_CH'], 'de'],
  [['xx', 'DE'], 'de'],
  [[null, undefined, ''], 'en'],
  [['constructor'], 'en'],
])('the wishes %j give %s', (wishes, locale) => {
  expect(negotiate(wishes)).toBe(locale)
})

test('every country and state of the server can be chosen, by its name', () => {
  const listed = countries('en')
  expect(listed.map(({ code }) => code).sort()).toEqual([...tables.countries].sort())
  expect(listed.find(({ code }) => code === 'DE')?.name).toBe('Germany')
  for (const [country, states] of Object.entries(tables.states)) {
    const known = regionsOf(country)?.map(({ code }) => code.slice(3))
    expect(known?.sort(), country).toEqual([...states].sort())
  }
  expect(regionsOf('DE')).toBeNull()
})
