"""What a reader meets of an Explorer, to compare before and after a move."""

from __future__ import annotations


def state(explorer) -> tuple[list[str], str, str]:
    """What a reader meets: the picture, the read-out, what is read aloud of the slider."""
    pictures = explorer.locator("figure > svg")
    drawn = pictures.evaluate_all("all => all.map((one) => one.innerHTML)")
    value = explorer.locator("input[type=range]").get_attribute("aria-valuetext")
    return drawn, explorer.get_by_role("status").inner_text(), value


def all_differ(before, after) -> bool:
    return all(a != b for a, b in zip(before, after, strict=True))
