#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same seed gives the same run, to the last line; another seed another."""

import os
import subprocess
import sys

FLEET_SIM = os.path.join(os.environ["HEADGATE_BIN"], "fleet-sim")


def run(seed):
    words = [FLEET_SIM, "--children", "25", "--seed", str(seed), "--show"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    trace = done.stdout.splitlines()[-1]
    assert trace.startswith("trace "), trace
    return trace, done.stderr


def main():
    first, again, other = run(7), run(7), run(8)
    assert first == again, f"the same seed, and yet {first[0]} is not {again[0]}"
    assert first[0].split()[1] != other[0].split()[1], f"another seed, and the same: {other[0]}"
    assert len(first[1].splitlines()) > 1000, "hardly anything happened: it proves nothing"
    print(first[0])


sys.exit(main())
