#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a source tree (default: this one) against the rules of the house; names each breach and exits 1."""

import os
import sys

import house_rules


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    found = house_rules.violations(os.path.normpath(root))
    for line in found:
        print(line)
    files = sum(1 for _ in house_rules.source_paths(root))
    print(f"{files} files, {len(found)} breaches of the rules")
    return 1 if found or files < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
