#!/usr/bin/env python3
"""layering.py ROOT: holds the #includes under src/ against the module(...) lines of CMakeLists.txt.

Prints one line per violation, `file:line: message`, and fails if there is any. Refused are: an include of a module that is not among the
DEPS, an outside library's header in a .hpp or in a .cpp of a module without that LIB, a declaration that nothing outside the tests
needs, a cycle, a folder without a module, and a .hpp without `#pragma once`.
"""
import pathlib
import re
import sys

# What comes with the compiler and the kernel's C library; any other <header> is an outside library's. C++ headers have neither dot nor slash.
SYSTEM = re.compile(
    r"[a-z0-9_]+|(sys|arpa|net|netinet|linux|asm|bits)/.+|(assert|cpuid|ctype|dirent|dlfcn|elf|endian|errno|fcntl|fnmatch|getopt|glob|grp"
    r"|ifaddrs|immintrin|inttypes|limits|locale|malloc|math|mntent|netdb|poll|pthread|pwd|sched|semaphore|signal|spawn|stdarg|stddef|stdint"
    r"|stdio|stdlib|string|strings|syslog|termios|time|ucontext|unistd|wchar)\.h"
)
# The first row that fits names the library as LIBS does. The compiler gives gtest and benchmark to tests and benchmarks.
OUTSIDE = [
    (re.compile(r"uv(\.h|/.+)"), "uv"),
    (re.compile(r"openssl/(ssl|tls1|dtls1)\.h"), "ssl"),
    (re.compile(r"openssl/.+"), "crypto"),
    (re.compile(r"nghttp2/.+"), "nghttp2"),
    (re.compile(r"yaml\.h"), "yaml"),
    (re.compile(r"simdjson(\.h|/.+)"), "simdjson"),
    (re.compile(r"z(lib|conf)\.h"), "z"),
    (re.compile(r"zip(conf)?\.h"), "zip"),
    (re.compile(r"re2/.+"), "re2"),
    (re.compile(r"sqlite3\.h"), "sqlite3"),
    (re.compile(r"sodium(\.h|/.+)"), "sodium"),
    (re.compile(r"(gtest|gmock)/.+"), "gtest"),
    (re.compile(r"benchmark/.+"), "benchmark"),
]
BRINGS = {"ssl": {"ssl", "crypto"}, "zip": {"zip", "z"}}
INCLUDE = re.compile(r"\s*#\s*include\s*([<\"])([^>\"]+)[>\"]")
MODULE = re.compile(r"^[ \t]*module\(([^)]*)\)", re.MULTILINE)


class Module:
    def __init__(self, words, line):
        self.name, self.line = words[0], line
        self.lists = {"DEPS": [], "LIBS": [], "EMBED": [], "MODELS": []}
        current = None
        for word in words[1:]:
            if word in self.lists:
                current = self.lists[word]
            elif current is not None:
                current.append(word)
        self.deps, self.libs = self.lists["DEPS"], self.lists["LIBS"]
        self.granted = set().union(*(BRINGS.get(lib, {lib}) for lib in self.libs))


def read_modules(text):
    """The modules by name. A comment is blanked, so that line numbers stay."""
    text = re.sub(r"#[^\n]*", "", text)
    modules = {}
    for found in MODULE.finditer(text):
        words = found.group(1).split()
        if words:
            modules[words[0]] = Module(words, text.count("\n", 0, found.start()) + 1)
    return modules


def includes(path):
    """(line, is_system, header) of each include, comments left out."""
    in_comment = False
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if in_comment:
            _, closed, line = line.partition("*/")
            if not closed:
                continue
            in_comment = False
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1) == "<", found.group(2)
        elif line.lstrip().startswith("/*") and "*/" not in line:
            in_comment = True


def library_of(header):
    if SYSTEM.fullmatch(header):
        return None
    return next((library for pattern, library in OUTSIDE if pattern.fullmatch(header)), "?")


def find_cycle(modules):
    """The names along one cycle, its first repeated at the end; empty without one."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done or name not in modules:
            return []
        path.append(name)
        for dep in modules[name].deps:
            cycle = visit(dep)
            if cycle:
                return cycle
        path.pop()
        done.add(name)
        return []

    return next((cycle for cycle in map(visit, modules) if cycle), [])


def check_system_include(module, path, header):
    """What is wrong with an include of <header>, or None."""
    library = library_of(header)
    if library is None:
        return None
    if library == "?":
        return f"<{header}> belongs to no library that tools/layering.py knows"
    if library == "gtest":
        if path.name.endswith("_test.cpp") or path.name.endswith("testing.hpp"):
            return None
        return f"<{header}> outside a test: only *_test.cpp and *testing.hpp may include it"
    if path.suffix == ".hpp":
        return f"outside header <{header}> in a .hpp: keep it to a .cpp"
    if library == "benchmark":
        return None if path.name.endswith("_bench.cpp") else f"<{header}> outside a *_bench.cpp"
    if library not in module.granted:
        return f"outside header <{header}>: module {module.name} does not declare LIBS {library}"
    return None


def check(root):
    root = pathlib.Path(root)
    problems = []
    modules = read_modules((root / "CMakeLists.txt").read_text(encoding="utf-8"))

    def declared_at(module):
        return f"CMakeLists.txt:{module.line}"

    for module in modules.values():
        for dep in module.deps:
            if dep not in modules:
                problems.append(f"{declared_at(module)}: module {module.name} declares DEPS {dep}, which is no module")
        if not (root / "src" / module.name).is_dir():
            problems.append(f"{declared_at(module)}: module {module.name} has no folder src/{module.name}")
    cycle = find_cycle(modules)
    if cycle:
        problems.append(f"{declared_at(modules[cycle[0]])}: cycle of modules: {' -> '.join(cycle)}")

    used = {name: set() for name in modules}  # of each module: the modules and libraries that its code, not its tests, includes
    for path in sorted(p for p in (root / "src").rglob("*") if p.suffix in (".hpp", ".cpp")):
        place = path.relative_to(root)
        name = place.parts[1] if len(place.parts) > 2 else ""
        if name not in modules:
            problems.append(f"{place}:1: no module({name or '...'}) in CMakeLists.txt has this file")
            continue
        module = modules[name]
        is_test = path.name.endswith("_test.cpp")
        for number, is_system, header in includes(path):
            if is_system:
                problem = check_system_include(module, path, header)
                if not is_test:
                    used[name].add(library_of(header))
            else:
                target = header.split("/")[0]
                if not is_test:
                    used[name].add(target)
                problem = None
                if "/" not in header or target not in modules:
                    problem = f'"{header}" begins with no module: write it from src/ on'
                elif target != name and target not in module.deps:
                    problem = f'"{header}": module {name} does not declare DEPS {target}'
            if problem:
                problems.append(f"{place}:{number}: {problem}")
        if path.suffix == ".hpp" and not re.search(r"^#pragma once$", path.read_text(encoding="utf-8"), re.MULTILINE):
            problems.append(f"{place}:1: no #pragma once")

    for module in modules.values():
        for kind, names in (("DEPS", module.deps), ("LIBS", module.libs)):
            for unused in names:
                needed = BRINGS.get(unused, {unused}) if kind == "LIBS" else {unused}
                if not needed & used[module.name]:
                    problems.append(f"{declared_at(module)}: module {module.name} declares {kind} {unused}, which no file but tests includes")
    return problems


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: layering.py ROOT")
    problems = check(sys.argv[1])
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
