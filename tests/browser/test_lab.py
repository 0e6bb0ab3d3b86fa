"""A learner's notebook in a real JupyterLab: run from top to bottom, moved, asked, answered.

A JavaScript error while a widget is drawn leaves an empty output and a green cell: only a browser
sees it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress

import nbformat
import pytest
from seen import all_differ, state

from operator_lab.course import classroom

pytestmark = pytest.mark.thorough

NOTEBOOK = "03_mixing.ipynb"
LIVING = "living.ipynb"  # a learner's own: one living Transformer, and what the kernel hears of it
HEARD = """import ipywidgets, traitlets
import operator_lab as lab
live, heard = lab.figures.live(lab.reference("depth"), "anna paid the"), ipywidgets.Text()
traitlets.link((live, "experiment"), (heard, "value"))
ipywidgets.VBox([live, heard])"""
MINUTE = 60_000  # milliseconds, a generous limit: nothing here asserts a time
SETTINGS = {
    # Every cell is on the page, seen or not; nothing is fetched from elsewhere.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def environment(folder) -> dict[str, str]:
    """Nothing of the user's own Jupyter, and nothing that tells of pytest."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "JUPYTER", "JPY_"))}
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    for name in (*folders, "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        own[name] = str(folder / name)
    return own | {"OPERATOR_LAB_CHECKS": "gentle", "OMP_NUM_THREADS": "1"}


def wait_for(server: subprocess.Popen, address: str, log) -> None:
    while True:
        assert server.poll() is None, log.read_text(encoding="utf-8", errors="replace")[-4000:]
        with suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.2)


def stop(server: subprocess.Popen) -> None:
    """Let the server end its kernels; end the whole group if it does not."""
    group = getattr(os, "killpg", None)
    for sign in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError):
            group(server.pid, sign) if group else server.send_signal(sign)
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=20)
            return


@contextmanager
def served(folder, root):
    """A JupyterLab on a learner's copies, with settings of its own; the notebook's address."""
    classroom.learn(root / "course", folder / "mine")
    for name, chosen in SETTINGS.items():
        file = folder / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(chosen), encoding="utf-8")
    port, token, log = free_port(), secrets.token_hex(16), folder / "log.txt"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder / 'mine'}", "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    with log.open("w", encoding="utf-8") as lines:
        server = subprocess.Popen(
            command, env=environment(folder), stdin=subprocess.DEVNULL, stdout=lines,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(server, f"http://127.0.0.1:{port}/api", log)
            yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={token}"
        finally:
            stop(server)


@pytest.fixture(scope="module")
def address(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "mine").mkdir()
    own = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(HEARD)])
    own.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(own, folder / "mine" / LIVING)
    with served(folder, root) as found:
        yield found


