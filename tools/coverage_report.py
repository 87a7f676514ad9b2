#!/usr/bin/env python3
"""coverage_report.py < OPERATIONS: writes docs/coverage.md: which operations of AWS's models the program answers.

OPERATIONS is what `sallyport operations` prints, one `service operation` a line. With --check nothing is written; fails when the page is
not what would be written.
"""
import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEAD = """# Coverage

Made by `sallyport operations | tools/coverage_report.py`. Every operation of AWS's models is recognized; one that is not implemented answers
501 with its name, in the protocol of its service.

"""


def read_models(folder):
    """Operation names by service."""
    return {path.name.removesuffix(".api.json"): sorted(json.loads(path.read_text(encoding="utf-8"))["operations"])
            for path in sorted(folder.glob("*.api.json"))}


def read_handled(lines):
    handled = {}
    for line in lines:
        if line.strip():
            service, operation = line.split()
            handled.setdefault(service, set()).add(operation)
    return handled


def wrap(names, width=140):
    lines, line = [], ""
    for name in names:
        piece = name if not line else f"{line}, {name}"
        if len(piece) > width:
            lines.append(line + ",")
            piece = name
        line = piece
    return "\n".join([*lines, line]) + "\n" if names else "None.\n"


def report(models, handled):
    for service, operations in handled.items():
        unknown = operations - set(models.get(service, []))
        if unknown:
            raise SystemExit(f"coverage_report: the model of {service} has no operation {', '.join(sorted(unknown))}")
    out = HEAD + "| Service | Implemented | In the model |\n| --- | --- | --- |\n"
    for service, operations in models.items():
        out += f"| {service} | {len(handled.get(service, ()))} | {len(operations)} |\n"
    for service, operations in models.items():
        done = handled.get(service, set())
        out += f"\n## {service}\n\nImplemented: {wrap(sorted(done))}\nNot implemented: {wrap([name for name in operations if name not in done])}"
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    made = report(read_models(ROOT / "models"), read_handled(sys.stdin))
    page = ROOT / "docs/coverage.md"
    if not arguments.check:
        page.write_text(made, encoding="utf-8")
    elif not page.exists() or page.read_text(encoding="utf-8") != made:
        sys.exit("coverage_report: docs/coverage.md is not up to date")


if __name__ == "__main__":
    main()
