/** The look that a reader sees. */
export type Theme = 'light' | 'dark'

const system = () => window.matchMedia('(prefers-color-scheme: dark)')

/** Sets the look that is asked for; without a wish it follows the reader's system. */
export function applyTheme(wish: string | null): void {
  if (wish === 'dark' || wish === 'light') document.documentElement.dataset.theme = wish
}

/** The look of now. */
export function themeOf(): Theme {
  const set = document.documentElement.dataset.theme
  if (set === 'dark' || set === 'light') return set
  return system().matches ? 'dark' : 'light'
}

/** A call for each change of the look. Returns the way to stop it. */
export function onTheme(call: (theme: Theme) => void): () => void {
  const tell = () => call(themeOf())
  const query = system()
  query.addEventListener('change', tell)
  return () => query.removeEventListener('change', tell)
}

/** How bright a colour is, from 0 (black) to 1 (white), by WCAG's definition. */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** The text that can be read on a colour: black or white, whichever differs more. One of them always differs enough. */
export const textOn = (color: string): string => (luminance(color) > 0.179 ? '#000000' : '#ffffff')

/** Gives the buttons that act a seller's colour (`#1a2b3c`); anything else leaves them as they are. */
export function applyBrand(color: string | null | undefined): void {
  const { style } = document.documentElement
  const isColor = /^#[0-9a-f]{6}$/i.test(color ?? '')
  for (const [name, value] of [
    ['--brand', color],
    ['--on-brand', textOn(color ?? '')],
  ] as const) {
    if (isColor && value) style.setProperty(name, value)
    else style.removeProperty(name)
  }
}
