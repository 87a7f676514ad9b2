#!/usr/bin/env python3
"""Tests of layering.py: each violation is planted in a tiny tree and has to be found at its place."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).with_name("layering.py")

GOOD = {
    "CMakeLists.txt": """# module(commented DEPS nowhere)
module(base)
module(net DEPS base LIBS uv)
module(app
  DEPS net base)
program(p DEPS app)
""",
    "src/base/a.hpp": "#pragma once\n#include <string>\n#include <sys/stat.h>\n",
    "src/base/testing.hpp": "#pragma once\n#include <gtest/gtest.h>\n",
    "src/base/a_test.cpp": "#include <gmock/gmock.h>\n#include \"base/a.hpp\"\n",
    "src/base/a_bench.cpp": "#include <benchmark/benchmark.h>\n#include \"base/a.hpp\"\n",
    "src/net/n.hpp": "#pragma once\n#include \"base/a.hpp\"\n",
    "src/net/n.cpp": "#include \"net/n.hpp\"\n#include <uv.h>\n/* as in\n#include \"app/main.hpp\"\n*/\n// #include <yaml.h>\n",
    "src/app/main.cpp": "#include \"net/n.hpp\"\n#include \"base/a.hpp\"\n",
}


class Layering(unittest.TestCase):
    def run_on(self, changes):
        """The lines that the tool prints for the good tree with the changes."""
        with tempfile.TemporaryDirectory() as root:
            for name, text in (GOOD | changes).items():
                path = pathlib.Path(root) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            done = subprocess.run([sys.executable, TOOL, root], capture_output=True, text=True)
            self.assertEqual(done.stderr, "")
            self.assertEqual(done.returncode, 1 if done.stdout else 0)
            return done.stdout.splitlines()

    def expect(self, changes, *lines):
        self.assertEqual(self.run_on(changes), list(lines))

    def test_a_good_tree_passes_in_silence(self):
        self.expect({})

    def test_undeclared_module(self):
        self.expect({"src/base/b.cpp": "#include <string>\n\n#include \"net/n.hpp\"\n"},
                    "src/base/b.cpp:3: \"net/n.hpp\": module base does not declare DEPS net")

    def test_tests_have_to_declare_too(self):
        self.expect({"src/base/b_test.cpp": "#include \"net/n.hpp\"\n"},
                    "src/base/b_test.cpp:1: \"net/n.hpp\": module base does not declare DEPS net")

    def test_include_that_names_no_module(self):
        self.expect({"src/net/m.cpp": "#include \"n.hpp\"\n"}, "src/net/m.cpp:1: \"n.hpp\" begins with no module: write it from src/ on")

    def test_outside_header_in_a_header(self):
        for header in ("uv.h", "openssl/sha.h", "yaml.h", "zip.h", "re2/re2.h", "simdjson.h", "benchmark/benchmark.h"):
            self.expect({"src/net/m.hpp": f"#pragma once\n#  include <{header}>\n"},
                        f"src/net/m.hpp:2: outside header <{header}> in a .hpp: keep it to a .cpp")

    def test_undeclared_library(self):
        for header, library in (("openssl/sha.h", "crypto"), ("openssl/ssl.h", "ssl"), ("yaml.h", "yaml"), ("zlib.h", "z"), ("re2/re2.h", "re2")):
            self.expect({"src/net/m.cpp": f"#include <{header}>\n"},
                        f"src/net/m.cpp:1: outside header <{header}>: module net does not declare LIBS {library}")

    def test_a_library_may_bring_another(self):
        self.expect({"CMakeLists.txt": GOOD["CMakeLists.txt"].replace("uv)", "uv ssl)"), "src/net/m.cpp": "#include <openssl/sha.h>\n"})

    def test_test_and_benchmark_headers_elsewhere(self):
        self.expect({"src/net/m.cpp": "#include <gtest/gtest.h>\n", "src/net/o.cpp": "#include <benchmark/benchmark.h>\n"},
                    "src/net/m.cpp:1: <gtest/gtest.h> outside a test: only *_test.cpp and *testing.hpp may include it",
                    "src/net/o.cpp:1: <benchmark/benchmark.h> outside a *_bench.cpp")

    def test_unknown_library(self):
        self.expect({"src/net/m.cpp": "#include <boost/asio.hpp>\n"},
                    "src/net/m.cpp:1: <boost/asio.hpp> belongs to no library that tools/layering.py knows")

    def test_unused_declarations(self):
        self.expect({"src/net/n.hpp": "#pragma once\n", "src/net/n.cpp": "", "src/net/n_test.cpp": "#include \"base/a.hpp\"\n"},
                    "CMakeLists.txt:3: module net declares DEPS base, which no file but tests includes",
                    "CMakeLists.txt:3: module net declares LIBS uv, which no file but tests includes")

    def test_main_belongs_to_its_module(self):
        self.expect({"src/app/main.cpp": "#include \"net/n.hpp\"\n"},
                    "CMakeLists.txt:4: module app declares DEPS base, which no file but tests includes")

    def test_cycle(self):
        self.expect({"CMakeLists.txt": GOOD["CMakeLists.txt"].replace("module(base)", "module(base DEPS app)"),
                     "src/base/b.cpp": "#include \"app/x.hpp\"\n"},
                    "CMakeLists.txt:2: cycle of modules: base -> app -> net -> base")

    def test_no_such_module_and_no_such_folder(self):
        self.expect({"CMakeLists.txt": GOOD["CMakeLists.txt"] + "module(ghost)\n", "src/lost/x.cpp": ""},
                    "CMakeLists.txt:7: module ghost has no folder src/ghost",
                    "src/lost/x.cpp:1: no module(lost) in CMakeLists.txt has this file")
        self.expect({"CMakeLists.txt": GOOD["CMakeLists.txt"].replace("DEPS base L", "DEPS base bse L")},
                    "CMakeLists.txt:3: module net declares DEPS bse, which is no module",
                    "CMakeLists.txt:3: module net declares DEPS bse, which no file but tests includes")

    def test_pragma_once(self):
        self.expect({"src/base/b.hpp": "#include <string>\n// #pragma once\n"}, "src/base/b.hpp:1: no #pragma once")


if __name__ == "__main__":
    unittest.main()
