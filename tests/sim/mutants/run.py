#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks one rule of daemon/core at a time (rules.toml) and demands that fleet-sim, or else the tables of tests/core,
catch it: `run.py [NAME...]`. Only the broken file is compiled anew, without optimisation and sanitizers."""

import concurrent.futures
import os
import re
import subprocess
import sys
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../../.."))
CORE = os.path.join(ROOT, "daemon/core")
OUT = os.path.join(os.environ.get("HEADGATE_BUILD_DIR", os.path.join(ROOT, "build/mutants")), "mutants")
LONGEST = 300  # seconds for one run; whoever takes longer goes in circles
SCENARIOS = ["default", "gateway", "deaths", "orders", "calm", "operator", "power"]
SEEDS = 25


def pkg_config(flag, *names):
    return subprocess.run(["pkg-config", flag, *names], check=True, capture_output=True, text=True).stdout.split()


FLAGS = ["-std=c++20", "-O0", "-I", os.path.join(ROOT, "daemon"), "-I", os.path.join(ROOT, "tests"),
         f'-DHEADGATE_SCENARIOS="{os.path.join(HERE, "../scenarios")}"', f'-DHEADGATE_SOURCE_DIR="{ROOT}"',
         *pkg_config("--cflags", "tomlplusplus")]


def compiler():
    has_cache = subprocess.run(["which", "ccache"], capture_output=True).returncode == 0
    return (["ccache"] if has_cache else []) + ["g++"]


def sources_in(directory, but=()):
    folder = os.path.join(ROOT, directory)
    names = sorted(name for name in os.listdir(folder) if name.endswith(".cpp") and name not in but)
    return [os.path.join(folder, name) for name in names]


def table_sources():
    """The tables of core: the test programs that need core alone."""
    with open(os.path.join(ROOT, "tests/core/CMakeLists.txt"), encoding="utf-8") as file:
        text = file.read()
    names = []
    for found in re.finditer(r"headgate_test\((\w+)(.*?)\)", text, re.DOTALL):
        if re.search(r"DEPENDS\s+hg_core\s*(?:TIMEOUT.*)?$", found.group(2).strip()):
            names += re.findall(r"(\w+\.cpp)", found.group(2))
    return [os.path.join(ROOT, "tests/core", name) for name in names]


def object_of(source):
    return os.path.join(OUT, os.path.relpath(source, ROOT).replace("/", "_")[:-4] + ".o")


def build(sources):
    """The object of each; what is there and newer than all headers is the compiler cache's affair."""
    def one(source):
        subprocess.run([*compiler(), *FLAGS, "-c", "-o", object_of(source), source], check=True)
        return object_of(source)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, sources))


def link(program, objects, libraries):
    subprocess.run(["g++", "-o", program, *objects, *libraries], check=True)


def breaks(words):
    """The first line that says what was found to be wrong; nothing if all was well."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return "goes in circles"
    if done.returncode == 0:
        return None
    said = [line.strip() for line in done.stdout.splitlines() if "VIOLATION" in line or "[  FAILED  ]" in line]
    if not said and done.returncode > 0 and "proves nothing" not in done.stderr:
        sys.exit(f"{words[0]}: {done.stderr}")
    return said[0] if said else (done.stderr.strip().splitlines() or [f"signal {-done.returncode}"])[-1]


class Bench:
    def __init__(self):
        os.makedirs(OUT, exist_ok=True)
        self.core = build(sources_in("daemon/core"))
        self.rest = build(sources_in("daemon/base", but=("asio.cpp",)) +
                          [os.path.join(ROOT, "daemon/app/settings_file.cpp")])
        self.sim = build(sources_in("tests/sim", but=("test_fleet.cpp", "scaling.cpp")))
        self.tables = None  # only for what the simulation does not catch

    def objects(self, mutant):
        """Core, with one file broken. Its text must stand there once."""
        path = os.path.join(CORE, mutant["file"])
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if text.count(mutant["find"]) != 1:
            sys.exit(f"{mutant['file']}: '{mutant['find'].strip()}' stands there {text.count(mutant['find'])} times, "
                     f"not once: write the mutant '{mutant['name']}' anew")
        broken = os.path.join(OUT, "broken_" + mutant["file"])
        with open(broken, "w", encoding="utf-8") as file:
            file.write(text.replace(mutant["find"], mutant["replace"]))
        made = object_of(broken)
        subprocess.run([*compiler(), *FLAGS, "-c", "-o", made, broken], check=True)
        return [made if old == object_of(path) else old for old in self.core]

    def by_simulation(self, core):
        program = os.path.join(OUT, "fleet-sim")
        link(program, [*core, *self.rest, *self.sim], pkg_config("--libs", "tomlplusplus"))
        for scenario in SCENARIOS:
            found = breaks([program, "--scenario", scenario, "--children", "30", "--seeds", str(SEEDS), "--stop"])
            if found:
                return f"fleet-sim {scenario}: {found}"
        return None

    def by_tables(self, core):
        if self.tables is None:
            self.tables = build(table_sources())
        program = os.path.join(OUT, "tables")
        link(program, [*core, *self.rest, *self.tables], pkg_config("--libs", "gmock", "gtest_main", "tomlplusplus"))
        found = breaks([program, "--gtest_brief=1"])
        return f"tables: {found}" if found else None


def main(names):
    with open(os.path.join(HERE, "rules.toml"), "rb") as file:
        mutants = [one for one in tomllib.load(file)["mutant"] if not names or one["name"] in names]
    if not mutants:
        sys.exit("no such mutant")
    bench = Bench()
    if found := bench.by_simulation(bench.core):
        sys.exit(f"nothing is broken, and yet: {found}")
    alive = []
    for mutant in mutants:
        core = bench.objects(mutant)
        caught = bench.by_simulation(core) or bench.by_tables(core)
        print(f"{mutant['name']}: {caught or 'NOT CAUGHT'}", flush=True)
        if not caught:
            alive.append(mutant["name"])
    if alive:
        sys.exit(f"{len(alive)} of {len(mutants)} not caught")
    print(f"{len(mutants)} mutants, all caught")


main(sys.argv[1:])
