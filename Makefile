# Two commands do everything on a fresh Debian 12 machine, as root or with sudo:
#   make quickstart   installs what is missing, builds the program, starts examples/quickstart and shows its answers
#   make test         installs what is missing, builds everything, runs every test

.PHONY: quickstart test release dev tsan fuzz bench format setup setup-test

quickstart: release
	tools/quickstart.sh

test: setup-test
	tools/test.sh

setup:
	tools/setup.sh build

setup-test:
	tools/setup.sh build test

release: setup
	cmake --preset release >/dev/null && cmake --build --preset release

dev tsan fuzz:
	cmake --preset $@ >/dev/null && cmake --build --preset $@

bench: release
	tools/setup.sh bench
	bench/run.sh

format:
	clang-format-19 -i $$(git ls-files 'src/*.cpp' 'src/*.hpp' 'cmake/*.cpp')
