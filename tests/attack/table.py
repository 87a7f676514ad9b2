"""Writes the table of docs/isolation.md: runs every probe at every level and says what stopped it. Run it as root, on a quiet machine:

    SALLYPORT_BIN=build/release/sallyport python3 tests/attack/table.py
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import conftest
from campaign import Campaign
from levels import LEVELS

DOCUMENT = HERE.parent.parent / "docs/isolation.md"
BEGIN, END = "<!-- probes: written by tests/attack/table.py -->", "<!-- end of probes -->"


def render():
    results = {}
    for title, (level, network, _) in LEVELS.items():
        with Campaign(level, network, "ordinary") as campaign:
            results[title] = campaign.probe()
    titles = list(results)
    first = results[titles[0]]
    lines = [f"| Attempt | {' | '.join(titles)} |", "|" + " --- |" * (len(titles) + 1)]
    counts = {title: 0 for title in titles}
    group_before = None
    for name, (group, text, _, _) in first.items():
        if group != group_before:
            lines.append(f"| **{group}** |" + " |" * len(titles))
            group_before = group
        cells = []
        for title in titles:
            _, _, outcome, detail = results[title][name]
            assert outcome in ("blocked", "allowed"), (title, name, outcome, detail)
            counts[title] += outcome == "blocked"
            short = detail if len(detail) <= 24 and "/" not in detail else ""
            cells.append((f"{short or 'blocked'}") if outcome == "blocked" else "**allowed**")
        lines.append(f"| {text} | {' | '.join(cells)} |")
    lines.append("| **stopped** | " + " | ".join(f"{counts[title]} of {len(first)}" for title in titles) + " |")
    return "\n".join(lines)


def main():
    conftest.PROGRAM = conftest.find_program()
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{render()}\n\n{END}{after}")


if __name__ == "__main__":
    main()
