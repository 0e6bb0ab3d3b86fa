"""What a run of the tests left out, and what would run it: one line each."""

from __future__ import annotations

# The reason of every test that is skipped for want of the weights.
REASON = "`make field-trip` installs these weights"


def pytest_terminal_summary(terminalreporter):
    """At the end of a run, say what was left out (called by pytest)."""
    if terminalreporter.config.option.markexpr == "not thorough":
        terminalreporter.write_line(
            "Tests that take long were left out; `make test ALL=yes` runs them, too."
        )
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(REASON in str(report.longrepr) for report in skipped)
    if count:
        tests, were = ("test", "was") if count == 1 else ("tests", "were")
        terminalreporter.write_line(
            f"{count} {tests} of the real models {were} skipped: their weights are not installed; "
            "`make field-trip` fetches them."
        )
