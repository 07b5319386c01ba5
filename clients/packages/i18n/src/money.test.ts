import { expect, test } from 'vitest'
import { decimalsOf, editableMoney, formatMoney, formatUnitAmount, parseMoney } from './index'

const plain = (text: string) => text.replace(/\s/g, ' ')

test.each([
  [2900, 'usd', 'en', '$29.00'],
  [2900, 'eur', 'de', '29,00 €'],
  [2900, 'jpy', 'ja', '¥2,900'],
  [2900, 'krw', 'en', '₩2,900'],
  [123456, 'usd', 'pt', 'US$ 1.234,56'],
  // Stripe counts these with two decimals that are 00, people write them without.
  [290000, 'isk', 'de', '2.900 ISK'],
  [290000, 'ugx', 'en', 'UGX 2,900'],
  [17500, 'huf', 'en', 'HUF 175'],
  [17550, 'huf', 'en', 'HUF 175.50'],
  [1500, 'kwd', 'en', 'KWD 1.500'],
  [-500, 'usd', 'en', '-$5.00'],
])('%i of %s in %s', (minor, currency, locale, written) => {
  expect(plain(formatMoney(minor, currency, locale)).replace('￥', '¥')).toBe(written)
})

test('a price of a unit shows its fraction of a minor unit', () => {
  expect(formatUnitAmount('0.05', 'usd', 'en')).toBe('$0.0005')
  expect(formatUnitAmount('150', 'usd', 'en')).toBe('$1.50')
  expect(formatUnitAmount('0.5', 'jpy', 'en')).toBe('¥0.5')
})

test.each([
  ['12.50', 'usd', 'en', 1250],
  ['12,50', 'eur', 'de', 1250],
  // A lone comma before two digits is the decimal one in English, too.
  ['12,50', 'usd', 'en', 1250],
  ['1,234.50', 'usd', 'en', 123450],
  ['1.234,50', 'eur', 'de', 123450],
  ['1,234', 'usd', 'en', 123400],
  ['$ 7', 'usd', 'en', 700],
  ['2900', 'jpy', 'ja', 2900],
  ['29.5', 'jpy', 'en', null],
  ['1.5', 'kwd', 'en', 1500],
  ['', 'usd', 'en', null],
  ['abc', 'usd', 'en', null],
  ['1.2.3', 'usd', 'en', null],
  ['12.345', 'usd', 'en', null],
])('%s of %s in %s is %s', (typed, currency, locale, minor) => {
  expect(parseMoney(typed, currency, locale)).toBe(minor)
})

test('what is put into a field is read back', () => {
  for (const locale of ['en', 'de', 'fr', 'ja', 'pl', 'sv', 'pt']) {
    for (const currency of ['usd', 'jpy', 'kwd', 'isk']) {
      const amount = currency === 'isk' ? 123400 : 123456
      expect(parseMoney(editableMoney(amount, currency, locale), currency, locale)).toBe(amount)
    }
  }
})

test('a currency that nobody knows has two decimals', () => {
  expect(decimalsOf('zzz')).toBe(2)
})
