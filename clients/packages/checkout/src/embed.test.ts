import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PolarEmbedCheckout } from './embed'
import { type CheckoutMessage, POLAR_CHECKOUT } from './messages'

const URL_OF_CHECKOUT = 'https://pay.example/checkout/polar_c_1?locale=de'
const opened: PolarEmbedCheckout[] = []

beforeEach(() => {
  vi.useFakeTimers()
  // A frame loads nothing here, and the console says so.
  vi.spyOn(console, 'error').mockImplementation(() => {})
  document.body.innerHTML = '<a id="buy" href="https://pay.example/link" data-polar-checkout><b>Buy</b></a>'
})
afterEach(() => {
  for (const embed of opened.splice(0)) embed.close()
  for (const frame of document.querySelectorAll('iframe')) frame.remove()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const frameOf = () => document.querySelector('iframe') as HTMLIFrameElement
const dialogs = () => document.querySelectorAll('dialog').length

/** A message, from the frame of the checkout unless it says otherwise. */
function post(message: CheckoutMessage, part: Partial<MessageEventInit> = {}, type = POLAR_CHECKOUT): void {
  const source = frameOf().contentWindow
  const data = { ...message, type }
  window.dispatchEvent(new MessageEvent('message', { origin: 'https://pay.example', source, data, ...part }))
}

async function modal(options?: Parameters<typeof PolarEmbedCheckout.create>[1]) {
  const pending = PolarEmbedCheckout.create(URL_OF_CHECKOUT, options)
  post({ event: 'opened' })
  post({ event: 'loaded' })
  const embed = await pending
  opened.push(embed)
  return embed
}

test('the address of the frame names its origin and theme, and the frame may take payments', async () => {
  const onLoaded = vi.fn()
  await modal({ theme: 'dark', onLoaded })
  const query = new URL(frameOf().src).searchParams
  expect(Object.fromEntries(query)).toEqual({
    locale: 'de',
    embed: 'true',
    embed_origin: location.origin,
    theme: 'dark',
  })
  expect(frameOf().allow).toContain('payment https://pay.example;')
  expect(onLoaded).toHaveBeenCalledTimes(1)
  expect(document.documentElement.style.overflow).toBe('hidden')
  post({ event: 'close' })
  expect(dialogs()).toBe(0)
  expect(document.documentElement.style.overflow).toBe('')
})

test('a message of another origin, another window or another kind changes nothing', async () => {
  const embed = await modal()
  const listener = vi.fn()
  embed.addEventListener('close', listener)
  post({ event: 'close' }, { origin: 'https://pay.example.evil' })
  post({ event: 'close' }, { source: window })
  post({ event: 'close' }, {}, 'POLAR_PAYMENT_METHOD')
  window.dispatchEvent(
    new MessageEvent('message', { origin: 'https://pay.example', source: frameOf().contentWindow }),
  )
  expect(listener).not.toHaveBeenCalled()
  expect(dialogs()).toBe(1)
})

test('a confirmed payment keeps it open until it succeeded, or was declined', async () => {
  const embed = await modal()
  const closed = vi.fn()
  embed.addEventListener('close', closed)
  post({ event: 'confirmed' })
  post({ event: 'close' })
  document.querySelector('dialog')?.dispatchEvent(new Event('cancel', { cancelable: true }))
  expect([dialogs(), closed.mock.calls.length]).toEqual([1, 0])
  post({ event: 'unlocked' })
  post({ event: 'close' })
  expect([dialogs(), closed.mock.calls.length]).toEqual([0, 1])
})

test('each event can be prevented', async () => {
  const embed = await modal()
  const prevent = (event: Event) => event.preventDefault()
  const before = location.href
  for (const name of ['confirmed', 'success', 'close'] as const) embed.addEventListener(name, prevent)
  post({ event: 'confirmed' })
  post({ event: 'success', successURL: 'https://shop.example/thanks', redirect: true })
  expect(location.href).toBe(before)
  post({ event: 'close' })
  expect(dialogs()).toBe(1)
  embed.removeEventListener('close', prevent)
  post({ event: 'close' })
  expect(dialogs()).toBe(0)
})

test('a success goes to web pages alone, and only where it is to', async () => {
  const embed = await modal()
  const details: unknown[] = []
  embed.addEventListener('success', ({ detail }) => void details.push(detail.successURL))
  const before = location.href
  post({ event: 'success', successURL: 'https://shop.example/inside', redirect: false })
  post({ event: 'success', successURL: 'javascript:alert(1)', redirect: true })
  expect(location.href).toBe(before)
  expect(details).toHaveLength(2)
})

test('a silent frame is refused, and the console says why', async () => {
  const pending = PolarEmbedCheckout.create(URL_OF_CHECKOUT)
  const refused = expect(pending).rejects.toThrow('embed_origin')
  frameOf().dispatchEvent(new Event('load'))
  await vi.advanceTimersByTimeAsync(3000)
  await refused
  expect(console.error).toHaveBeenCalledWith(expect.stringContaining('embed_hosts'))
  expect(dialogs()).toBe(0)
})

test('a frame that opened is waited for', async () => {
  const pending = PolarEmbedCheckout.create(URL_OF_CHECKOUT)
  post({ event: 'opened' })
  frameOf().dispatchEvent(new Event('load'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(dialogs()).toBe(1)
  post({ event: 'loaded' })
  opened.push(await pending)
})

test('what has not loaded is closed by a click, and whoever waits for it goes on', async () => {
  const pending = PolarEmbedCheckout.create(URL_OF_CHECKOUT)
  const click = (detail: number) =>
    document.querySelector('dialog')?.dispatchEvent(new MouseEvent('click', { detail }))
  click(2)
  expect(dialogs()).toBe(1)
  click(1)
  expect(dialogs()).toBe(0)
  expect(await pending).toBeInstanceOf(PolarEmbedCheckout)
  await modal()
  click(1)
  expect(dialogs()).toBe(1)
})

test('the pages may have an address of their own', async () => {
  const pending = PolarEmbedCheckout.create(URL_OF_CHECKOUT, { origin: 'https://pages.example' })
  post({ event: 'loaded' }, { origin: 'https://pages.example' })
  opened.push(await pending)
  expect(frameOf().allow).toContain('payment https://pay.example https://pages.example;')
})

test('a second checkout takes the place of the first, and the page scrolls again after the last', async () => {
  const first = PolarEmbedCheckout.create(URL_OF_CHECKOUT)
  await modal()
  await first
  expect(dialogs()).toBe(1)
  post({ event: 'close' })
  expect(document.documentElement.style.overflow).toBe('')
})

test('a trigger opens its link once, however often it is set up; a new tab is a new tab', () => {
  PolarEmbedCheckout.init()
  PolarEmbedCheckout.init()
  const inside = document.querySelector('#buy b')
  const click = (part: MouseEventInit) =>
    inside?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, ...part }))
  expect(click({ ctrlKey: true })).toBe(true)
  expect(dialogs()).toBe(0)
  expect(click({})).toBe(false)
  expect(dialogs()).toBe(1)
  expect(frameOf().src).toContain('https://pay.example/link?embed=true')
  expect(frameOf().src).toContain('theme=light')
  post({ event: 'close' })
})

test('inline it replaces what an element had, and grows with its content', () => {
  const element = document.body.appendChild(document.createElement('div'))
  element.textContent = 'Loading'
  const embed = PolarEmbedCheckout.createInline(URL_OF_CHECKOUT, { element })
  opened.push(embed)
  expect(element.textContent).toBe('')
  expect(frameOf().src).toContain('embed_mode=inline')
  post({ event: 'resize', height: 812.4 })
  expect(frameOf().style.height).toBe('813px')
  embed.close()
  expect(element.children).toHaveLength(0)
})

test('an address that is not one of the web is refused', async () => {
  await expect(PolarEmbedCheckout.create('javascript:alert(1)')).rejects.toThrow(TypeError)
  expect(dialogs()).toBe(0)
})
