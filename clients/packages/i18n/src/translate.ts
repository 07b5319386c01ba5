import type { en } from './messages/en'

/** A text, or one text for each plural form that the locale has. `{name}` is a place for a value. */
export type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>
export type MessageKey = keyof typeof en
/** A complete dictionary: every key of the English one. */
export type Messages = Record<MessageKey, Message>
export type Values = Record<string, string | number>
/** The text of a key. `count` among the values chooses the plural form. */
export type Translate<Key extends string = MessageKey> = (key: Key, values?: Values) => string

/** The texts of a dictionary in a locale. */
export function translator<Key extends string>(
  messages: Record<Key, Message>,
  locale: string,
): Translate<Key> {
  const plurals = new Intl.PluralRules(locale)
  const numbers = new Intl.NumberFormat(locale)
  const shown = (value: string | number | undefined, name: string) =>
    value === undefined ? `{${name}}` : typeof value === 'number' ? numbers.format(value) : value
  return (key, values = {}) => {
    const message: Message = messages[key]
    const text =
      typeof message === 'string'
        ? message
        : (message[plurals.select(Number(values.count ?? 0))] ?? message.other ?? '')
    return text.replace(/\{(\w+)\}/g, (_, name: string) => shown(values[name], name))
  }
}
