#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of the house finds its breach, and lets pass what is allowed."""

import os
import tempfile
import unittest

import house_rules

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


class HouseRules(unittest.TestCase):
    def found(self, files):
        """What is said of a tree of these files; C++ gets its SPDX line unless `files` has one already."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    if path.endswith((".cpp", ".hpp")) and "SPDX" not in text:
                        text = SPDX + text
                    file.write(text)
            return house_rules.violations(root)

    def assert_only(self, files, expected):
        found = self.found(files)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def test_a_good_tree_passes(self):
        self.assertEqual([], self.found({
            "daemon/base/error.hpp": "#pragma once\n#if defined(__clang__)\n#endif\n",
            "daemon/core/model.hpp": '#include <chrono>\n#include <map>\n#include "base/error.hpp"\n',
            "daemon/ports/clock.hpp": '#include <boost/asio/awaitable.hpp>\n#include "core/model.hpp"\n',
            "daemon/service/driver.cpp": '#include "ports/clock.hpp"\n'
                                         'void f() { auto fn = [&] { return 1; }; co_await run(fn, table[3], x); }\n',
            "daemon/adapters/storage/blobs.cpp": '#include "adapters/crypto/hash.hpp"\n#include "ports/clock.hpp"\n',
            "daemon/adapters/crypto/hash.hpp": "",
            "daemon/app/main.cpp": '#include "service/driver.hpp"\n#include "adapters/crypto/hash.hpp"\n',
            "daemon/service/driver.hpp": "// \u00a7 4 of the design\n",
            "plugins/sdk/plugin.hpp": '#include "wire/frame.hpp"\n',
            "daemon/wire/frame.hpp": "",
            "plugins/serial/main.cpp": '#include "sdk/plugin.hpp"\n',
        }))

    def test_an_include_that_runs_the_wrong_way(self):
        self.assert_only({
            "daemon/core/model.hpp": '#include "ports/clock.hpp"\n',
            "daemon/ports/clock.hpp": "",
        }, "daemon/core/model.hpp:2: core must not include ports")

    def test_an_adapter_that_knows_another(self):
        self.assert_only({
            "daemon/adapters/cloud/fetch.cpp": '#include "adapters/storage/blobs.hpp"\n',
            "daemon/adapters/storage/blobs.hpp": "",
        }, "adapters/cloud must not include adapters/storage")

    def test_an_adapter_that_knows_the_service(self):
        self.assert_only({
            "daemon/adapters/dbus/bus.cpp": '#include "../../service/driver.hpp"\n',
            "daemon/service/driver.hpp": "",
        }, "adapters/dbus must not include service")

    def test_a_plugin_that_knows_core(self):
        self.assert_only({
            "plugins/serial/main.cpp": '#include "core/model.hpp"\n',
            "daemon/core/model.hpp": "",
        }, "plugins/serial must not include core")

    def test_an_unknown_layer(self):
        self.assert_only({"daemon/helpers/all.hpp": ""}, "the layer 'helpers' is not known")

    def test_a_circle(self):
        self.assert_only({
            "daemon/core/a.hpp": '#include "core/b.hpp"\n',
            "daemon/core/b.hpp": '#include "c.hpp"\n',
            "daemon/core/c.hpp": '#include "core/a.hpp"\n',
        }, "daemon/core/a.hpp -> daemon/core/b.hpp -> daemon/core/c.hpp -> daemon/core/a.hpp")

    def test_a_core_that_is_not_pure(self):
        self.assert_only({"daemon/core/a.cpp": "#include <unordered_map>\n"}, "core is pure")
        self.assert_only({"daemon/core/a.cpp": "auto t = std::chrono::system_clock::now();\n"}, "core is pure")

    def test_a_lambda_in_a_co_await_expression(self):
        self.assert_only({
            "daemon/service/a.cpp": "void f() {\n  auto x = co_await g(1,\n      [&](int a) { return a; });\n}\n",
        }, "daemon/service/a.cpp:4: a lambda inside a co_await")
        self.assert_only({"daemon/service/a.cpp": "void f() { bool b = co_await g([] { return 1; }); h(b); }\n"}, "a lambda inside")

    def test_a_co_await_as_a_condition(self):
        self.assert_only({"daemon/service/a.cpp": "void f() {\n  if (!co_await g()) h();\n}\n"},
                         "daemon/service/a.cpp:3: a co_await as the condition")
        self.assertEqual([], self.found({"daemon/service/a.cpp": "void f() { if (const bool b = co_await g(); b) h(); }\n"}))

    def test_a_lambda_beside_a_co_await_expression(self):
        self.assertEqual([], self.found({
            "daemon/service/a.cpp": "void f() { int b = co_await g(a[1]); { auto l = [] { return 1; }; l(); } }\n"
                                    "// co_await g([] {});\nauto s = \"co_await g([] {})\";\n",
        }))

    def test_a_missing_spdx_line(self):
        self.assert_only({"tests/core/test_a.py": "print(1)\n"}, "the SPDX line is missing")

    def test_a_test_that_sleeps(self):
        self.assert_only({"tests/spine/a.py": "# SPDX-License-Identifier: Apache-2.0\ntime.sleep(1)\n"}, "a.py:2: a test waits")
        self.assert_only({"tests/run": "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n  sleep 3\n"}, "run:3: a test waits")
        self.assert_only({"tests/core/a.cpp": "void f() { std::this_thread::sleep_for(1s); }\n"}, "a.cpp:2: a test waits")

    def test_a_file_that_is_too_long(self):
        self.assert_only({"daemon/core/a.cpp": "int a;\n" * 500}, "501 lines")

    def test_conditional_compilation(self):
        self.assert_only({"daemon/service/a.cpp": "#ifdef __linux__\n#endif\n"}, "conditional compilation outside base/")

    def test_a_letter_that_is_not_ascii(self):
        self.assert_only({"daemon/service/a.cpp": "int gr\u00f6\u00dfe;\n"}, "outside comments and literals")


if __name__ == "__main__":
    unittest.main()
