"""What an answer does stays inside: loops end, and nothing of it is left behind."""

from __future__ import annotations

import _thread
import dataclasses
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch

from operator_lab.exercises import find, judge

MIXING = find("mixing.mixing")
RIGHT = MIXING.reference


def trials_end():
    """Whether no call goes on: given a moment, for a thread that is just being left."""
    for _ in range(200):
        if not [t for t in threading.enumerate() if t.name == "operator-lab trial"]:
            return True
        time.sleep(0.01)
    return False


def test_an_endless_loop_gets_its_line_and_its_thread_ends():
    def endless(S, T):
        while True:
            pass

    verdict = judge(dataclasses.replace(MIXING, seconds=0.3), endless)
    assert verdict.reason.startswith("it did not finish within 0.3 seconds")
    assert trials_end()


def test_a_loop_that_catches_everything_is_left_behind():
    stop = threading.Event()

    def stubborn(S, T):
        while not stop.is_set():
            try:
                while not stop.is_set():
                    pass
            except BaseException:
                continue

    verdict = judge(dataclasses.replace(MIXING, seconds=0.3), stubborn)
    stop.set()
    assert verdict.reason.startswith("it did not finish within")


def test_a_call_that_waits_is_left_behind():
    stop = threading.Event()
    verdict = judge(dataclasses.replace(MIXING, seconds=0.3), lambda S, T: stop.wait())
    stop.set()
    assert verdict.reason.startswith("it did not finish within")


def test_a_loop_that_is_endless_on_a_later_probe_only():
    def late(S, T):
        while len(S) > 3:
            time.sleep(0.001)
        return RIGHT(S, T)

    verdict = judge(dataclasses.replace(MIXING, seconds=0.3), late)
    assert verdict.reason.startswith("it did not finish within")


def test_an_interrupt_from_outside_ends_the_trial():
    def endless(S, T):
        while True:
            pass

    # As in a learner's kernel; a test run started in the background is born deaf to interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            judge(dataclasses.replace(MIXING, seconds=60), endless)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert trials_end()


def test_an_answer_leaves_no_trace(capfd):
    def loud(S, T):
        print("x" * 10_000_000)
        print("y", file=sys.stderr)
        warnings.warn("look here", stacklevel=1)
        np.random.seed(1)
        torch.manual_seed(1)
        np.seterr(divide="raise")
        return RIGHT(S, T)

    np.random.seed(5)
    torch.manual_seed(5)
    expected = np.random.random(), float(torch.rand(1))
    np.random.seed(5)
    torch.manual_seed(5)
    before = np.geterr()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert judge(MIXING, loud).passed
    assert (np.random.random(), float(torch.rand(1))) == expected
    assert np.geterr() == before and not seen
    assert capfd.readouterr() == ("", "")


def test_probes_are_not_spoiled_by_an_answer_that_keeps_its_array():
    buffer = {}

    def reused(S, T):
        out = buffer.setdefault(S.shape, np.empty(S.shape))
        out[:] = RIGHT(S, T)
        return out

    assert judge(MIXING, reused).passed


def test_an_answer_that_rebinds_what_the_reference_uses_is_judged_by_the_right_numbers():
    exp = np.exp

    def rebinding(S, T):
        np.exp = np.zeros_like
        return np.tril(np.ones(S.shape)) / np.arange(1, len(S) + 1)[:, None]

    try:
        verdict = judge(MIXING, rebinding)
    finally:
        np.exp = exp
    assert verdict.status == "wrong"
    assert np.isfinite(float(verdict.help[1].split("expected ")[1].rstrip(".")))
