# Short names for daily work, where make is installed. The two commands for a fresh machine are the scripts ./quickstart and ./test.

.PHONY: quickstart test release dev tsan bench format setup setup-test

quickstart:
	./quickstart

test:
	./test

setup:
	tools/setup.sh build

setup-test:
	tools/setup.sh build test

release: setup
	cmake --preset release >/dev/null && cmake --build --preset release

dev tsan:
	cmake --preset $@ >/dev/null && cmake --build --preset $@

bench: release
	tools/setup.sh bench
	bench/run.sh

format:
	find src cmake -name '*.[ch]pp' -print0 | xargs -0 clang-format-19 -i
