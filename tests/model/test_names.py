#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The code, docs/state-machines.md and group.pml speak of the same phases, decisions, gates, classes, orders, reasons and
bounds. Each source is read as text: a name that was added to one only is named here."""

import os
import re
import unittest

ROOT = os.environ.get("HEADGATE_SOURCE_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def all_of_core():
    core = os.path.join(ROOT, "daemon/core")
    return "\n".join(text_of(f"daemon/core/{name}") for name in sorted(os.listdir(core)) if name.endswith((".hpp", ".cpp")))


def shown(name):
    """As on the bus: words are parted by "-"."""
    return name.replace("_", "-")


def enumerators(name):
    """Of `enum class NAME` in daemon/core, as shown; empty: there is none."""
    found = re.search(rf"enum class {name}\b[^{{]*\{{(.*?)\}};", all_of_core(), re.DOTALL)
    body = re.sub(r"//[^\n]*", "", found[1]) if found else ""
    return {shown(word) for word in re.findall(r"\w+", body)}


def named_in_code(name):
    """The second halves of the pairs {NAME::value, "text"} in daemon/core/model.cpp."""
    return set(re.findall(rf'\{{{name}::\w+, "([^"]+)"\}}', text_of("daemon/core/model.cpp")))


def named_in_model(kind, prefix=""):
    """Of `mtype:KIND = { ... }` in group.pml, without the prefix that keeps them apart there, as shown."""
    found = re.search(rf"^mtype:{kind} = \{{(.*?)\}};", text_of("tests/model/group.pml"), re.DOTALL | re.MULTILINE)
    words = re.findall(r"\w+", found[1]) if found else []
    return {shown(word.removeprefix(prefix)) for word in words}


def named_in_docs(heading):
    """The names in the first column of the table below this heading."""
    section = re.search(rf"^### {heading}\n(.*?)(?=^##|\Z)", text_of("docs/state-machines.md"), re.DOTALL | re.MULTILINE)
    rows = re.findall(r"^\| (`[^|]*)\|", section[1], re.MULTILINE) if section else []
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def bound(name):
    found = re.search(rf"{name} = (\d+);", text_of("daemon/core/bounds.hpp"))
    return found and found[1]


def bound_in_model(name):
    found = re.search(rf"^#define {name} (\d+)", text_of("tests/model/group.pml"), re.MULTILINE)
    return found and found[1]


class Names(unittest.TestCase):
    maxDiff = None

    def assert_same(self, code, docs, model=None):
        self.assertTrue(code, "the code has none")
        self.assertEqual(sorted(code), sorted(docs), "docs/state-machines.md")
        if model is not None:
            self.assertEqual(sorted(code), sorted(model), "tests/model/group.pml")

    def test_phases(self):
        self.assertEqual(enumerators("Phase"), named_in_code("Phase"))
        self.assert_same(named_in_code("Phase"), named_in_docs("Phases"), named_in_model("phase"))

    def test_decisions(self):
        self.assertEqual(enumerators("Decision"), named_in_code("Decision"))
        self.assert_same(named_in_code("Decision"), named_in_docs("Decisions"), named_in_model("decision", "decision_"))

    def test_gates(self):
        self.assert_same(enumerators("Gate"), named_in_docs("Gates"), named_in_model("gate", "gate_"))

    def test_revert_classes(self):
        self.assert_same(named_in_code("RevertClass"), named_in_docs("Revert classes"))
        self.assertEqual(named_in_model("class") - named_in_code("RevertClass"), set())

    def test_orders(self):
        self.assertEqual(sorted(named_in_code("Order")), sorted(named_in_model("order", "order_")))

    def test_reasons(self):
        self.assert_same(named_in_code("Reason"), named_in_docs("Why a phase is left"))

    def test_bounds(self):
        for ours, theirs in (("kMaxOrders", "MOST_ORDERS"), ("kMaxUnsureOrders", "MOST_UNSURE")):
            self.assertIsNotNone(bound(ours), ours)
            self.assertEqual(bound(ours), bound_in_model(theirs), ours)

    def test_each_phase_and_decision_is_used_in_the_model(self):
        model = text_of("tests/model/group.pml")
        for kind in ("phase", "decision", "gate", "order", "class"):
            names = re.search(rf"^mtype:{kind} = \{{(.*?)\}};", model, re.DOTALL | re.MULTILINE)[1]
            for name in re.findall(r"\w+", names):
                self.assertGreater(len(re.findall(rf"\b{name}\b", model)), 1, f"{name} is only declared")


if __name__ == "__main__":
    unittest.main()
