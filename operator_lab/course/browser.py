"""Chromium, to open the built book as a reader does; the network is cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import LabError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def chromium() -> str:
    """Return the path of a Chromium: what OPERATOR_LAB_CHROMIUM names, or the first on the path.

    Raises LabError if there is none.
    """
    found = os.environ.get("OPERATOR_LAB_CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), None
    )
    if found is None:
        raise LabError(
            f"no Chromium was found ({', '.join(NAMES)}); install one, or name it in "
            "OPERATOR_LAB_CHROMIUM."
        )
    return found


@contextmanager
def opened() -> Iterator:
    """A context with a browser whose pages reach this computer only.

    Raises LabError if Playwright or a Chromium is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise LabError(
            "Playwright is not installed; pip install 'operator-lab[test]' brings it."
        ) from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(_ARGUMENTS))
        try:
            yield browser.new_context(offline=True, color_scheme="light")
        finally:
            browser.close()


def visit(context, path: Path):
    """Open a page of the book and wait until its formulas and sliders stand."""
    page = context.new_page()
    page.goto(path.resolve().as_uri())
    page.wait_for_load_state()
    if page.locator("script[src*='loader.js']").count():
        page.wait_for_selector("html[data-widgets=ready]", state="attached")
    if page.locator("script[src*='mathjax']").count():
        page.wait_for_selector("html[data-formulas=fit]", state="attached")
    return page
