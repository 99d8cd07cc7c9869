"""One headless Chromium for all tests of pages, Debian's own package."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
# The largest page has some 1,000 cells; the machine may be busy.
PATIENCE_MS = 60_000


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A Chromium; root may not use its sandbox."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, address: str, *, width: int = 1280, **options: Any) -> Iterator[Page]:
    """A page in a window of its own; any error of its script fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)
    context.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    try:
        page.goto(address)
        yield page
        assert errors == [], errors
    finally:
        context.close()
