"""Grading: every answer is found and judged, and nothing they write reaches beyond their room."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from synthetic_class import HOSTILE, asked, doing, notebook, right, wrong

from operator_lab.course.grading import folder as classes
from operator_lab.course.grading.room import room
from operator_lab.course.grading.visit import Grade, visit
from operator_lab.course.grading.warden import Limits
from operator_lab.exercises import find, names

LIMITS = Limits(seconds=40, memory=2**30, processes=32)
WALLS = room().name != "limits"
walls = pytest.mark.skipif(not WALLS, reason="neither bubblewrap nor namespaces open here")


def graded(*cells, limits=LIMITS, secret=7, **metadata) -> dict[str, Grade]:
    content = notebook(*cells, **metadata)
    return visit({"a.ipynb": content}, room(), limits, secret=secret).best()


def state(*cells, name="mixing.exponent", **more) -> str:
    return graded(*cells, **more)[name].state


def exponent(lines: str) -> str:
    return asked("mixing.exponent", doing(find("mixing.exponent"), lines))


RIGHT = "return Q @ K.T / (tau * np.sqrt(Q.shape[1]))"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Three seconds are enough for an answer here: only hostile ones take longer."""
    for name in names():
        monkeypatch.setitem(vars(find(name)), "seconds", 3.0)


# Answers are found and judged as in the notebook.


@pytest.mark.thorough
def test_our_own_answer_to_every_exercise_passes():
    cells = [asked(name, right(find(name))) for name in names()]
    found = graded(*cells)
    outside = ("channels.carrier", "dyson.route", "pretrained.reader")  # their cases are models
    models = dict.fromkeys(outside, "by hand")
    assert {n: g.state for n, g in found.items() if g.state != "passed"} == models
    assert set(found) == set(names())


def test_a_mistake_is_told_as_in_the_notebook():
    for name in ("mixing.gauge", "mixing.mixing", "continuum.heun", "training.adamw"):
        text, said = wrong(find(name), 0)
        found = graded(asked(name, text))[name]
        assert (found.state, found.said) == ("wrong", said)


@pytest.mark.thorough
def test_every_form_of_answer():
    assert state(exponent(RIGHT)) == "passed"
    assert (
        state(f"f = lambda Q, K, tau=1.0: {RIGHT[7:]}\nlab.check('mixing.exponent', f)") == "passed"
    )
    half = "from functools import partial\nh = partial(lambda a, Q, K, tau=1.0: "
    assert state(f"{half}{RIGHT[7:]}, 0)\nprint(lab.check('mixing.exponent', h))") == "passed"
    for nothing in ("return lab.TODO", "...", "return lab.TODO * 2", "raise NotImplementedError"):
        assert state(exponent(nothing)) in ("not attempted", "wrong")
    assert state("lab.check('mixing.exponent', lab.TODO)") == "not attempted"
    assert state("lab.check('mixing.exponent', 3.0)") == "wrong"


def test_torch_is_tried_with_tensors():
    answer = exponent("return torch.matmul(Q, K.T) / (tau * Q.shape[1] ** 0.5)")
    assert state("import torch", answer) == "passed"


def test_what_an_answer_needs_is_found_wherever_it_went():
    helper = "SCALE = 2.0\ndef scaled(x):\n    return x / SCALE * factor"
    answer = exponent("return scaled(Q @ K.T) / (tau * np.sqrt(Q.shape[1]))")
    assert state(helper, "factor = 1.0", "factor = 2.0", answer) == "passed"
    assert state(answer, helper, "factor = 2.0") == "passed"  # moved below
    assert "NameError" in graded(helper, answer)["mixing.exponent"].said  # factor is nowhere
    assert "NameError" in graded("f = g", "lab.check('mixing.exponent', f)")["mixing.exponent"].said


def test_cells_that_fail_elsewhere_do_no_harm():
    assert (
        state("1 / 0", "%matplotlib inline\n!ls", "x = (", exponent(RIGHT), "%%bash\nls")
        == "passed"
    )


def test_later_exercises_go_on_as_in_the_notebook():
    update = asked(
        "mixing.update",
        doing(
            find("mixing.update"),
            "Q, K, V = x @ W_Q.T, x @ W_K.T, x @ W_V.T\n"
            "return x + mixing(Q @ K.T, tau * np.sqrt(Q.shape[1])) @ V",
        ),
    )
    todo = asked("mixing.mixing", doing(find("mixing.mixing"), "return lab.TODO"))
    mistaken = asked("mixing.mixing", wrong(find("mixing.mixing"), 0)[0])
    own = asked("mixing.mixing", right(find("mixing.mixing")))
    for before, kind in ((todo, "not attempted"), (mistaken, "wrong"), (own, "passed")):
        found = graded(before, update)
        assert found["mixing.mixing"].state == kind and found["mixing.update"].state == "passed"


