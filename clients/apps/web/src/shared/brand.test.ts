import { applyBrand, textOn } from '@polar-sh/ui'
import { expect, test } from 'vitest'

const channel = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
const bright = (color: string) => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) =>
    channel(Number.parseInt(color.slice(at, at + 2), 16) / 255),
  )
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

test('text on any colour of a seller can be read', () => {
  const steps = ['00', '33', '5c', '77', '99', 'cc', 'ff']
  for (const red of steps) {
    for (const green of steps) {
      for (const blue of steps) {
        const color = `#${red}${green}${blue}`
        const pair = [bright(color), bright(textOn(color))].sort((one, other) => other - one)
        const ratio = ((pair[0] ?? 0) + 0.05) / ((pair[1] ?? 0) + 0.05)
        expect(ratio, color).toBeGreaterThanOrEqual(4.5)
      }
    }
  }
})

test('what is no colour changes nothing', () => {
  applyBrand('#112233')
  expect(document.documentElement.style.getPropertyValue('--brand')).toBe('#112233')
  applyBrand('red; background: url(//x)')
  expect(document.documentElement.style.getPropertyValue('--brand')).toBe('')
})