def run_all(page):
    """The same page, its notebook run from top to bottom."""
    page.set_default_timeout(MINUTE)
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => {
        const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
        return prompts.length && prompts.every((prompt) => /\\[\\d+\\]/.test(prompt.textContent));
    }""",
        timeout=3 * MINUTE,
    )
    return page


@pytest.fixture(scope="module")
def lab(address, open_lasting_page):
    """The notebook, open and run from top to bottom."""
    return run_all(open_lasting_page(address, width=1300, height=1000))


@pytest.fixture
def explorer(lab):
    found = lab.locator(".operator-lab-explorer:not(.living)")
    found.scroll_into_view_if_needed()
    return found


def sources(course) -> list[str]:
    cells = json.loads((course / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_run_all_reaches_the_end_without_an_error(lab, root):
    assert lab.locator(".jp-CodeCell").count() == len(sources(root / "course"))
    assert lab.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert lab.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []
    assert lab.faults == []


def test_every_figure_is_a_picture(lab, root):
    expected = sum("plt.subplots" in source for source in sources(root / "course"))
    images = lab.locator(".jp-OutputArea img:visible")
    widths = images.evaluate_all("all => all.map((image) => image.naturalWidth)")
    assert expected and len(widths) == expected and min(widths) > 300


def test_the_picture_with_a_slider_is_drawn(explorer):
    assert explorer.count() == 1 and explorer.locator("figure > svg").count() == 3
    drawn, said, value = state(explorer)
    assert all(drawn) and "bank" in said and value == "1 times T0"


def test_its_colours_follow_the_theme(lab, explorer, tmp_path):
    def switch(theme: str, is_light: str) -> str:
        lab.locator(".lm-MenuBar-itemLabel").get_by_text("Settings", exact=True).click()
        lab.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).hover()
        lab.locator(".lm-Menu-itemLabel").get_by_text(f"JupyterLab {theme}", exact=True).click()
        lab.wait_for_selector(f"body[data-jp-theme-light='{is_light}']", state="attached")
        explorer.scroll_into_view_if_needed()
        lab.screenshot(path=tmp_path / f"{theme}.png")
        return explorer.evaluate("node => getComputedStyle(node).color")

    assert switch("Dark", "false") != switch("Light", "true")


def test_arrow_keys_move_the_slider_and_not_the_notebook(lab, explorer):
    before, slider = state(explorer), explorer.locator("input[type=range]")
    place = int(slider.input_value())
    slider.focus()
    lab.keyboard.press("ArrowRight")
    lab.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == place + 2
    assert slider.evaluate("slider => slider === document.activeElement")
    assert all_differ(before, state(explorer))


def test_the_mouse_drags_the_slider(lab, explorer):
    before, slider = state(explorer), explorer.locator("input[type=range]")
    box = slider.bounding_box()
    part = int(slider.input_value()) / int(slider.get_attribute("max"))
    middle = box["y"] + box["height"] / 2
    lab.mouse.move(box["x"] + 8 + part * (box["width"] - 16), middle)
    lab.mouse.down()
    lab.mouse.move(box["x"] + 0.1 * box["width"], middle, steps=6)
    lab.mouse.up()
    assert int(slider.input_value()) < 0.2 * int(slider.get_attribute("max"))
    assert all_differ(before, state(explorer))


def test_another_head_can_be_chosen(explorer):
    before, choice = state(explorer), explorer.get_by_label("head")
    choice.select_option("layer 1, head 1")
    after = state(explorer)
    assert after[0][0] != before[0][0] and after[1] != before[1] and "layer 1, head 1" in after[1]


def test_a_sentence_can_be_asked_and_a_mistake_is_one_sentence(explorer):
    box, alert = explorer.get_by_label("Your sentence"), explorer.locator("[role=alert]")
    box.fill("the man crossed the shore at the bank")
    box.press("Enter")
    explorer.get_by_text("shore", exact=True).first.wait_for()
    before = state(explorer)
    assert "crossed" in before[0][0] and "crossed" in before[0][1] and alert.inner_text() == ""
    box.fill("the dog")
    explorer.get_by_role("button", name="Draw").click()
    alert.get_by_text("'dog' is not one of the").wait_for()
    assert state(explorer) == before


def answer(lab, exercise: str, expression: str) -> str:
    """Type what an exercise's function returns, run the cell, and return what it prints."""
    cell = lab.locator(".jp-CodeCell", has=lab.locator(".cm-line", has_text=f"def {exercise}("))
    printed, prompt = cell.locator(".jp-OutputArea"), cell.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    cell.locator(".cm-line", has_text="return ").click()
    lab.keyboard.press("End")
    lab.keyboard.press("Shift+Home")
    lab.keyboard.type(f"return {expression}")
    lab.keyboard.press("Control+Enter")
    lab.wait_for_function(
        "([prompt, before]) => /\\d/.test(prompt.innerText) && prompt.innerText !== before",
        arg=[prompt.element_handle(), before],
    )
    return printed.inner_text().strip()


def test_an_exercise_answers_wrong_and_right(lab):
    assert answer(lab, "exponent", "Q @ K.T").startswith("mixing.exponent: wrong: ")
    right = answer(lab, "exponent", "Q @ K.T / (tau * np.sqrt(Q.shape[1]))")
    assert right.startswith("mixing.exponent: passed")
    assert lab.faults == []


def test_a_living_transformer_answers_and_the_kernel_hears_it(address, open_page):
    # A workspace of its own: the other would open the other notebook, too.
    own = address.replace(f"tree/{NOTEBOOK}", f"workspaces/living/tree/{LIVING}")
    page = run_all(open_page(own, width=1300, height=1000))
    living, heard = page.locator(".living"), page.locator(".widget-text input")
    living.get_by_role("textbox", name="Your sentence").fill("anna paid the coin . tom sang")
    living.get_by_label("Head 2.3 writes").uncheck()
    page.wait_for_function(
        """() => { const { value } = document.querySelector(".widget-text input");
        return value.includes("tom+sang") && value.includes("off=2.3"); }"""
    )
    assert "silent: 2.3" in living.locator(".readout").inner_text()
    heard.fill("text=eva+saw&T=3")  # and the page hears the kernel
    living.locator(".readout", has_text="After ‘saw’").wait_for()
    assert "T = 3" in living.locator(".readout").inner_text()
    assert "text=" not in page.evaluate("location.hash")
    slider = living.get_by_label("temperature of attention")
    place = int(slider.input_value())
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == place + 1