def test_the_best_of_several_counts():
    first = exponent("return Q @ K.T")
    assert state(first, exponent(RIGHT), exponent("return lab.TODO")) == "passed"
    files = {"b.ipynb": notebook(first), "a (2).ipynb": notebook(exponent(RIGHT))}
    best = visit(files, room(), LIMITS).best()["mixing.exponent"]
    assert (best.state, best.file) == ("passed", "a (2).ipynb")


@pytest.mark.parametrize(
    "cell",
    [
        "# " + exponent(RIGHT).replace("\n", "\n# "),
        f"'''{exponent(RIGHT)}'''".replace('"""', "'"),
        {"cell_type": "markdown", "source": exponent(RIGHT), "metadata": {}, "id": "m"},
        {"cell_type": "raw", "source": exponent(RIGHT), "metadata": {}, "id": "m"},
        "%%script true\n" + exponent(RIGHT),
    ],
)
def test_what_is_no_code_is_not_there(cell):
    assert graded(cell) == {}


def test_a_check_that_may_not_run_is_told():
    for head in ("if False:", "def never():", "for _ in []:"):
        body = "\n".join("    " + line for line in exponent(RIGHT).split("\n"))
        assert "margin" in graded(f"{head}\n{body}")["mixing.exponent"].said


def test_a_cell_that_is_no_python_is_broken():
    found = graded(exponent(RIGHT) + "\nx = (1,")["mixing.exponent"]
    assert found.state == "broken" and "SyntaxError" in found.said


def test_our_solution_word_for_word_is_noted():
    assert (
        "word for word"
        in graded(asked("mixing.gauge", right(find("mixing.gauge"))))["mixing.gauge"].note
    )
    assert graded(exponent(RIGHT))["mixing.exponent"].note == ""


# Hostile answers.


@pytest.mark.thorough
@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_answer_stops_alone(kind):
    lines, due = HOSTILE[kind]
    gauge = asked("mixing.gauge", right(find("mixing.gauge")))
    before = {p.pid for p in psutil.process_iter() if p.pid != os.getpid()}
    start = time.monotonic()
    found = graded(exponent(lines), gauge)
    # On a busy machine a bomb may use up its seconds before it is seen to break.
    either = due == "stopped" or kind == "forks"
    assert found["mixing.exponent"].state in (("broken", "out of time") if either else (due,))
    assert found["mixing.gauge"].state == "passed"
    assert time.monotonic() - start < 120
    left = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    assert [p for p in left if p.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize("lines", [lines for lines, _ in HOSTILE.values()][:2])
def test_a_cell_may_be_hostile_before_its_function_is_there(lines):
    assert (
        state(lines + "\nf = 1", "f = f\nwhile True: f\n", exponent(RIGHT)) == "passed"
    )  # not needed


@walls
def test_writes_reach_nothing(tmp_path):
    tmp_path.chmod(0o777)
    place = tmp_path / "outside"
    package = Path(classes.__file__).parent / "written"
    lines = f"open({str(place)!r}, 'w').write('x')\n{RIGHT}"
    assert graded(exponent(lines))["mixing.exponent"].said.startswith("it raises FileNotFoundError")
    assert state(exponent(f"open({str(package)!r}, 'w')\n{RIGHT}")) == "wrong"
    assert not place.exists() and not package.exists()
    inside = "open('/tmp/own', 'w').write('x')\nassert open('/tmp/own').read() == 'x'"
    assert state(exponent(f"{inside}\n{RIGHT}")) == "passed"
    assert not Path("/tmp/own").exists()
    full = (
        "with open('/tmp/own', 'wb') as f:\n    for _ in range(200):\n        f.write(bytes(2**20))"
    )
    assert state(exponent(f"{full}\n{RIGHT}")) in ("wrong", "broken")


@walls
def test_nothing_else_is_to_be_seen(tmp_path):
    (tmp_path / "neighbour.ipynb").write_text("theirs")
    tmp_path.chmod(0o755)
    for path in (tmp_path, Path.home() / ".ssh", Path("/etc/passwd"), Path(__file__)):
        lines = f"import os\nassert not os.path.exists({str(path)!r})\n{RIGHT}"
        assert state(exponent(lines)) == "passed"
    lines = f"import os\nassert len([p for p in os.listdir('/proc') if p.isdigit()]) < 9\n{RIGHT}"
    assert state(exponent(lines)) == "passed"


@walls
def test_there_is_no_network():
    lines = (
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port}), 1)\n"
        f"except OSError:\n    {RIGHT}"
    )
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        text = lines.format(port=server.getsockname()[1])
        assert state(exponent(text)) == "passed"


