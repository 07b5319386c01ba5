"""Pictures of screens for docs/pages: one file a screen, with its four looks side by side.

Nothing is drawn unless POLAR_PICTURES names a folder. `pictures.py` says how the pictures are made.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from playwright.async_api import Page

FOLDER = os.environ.get("POLAR_PICTURES")
DEVICES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
Look = Literal["light", "dark"]
SETTLES_MS = 1000
"""How long a screen that changed its size or its colours is left to settle."""
LONGEST = 1800
"""What a phone shows below this is left out of its picture, in pixels."""
COMPOSE = """
async ([phones, desktops, quality]) => {
  const load = (data) => createImageBitmap(new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))]))
  const [narrow, wide] = await Promise.all([phones, desktops].map((list) => Promise.all(list.map(load))))
  const gap = 12
  const large = 640
  const left = narrow.reduce((sum, one) => sum + one.width + gap, gap)
  const heights = wide.map((one) => (one.height * large) / one.width)
  const canvas = document.createElement('canvas')
  canvas.width = left + large + gap
  const right = heights.reduce((sum, one) => sum + one + gap, 0)
  canvas.height = gap + Math.max(...narrow.map((one) => one.height + gap), right)
  const board = canvas.getContext('2d')
  board.imageSmoothingQuality = 'high'
  board.fillStyle = '#cfccc7'
  board.fillRect(0, 0, canvas.width, canvas.height)
  narrow.reduce((x, one) => (board.drawImage(one, x, gap), x + one.width + gap), gap)
  wide.reduce((y, one, at) => (board.drawImage(one, left, y, large, heights[at]), y + heights[at] + gap), gap)
  return canvas.toDataURL('image/webp', quality).split(',')[1]
}
"""
QUALITY = 0.6


async def draw(page: Page, name: str, *, is_whole: bool = True, looks: Sequence[Look] = ("light", "dark")) -> None:
    """Draws a screen as it is: on a phone and on a wide screen, in light and in dark colours.

    On a phone the whole page is drawn, unless something covers the window alone.
    """
    if FOLDER is None:
        return
    before, scrolled = page.viewport_size, await page.evaluate("scrollY")
    shots: dict[str, list[str]] = {}
    for device, size in DEVICES.items():
        await page.set_viewport_size({"width": size["width"], "height": size["height"]})
        shots[device] = []
        for look in looks:
            await page.emulate_media(color_scheme=look, reduced_motion="reduce")
            await page.evaluate("scrollTo(0, 0)")
            await page.wait_for_timeout(SETTLES_MS)
            shots[device].append(b64encode(await _shot(page, is_whole=is_whole and device == "phone")).decode())
    await page.emulate_media(color_scheme="null", reduced_motion="null")
    if before is not None:
        await page.set_viewport_size(before)
    await page.evaluate(f"scrollTo(0, {scrolled})")
    browser = page.context.browser
    assert browser is not None
    sheet = await browser.new_page()
    drawn = await sheet.evaluate(COMPOSE, [shots["phone"], shots["desktop"], QUALITY])
    await sheet.close()
    path = Path(FOLDER) / f"{name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b64decode(drawn))


async def _shot(page: Page, *, is_whole: bool) -> bytes:
    """A picture of the window, or of the whole page as far as it is not too long."""
    if not is_whole:
        return await page.screenshot(animations="disabled", caret="hide")
    height = min(await page.evaluate("Math.max(innerHeight, document.documentElement.scrollHeight)"), LONGEST)
    clip = {"x": 0, "y": 0, "width": DEVICES["phone"]["width"], "height": height}
    return await page.screenshot(full_page=True, clip=clip, animations="disabled", caret="hide")  # type: ignore[arg-type]
