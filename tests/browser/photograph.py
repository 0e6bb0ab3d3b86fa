"""Take the README's picture of a notebook again: `python tests/browser/photograph.py`.

A learner's copy of notebook 03 in a real JupyterLab, run from top to bottom.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "course" / "images" / "notebook.png"
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "tests")]

from conftest import ARGUMENTS  # noqa: E402
from test_lab import run_all, served  # noqa: E402

from operator_lab.course.browser import chromium  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), ROOT) as address:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            page = browser.new_page(
                viewport={"width": 1500, "height": 920}, device_scale_factor=1.2
            )
            page.goto(address)
            explorer = run_all(page).locator(".operator-lab-explorer").first
            explorer.wait_for()
            explorer.locator("select").select_option(label="layer 2, head 3")
            page.wait_for_timeout(3000)  # until tables and formulas above have found their places
            explorer.evaluate("node => node.scrollIntoView({block: 'end'})")
            page.mouse.move(900, 500)
            page.mouse.wheel(0, 30)
            page.wait_for_timeout(500)
            page.screenshot(path=PICTURE, animations="disabled")
            browser.close()


if __name__ == "__main__":
    main()
