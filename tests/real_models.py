"""Tests of the real models need the models' weights; one line says how many were skipped."""

from __future__ import annotations

# The reason of every test that is skipped for want of the weights.
REASON = "`make field-trip` installs these weights"


def pytest_terminal_summary(terminalreporter):
    """At the end of a run, say how many tests the missing weights cost (called by pytest)."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(REASON in str(report.longrepr) for report in skipped)
    if count:
        tests, were = ("test", "was") if count == 1 else ("tests", "were")
        terminalreporter.write_line(
            f"{count} {tests} of the real models {were} skipped: their weights are not installed; "
            "`make field-trip` fetches them."
        )