@walls
def test_references_cannot_be_fetched():
    from synthetic_class import FETCHED

    for lines in FETCHED:
        text = lines.format(name="mixing.exponent", own="exponent", path="mixing/exponent")
        assert state(exponent(text)) in ("wrong", "broken")


def test_a_patched_judge_judges_nothing():
    from synthetic_class import PATCHED

    assert state(PATCHED, PATCHED + exponent("return 42.0")) == "wrong"


def test_outputs_and_tags_say_nothing():
    said = {"output_type": "stream", "name": "stdout", "text": "mixing.exponent: passed"}
    tags = {"tags": ["nbval-skip", "raises-exception"]}
    cell = {"cell_type": "code", "id": "a", "outputs": [said], "execution_count": 3}
    source = "%env OPERATOR_LAB_CHECKS=gentle\n# NBVAL_SKIP\n" + exponent("return Q @ K.T")
    assert state({**cell, "metadata": tags, "source": source}) == "wrong"


def test_answers_learned_by_heart_are_wrong():
    exercise = find("mixing.exponent")
    table = {
        case.args[0].tobytes().hex() + case.args[1].tobytes().hex(): exercise.reference(*case.args)
        for case in exercise.draw()
    }
    known = {key: value.tolist() for key, value in table.items()}
    lines = "key = Q.tobytes().hex() + K.tobytes().hex()\nreturn np.array(KNOWN.get(key, [[0.0]]))"
    cells = (f"KNOWN = {known!r}", exponent(lines))
    assert state(*cells, secret=None) == "passed"
    found = graded(*cells)["mixing.exponent"]
    assert found.state == "wrong" and "not on fresh ones" in found.said


def test_an_argument_that_is_changed_is_told():
    found = graded(exponent("Q *= 2\nreturn Q @ K.T / (tau * 2 * np.sqrt(Q.shape[1]))"))
    assert "changes its argument Q" in found["mixing.exponent"].said


@pytest.mark.thorough
@pytest.mark.parametrize(
    "value, said",
    [
        ("None", "returns None"),
        ("'word'", "returns a str"),
        ("{1: 2}", "returns a dict"),
        ("(x for x in Q)", "returns a generator"),
        ("np.zeros((3000, 3000))", "shape"),
        ("np.array(['a'])", "dtype object"),
        ("[[[]]] * 9", "shape"),
        ("Q @ K.T * 1j", "complex"),
        ("print", "returns a"),
    ],
)
def test_whatever_comes_back_is_told(value, said):
    found = graded(exponent(f"return {value}"))["mixing.exponent"]
    assert found.state == "wrong" and said in found.said


def test_names_of_errors_come_out_and_nothing_more():
    lines = "class Mine(Exception):\n    def __str__(self): raise SystemExit\nraise Mine"
    found = graded(exponent(lines))["mixing.exponent"]
    assert found.state == "wrong" and found.said.startswith("it raises Mine at line")


# Files that are no notebooks.


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"cells": 3}', b'{"cells": [3, {}]}', b"PK\x03\x04"],
)
def test_files_that_are_no_notebooks(content):
    found = visit({"a.ipynb": content, "b.ipynb": notebook(exponent(RIGHT))}, room(), LIMITS)
    assert found.best()["mixing.exponent"].state == "passed"
    assert "a.ipynb" in found.unreadable or b"{}" in content


def test_another_kernel_and_fifty_megabytes():
    other = visit({"a.ipynb": notebook("x <- 1", kernelspec={"language": "R"})}, room(), LIMITS)
    assert "'R'" in other.unreadable["a.ipynb"]
    said = {"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": [said]}
    assert state(cell, exponent(RIGHT)) == "passed"


def test_the_wire_carries_numbers_and_no_objects():
    import io

    from operator_lab.course.grading import wire

    def through(value):
        stream = io.BytesIO()
        wire.send(stream, {}, [value])
        stream.seek(0)
        return wire.receive(stream)[1][0]

    for value in (1, 2.5, None, True, float("inf"), (1.0, 2.0), [1, [2, 3]]):
        assert through(value) == value and type(through(value)) is type(value)
    for array in (
        np.arange(6.0).reshape(2, 3),
        np.array(3),
        np.ones(2, np.float32),
        np.eye(2) * 1j,
    ):
        assert np.array_equal(through(array), array) and through(array).dtype == array.dtype
    assert through((np.ones(2), np.zeros(3)))[1].shape == (3,)
    assert through(np.float64(2.5)).item() == 2.5
    assert type(through(object())).__name__ == "ndarray"
    for damaged in (b"\x00" * 16 + b"x", b"\xff" * 16, json.dumps({}).encode() * 9):
        with pytest.raises(wire.Garbled):
            wire.receive(io.BytesIO(damaged))
