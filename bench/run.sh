#!/usr/bin/env bash
# Builds what the benchmarks need and prints their table; docs/benchmarks.md holds a run with its machine.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset bench >/dev/null && cmake --build --preset bench | tail -n 1
exec python3 bench/run.py "$@"
