#!/usr/bin/env bash
# Builds everything and runs every test; the last line is 'N passed, N failed, N skipped'.
# Steps: formatting and layering, unit tests (address and undefined-behaviour sanitizers), the concurrent ones again under the thread
# sanitizer, every fuzz target for a few seconds, and the integration tests against the release program.
set -uo pipefail
cd "$(dirname "$0")/.."
fuzz_seconds=${FUZZ_SECONDS:-5}
passed=0 failed=0 skipped=0
export SALLYPORT_SOURCE=$PWD

step() { printf '\n== %s\n' "$*"; }
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAILED: $*"; }

# build PRESET [TARGET ...]
build() {
  step "build $1"
  local log=build/$1.log began=$SECONDS
  if cmake --preset "$1" >"$log" 2>&1 && cmake --build --preset "$1" ${2:+--target "${@:2}"} >>"$log" 2>&1; then
    tail -n 1 "$log"
    echo "$((SECONDS - began)) s"
  else
    grep -aE -m 20 'error:|FAILED:|undefined (reference|symbol)|No space left|Killed' "$log" | cut -c1-400
    fail "build $1"
    echo "$passed passed, $failed failed, $skipped skipped"
    exit 1
  fi
}

# Runs one GoogleTest program and adds its counts.
unit() {
  local out
  out=$(timeout 600 "$1" --gtest_brief=1 2>&1)
  local status=$? good bad skip
  good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' <<<"$out" | tail -n 1)
  bad=$(sed -n 's/^ *\([0-9]*\) FAILED TEST.*/\1/p' <<<"$out" | tail -n 1)
  skip=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' <<<"$out" | tail -n 1)
  passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0})) skipped=$((skipped + ${skip:-0}))
  if [ $status -ne 0 ]; then
    echo "$out" | tail -n 60
    [ -n "$bad" ] || fail "$1 ended with status $status"
  fi
  echo "$(basename "$1"): ${good:-0} passed"
}

mkdir -p build
step "formatting"
if find src cmake -name '*.[ch]pp' -print0 | xargs -0 clang-format-19 --dry-run -Werror >build/formatting.log 2>&1; then pass; else head -n 5 build/formatting.log; fail formatting; fi
step "layering"
if python3 tools/layering.py .; then pass; else fail layering; fi
if python3 tools/layering_test.py 2>&1 | tail -n 3; then pass; else fail "the layering test's own test"; fi

if python3 tools/modelgen_test.py 2>&1 | tail -n 3; then pass; else fail "the model generator's test"; fi

build dev
step "unit tests"
for program in build/dev/*_test; do unit "$program"; done

concurrent=(io_test serve_test oidc_test runtime_test store_test control_test iam_test logs_test lambda_test cognito_test gateway_test http_api_test)
build tsan "${concurrent[@]}"
step "concurrent modules under the thread sanitizer"
for program in "${concurrent[@]}"; do unit "build/tsan/$program"; done

step "fuzz targets, ${fuzz_seconds} s each"
for program in build/dev/*_fuzz; do
  name=$(basename "$program")
  mkdir -p "build/corpus/$name" "fuzz/corpus/$name"
  if out=$("$program" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix=build/ "build/corpus/$name" "fuzz/corpus/$name" 2>&1); then
    pass
    echo "$name: $(sed -n 's/^Done \([0-9]*\) runs.*/\1 runs/p' <<<"$out")"
  else
    fail "$name"
    tail -n 30 <<<"$out"
  fi
done

build release
step "coverage of the AWS APIs"
if build/release/sallyport operations | python3 tools/coverage_report.py --check; then pass; else fail "docs/coverage.md is not up to date"; fi

step "integration tests"
log=build/pytest.log
SALLYPORT_BIN=$PWD/build/release/sallyport timeout 3000 python3 -m pytest -q --no-header -p no:cacheprovider tests 2>&1 | tee "$log" | tail -n 40
status=${PIPESTATUS[0]}
count() { sed -n "s/.*[^0-9]\([0-9][0-9]*\) $1.*/\1/p;s/^\([0-9][0-9]*\) $1.*/\1/p" <<<"$(tail -n 1 "$log")" | head -n 1; }
good=$(count passed) bad=$(count failed) skip=$(count skipped)
passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0})) skipped=$((skipped + ${skip:-0}))
[ "$status" -eq 0 ] || [ -n "$bad" ] || fail "integration tests ended with status $status"

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
