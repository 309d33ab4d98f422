#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Has spin search all states of group.pml, for each variant: `run.py [--all-cycles] [NAME...]`.

Each variant is searched for broken assertions and for ends that are no rest. A sound one is searched for cycles as well,
which takes four times as long: those of CYCLES each time, all of them with --all-cycles. There may be none at all: faults
are counted, so a model without cycles comes to rest in each of its runs. A search that was cut short proves nothing and
fails. A variant with a rule left out must be caught.
"""

import dataclasses
import os
import re
import resource
import subprocess
import sys
import tempfile

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "group.pml")
DEEPEST = 20000
MOST_MEMORY = 1024  # MiB
LONGEST = 1200  # seconds for one search, on a machine that has other things to do

R, S, X = "self_reverting", "swap_back", "irrevocable"


def of(*classes, **more):
    """Defines for these classes of the three members, and others: DEAD=1; ORDERED=None is without a value."""
    named = {f"C{i}": name for i, name in enumerate(classes)} | more
    return [f"-D{name}" if value is None else f"-D{name}={value}" for name, value in named.items()]


SOUND = {
    "three that revert": of(R, R, R),
    "one after the other": of(R, R, R, ORDERED=None),
    "two that revert, one that swaps back": of(R, R, S),
    "three that swap back": of(S, S, S),
    "pivot last": of(R, R, X),
    "pivot in the middle": of(R, X, R),
    "pivot first": of(X, R, R),
    "pivot first, one after the other": of(X, R, R, ORDERED=None),
    "pivot among those that swap back": of(S, X, S),
    "pivot that installs as it receives": of(R, S, X, UNSTAGEABLE=None),
    "one of each": of(R, S, X),
    "one dies": of(R, R, R, DEAD=1),
    "one that swaps back dies": of(R, S, R, DEAD=1),
    "last dies, one after the other": of(R, R, R, DEAD=2, ORDERED=None),
    "pivot dies": of(R, R, X, DEAD=2),
    "one dies beside a pivot": of(R, R, X, DEAD=0),
    "one refuses": of(R, R, R, REFUSING=1),
    "one that swaps back refuses": of(R, S, R, REFUSING=1),
    "pivot refuses": of(R, X, R, REFUSING=1),
    "one refuses beside a pivot": of(R, S, X, REFUSING=0),
    "one flaps": of(R, R, R, FLAPPING=0),
    "one that swaps back flaps": of(R, S, R, FLAPPING=1),
    "pivot flaps": of(R, R, X, FLAPPING=2),
    "one is current already": of(R, R, X, CURRENT=1),
    "one was marked by somebody else": of(R, R, R, FOREIGN=1),
    "a further one is forced along": of(R, X, X, FORCED=2),
    "pivot refuses, and a further one is forced along": of(R, X, X, FORCED=2, REFUSING=1),
    "one that is forced along dies": of(S, X, X, FORCED=2, DEAD=2),
    "tried again": of(R, R, S, ATTEMPTS=1, CUTS=1),
    "many power cuts": of(R, S, X, CUTS=4, LOSSES=0, CRASHES=0),
    "many crashes and lost messages": of(R, S, X, CUTS=0, LOSSES=2, CRASHES=3, REPEATS=2),
}

CYCLES = {"one after the other", "pivot in the middle", "one of each", "pivot dies", "pivot flaps", "one refuses beside a pivot"}

MIXED, BLOCKED = "rests mixed", "blocked before it rests"
TAKEN_BACK, NO_REASON = "a decision taken back", "back without a reason"
THERE = "rests there"

# The rule that is left out, or what is wrongly said, and what spin finds then.
BROKEN = {
    "no pivot": (MIXED, of(R, R, X, BROKEN_NO_PIVOT=None)),
    "back after PIVOT": (MIXED, of(R, R, X, BROKEN_BACK_AFTER_PIVOT=None)),
    "back although the pivot is marked": (MIXED, of(R, R, X, BROKEN_PIVOT_MARKED_BACK=None)),
    "a mark is forgotten": (MIXED, of(R, R, R, BROKEN_FORGET_MARK=None)),
    "commit before all are healthy": (MIXED, of(R, R, R, REFUSING=1, BROKEN_COMMIT_EARLY=None)),
    "back after COMMIT": (TAKEN_BACK, of(R, R, R, BROKEN_TWO_DECISIONS=None)),
    "back after COMMIT, unwatched": (MIXED, of(R, R, R, BROKEN_TWO_DECISIONS=None, UNWATCHED=None)),
    "acted before it is stored": (MIXED, of(R, R, X, BROKEN_NOT_DURABLE=None)),
    "no guard": (MIXED, of(R, R, S, BROKEN_DROP_GUARD=None)),
    "no guard, nothing but a repeated order": (NO_REASON, of(R, R, R, CUTS=0, LOSSES=0, BROKEN_DROP_GUARD=None)),
    "inspected before the last order has ended": (MIXED, of(R, R, R, BROKEN_DROP_FENCE=None)),
    "orders are counted that did not fail": (MIXED, of(R, R, R, BROKEN_COUNT_ALL_ORDERS=None)),
    "way back waits for the dead": (BLOCKED, of(R, R, R, DEAD=2, ORDERED=None, BROKEN_BACK_WAITS=None)),
    # What --force allows, and its history says by whom.
    "one that is forced along refuses": (MIXED, of(R, X, X, FORCED=2, REFUSING=2)),
    # A model in which nothing happens would be sound: each of these ends is there.
    "new": (THERE, of(R, S, X, NEVER="confirmed")),
    "back": (THERE, of(R, S, X, NEVER="reverted")),
    "refused": (THERE, of(R, S, X, NEVER="refused")),
    "put off": (THERE, of(R, S, X, NEVER="deferred")),
    "withdrawn": (THERE, of(R, S, X, NEVER="cancelled")),
    "pivot is lost": (THERE, of(R, S, X, NEVER="split", DEAD=2)),
}


@dataclasses.dataclass
class Verdict:
    states: int
    depth: int
    errors: int
    said: str  # what was violated
    is_whole: bool  # nothing was left out of the search

    def __str__(self):
        rest = f": {self.said}" if self.said else ""
        cut = "" if self.is_whole or self.errors else ", CUT SHORT"
        return f"{self.states:>9} states, depth {self.depth:>4}, errors {self.errors}{cut}{rest}"


def meaning_of(said, replay):
    """What was violated. pan prints a wrong text for some of the assertions: the replay of its trail tells which it was."""
    if not said.startswith("assertion violated"):
        return BLOCKED if said.startswith("invalid end state") else said
    failed = re.search(r"text of failed assertion: assert\((.*)\)", replay)
    if not failed:
        return said
    if re.fullmatch(r"\(*has_reason\)*", failed[1]):
        return NO_REASON
    if failed[1].startswith("!("):
        return THERE
    return TAKEN_BACK if re.match(r"\(*decision==", failed[1]) else MIXED


def verdict_of(output, replay):
    """What pan printed. An output that is not understood counts as cut short."""
    found = re.search(r"depth reached (\d+).*errors: (\d+)", output)
    states = re.search(r"^\s*([\d.e+]+) states, stored", output, re.MULTILINE)
    said = re.search(r"^pan:\d+: (.*)", output, re.MULTILINE)
    is_whole = bool(found and states) and not re.search(
        r"max search depth too small|out of memory|Search not completed|search hash factor|reached -DMEMLIM|aborted",
        output)
    return Verdict(int(float(states[1])) if states else 0, int(found[1]) if found else 0,
                   int(found[2]) if found else 0, meaning_of(said[1], replay()) if said else "", is_whole)


def search(directory, defines, for_cycles=False):
    """One exhaustive search. The first error ends it."""
    def run(*command):
        result = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                timeout=LONGEST, check=False)
        return result.returncode, result.stdout

    code, said = run("spin", *defines, "-a", MODEL)
    if code != 0 or "Error" in said:
        raise SystemExit(f"spin: {said}")
    # Without optimization: compiling would take far longer than searching.
    code, said = run("gcc", "-w", "-O0", "-DCOLLAPSE", f"-DMEMLIM={MOST_MEMORY}", *(["-DNP"] if for_cycles else []),
                     "-o", "pan", "pan.c")
    if code != 0:
        raise SystemExit(f"gcc: {said}")
    output = run("./pan", "-n", f"-m{DEEPEST}", *(["-l"] if for_cycles else []))[1]
    return verdict_of(output, lambda: run("spin", *defines, "-t", "-p", "-k", "group.pml.trail", MODEL)[1])


def check(name, for_cycles):
    """Prints spin's verdicts of a variant; whether they are what they should be."""
    is_sound = name in SOUND
    expected, defines = ("", SOUND[name]) if is_sound else BROKEN[name]
    print(f"{name}: {' '.join(define[2:] for define in defines)}")
    with tempfile.TemporaryDirectory(prefix="headgate-model-") as directory:
        verdict = search(directory, defines)
        print(f"  safety   {verdict}", flush=True)
        if not is_sound:
            is_good = verdict.errors > 0 and verdict.said == expected
        else:
            verdicts = [verdict]
            if for_cycles:
                verdicts.append(search(directory, defines, for_cycles=True))
                print(f"  cycles   {verdicts[1]}", flush=True)
            is_good = all(found.errors == 0 and found.is_whole and found.states > 100 for found in verdicts)
    if not is_good:
        print("  WRONG: " + ("a sound variant must be searched to its end, without an error" if is_sound
                             else f"expected: {expected}"), flush=True)
    return is_good


def main(words):
    names = [word for word in words if word != "--all-cycles"]
    all_cycles = len(names) < len(words)
    known = [*SOUND, *BROKEN]
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"there is no variant {unknown[0]!r}; there are: {', '.join(known)}")
    wrong = [name for name in names or known if not check(name, all_cycles or name in CYCLES)]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{len(names or known)} variants, {len(wrong)} wrong; {used.ru_utime + used.ru_stime:.0f} s of one core, "
          f"{used.ru_maxrss // 1024} MiB at most")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
