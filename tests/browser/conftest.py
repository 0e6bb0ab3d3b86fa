"""A real browser: only it sees a picture that does not draw. Nothing outside is ever asked.

Chromium is looked for under OPERATOR_LAB_CHROMIUM, then on the path; without one these tests are
skipped, or fail where OPERATOR_LAB_BROWSER=required.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from built_book import built

from operator_lab.course.browser import chromium
from operator_lab.errors import LabError

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _missing(reason: str) -> None:
    if os.environ.get("OPERATOR_LAB_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed: pip install playwright")
    try:
        path = chromium()
    except LabError as error:
        _missing(str(error))
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


@contextmanager
def _window(browser):
    """Open pages that reach this machine only; at the end, no page may have raised an error.

    `open_page(url, width=1100, **context)` returns the page; `page.faults` lists what went wrong.
    """
    contexts, faults = [], []

    def is_outside(url: str) -> bool:
        parts = urlsplit(url)
        own = parts.hostname in ("127.0.0.1", "localhost")
        return not (own or parts.scheme in ("file", "data", "blob"))

    def open_(url: str, width: int = 1100, height: int = 900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.faults = faults

        def refuse(route):
            faults.append(f"asked for {route.request.url}")
            route.abort()

        context.route(is_outside, refuse)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: line.type == "error" and faults.append(line.text))
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def open_page(browser):
    """Pages for one test."""
    with _window(browser) as open_:
        yield open_


@pytest.fixture(scope="module")
def open_lasting_page(browser):
    """Pages that all tests of a file look at."""
    with _window(browser) as open_:
        yield open_


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """The folder of the built book."""
    return built(tmp_path_factory)
