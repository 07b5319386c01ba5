import { expect, test, vi } from 'vitest'
import { Host, modeOf } from './embed'
import { restartUrl } from './leave'
import type { Checkout } from './types'

const SHOP = 'https://shop.example'

function framed(search = `?embed=true&embed_origin=${SHOP}`) {
  const parent = { postMessage: vi.fn() }
  const host = new Host(modeOf(search, true), search, parent)
  const sent = () => parent.postMessage.mock.calls.map(([message, origin]) => [message.event, origin])
  return { host, sent, parent }
}

test.each([
  ['?embed=true', true, 'modal'],
  ['?embed=true&embed_mode=inline', true, 'inline'],
  ['?embed=true', false, 'page'],
  ['?embed=1', true, 'page'],
  ['', true, 'page'],
])('the address %s in a frame: %s is a %s', (search, isFramed, mode) => {
  expect(modeOf(search, isFramed)).toBe(mode)
})

test("messages go to the checkout's own origin, whatever the address names", () => {
  const { host, sent } = framed('?embed=true&embed_origin=https://evil.example')
  host.know('https://Shop.example/page')
  host.loaded()
  host.loaded()
  host.know(null)
  host.close()
  expect(sent()).toEqual([['loaded', SHOP]])
})

test('a page of its own sends nothing', () => {
  const { host, sent } = framed(`?embed_origin=${SHOP}`)
  host.loaded()
  host.close()
  expect(sent()).toEqual([])
})

test('a declined payment unlocks what its confirmation locked; while it is under way nothing closes', () => {
  const { host, sent } = framed()
  host.pay(true, false)
  host.close()
  host.pay(true, true)
  host.pay(false, false)
  host.close()
  expect(sent().map(([event]) => event)).toEqual(['confirmed', 'unlocked', 'close'])
})

test("what begins again stays in the seller's page", () => {
  const link = '/v1/checkout-links/polar_cl_1/redirect'
  expect(restartUrl(link, 'page', '?embed=true')).toBe(link)
  const again = restartUrl(link, 'inline', `?embed=true&embed_mode=inline&embed_origin=${SHOP}`)
  expect(again).toBe(`${link}?embed=true&embed_mode=inline&embed_origin=${encodeURIComponent(SHOP)}`)
})

test('a success is announced once', () => {
  const { host, sent, parent } = framed()
  const checkout = { id: 'c1', customer_id: 'k1' } as Checkout
  host.pay(true, true)
  host.succeed(checkout, `${SHOP}/thanks`, true)
  host.succeed(checkout, `${SHOP}/thanks`, true)
  host.pay(false, false)
  expect(sent().map(([event]) => event)).toEqual(['confirmed', 'success'])
  expect(parent.postMessage).toHaveBeenLastCalledWith(
    {
      type: 'POLAR_CHECKOUT',
      event: 'success',
      successURL: `${SHOP}/thanks`,
      redirect: true,
      checkoutId: 'c1',
      customerId: 'k1',
    },
    SHOP,
  )
})
