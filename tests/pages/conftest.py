"""A browser before a running stack. `./polar test pages` starts both."""

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright
from polar_cli import packages, pages
from polar_cli.stack import Stack
from polar_cli.testing import stack_of_tests

from tests.pages.support import Shop, Visitor, new_shop


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack, with the pages built."""
    name = os.environ.get("POLAR_TEST_STACK")
    if not name:
        pytest.fail("POLAR_TEST_STACK is not set: run `./polar test pages`", pytrace=False)
    stack = stack_of_tests(name)
    assert stack.pages == "ready", stack.pages
    pages.install("--filter", "web...")
    return stack


@pytest.fixture(scope="session")
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    """An organization for whatever does not change its settings."""
    async with new_shop(stack, "Analytical Engines") as shop:
        yield shop


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium. As root it runs without its sandbox: it only opens our own pages."""
    async with async_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=packages.chromium(), args=options)
        yield browser
        await browser.close()


@pytest.fixture
async def visitor(browser: Browser, stack: Stack) -> AsyncIterator[Visitor]:
    """Opens pages; a test fails when one of them logged an error or asked another host."""
    visitor = Visitor(browser, stack.url)
    yield visitor
    await visitor.close()
    assert visitor.faults == []
