# SPDX-License-Identifier: Apache-2.0
"""Faults at random points of one update after the other: the plugin is killed, the child reset, its power cut, the cable
pulled, the daemon killed; on a good line and on one that loses bytes. Each update ends confirmed, or with the old image
as it was; what runs is read from the child's own flash.

20 points every day; `tests/run soak` tries 100 (--faults), and half as many on the bad line. One seed is one sequence of
faults: HEADGATE_SEEDS=1,2,3 tries several."""

import os
import random
import signal
import struct

import pytest

from child_process import make_image
from gateway import SOON_S

SEEDS = [int(seed) for seed in os.environ.get("HEADGATE_SEEDS", "1").replace(",", " ").split()]
SIZE = 24_000  # 3 s at 115200 baud, so that there is a middle
CHILD = ("--baud", "115200", "--swap-ms", "800")
BAD_LINE = ("--lose-bytes-per-million", "100")  # one in 10,000: every tenth packet
ABOUT_S = 5.0  # one update: ask, transfer, swap, confirm


def flash_runs(child):
    """The version in the child's primary slot, and whether a test or a mark is left: from its state directory."""
    header = (child.state / "slot0.bin").read_bytes()[:28]
    major, minor, revision = struct.unpack_from("<BBH", header, 20)
    boot = (child.state / "boot").read_text()
    return f"{major}.{minor}.{revision}", "mark none testing 0" in boot


def kill_plugin(gateway, chance):
    gateway.plugin.kill()
    gateway.daemon.runs_on_for(chance.uniform(0, 0.5))
    gateway.start_plugin()


def pull_cable(gateway, chance):
    gateway.child.tty_vanishes()
    gateway.daemon.runs_on_for(chance.uniform(0, 1.0))
    gateway.child.tty_returns()


def reset_child(gateway, chance):
    """As by its own button, or its watchdog."""
    gateway.child.program.signal(signal.SIGHUP)
    gateway.daemon.runs_on_for(chance.uniform(0, 0.5))


def cut_power(gateway, chance):
    gateway.child.program.kill()
    gateway.child.stop()
    gateway.daemon.runs_on_for(chance.uniform(0, 1.0))
    gateway.child.start()


def kill_daemon(gateway, chance):
    gateway.daemon.kill()
    gateway.start_daemon()


FAULTS = (kill_plugin, pull_cable, reset_child, cut_power, kill_daemon)


def came_to_rest(gateway, rollout_version):
    def rests(seen):
        return seen["phase"] in ("confirmed", "reverted", "resting") and seen["online"]

    return gateway.wait_for_child("boiler", rests, f"to come to rest in the update to {rollout_version}", 4 * SOON_S)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_update_ends_confirmed_or_as_before(gateway, faults, seed):
    try_faults(gateway, faults, seed, CHILD)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_update_ends_so_on_a_line_that_loses_bytes(gateway, faults, seed):
    try_faults(gateway, faults // 2, seed, CHILD + BAD_LINE)
    assert gateway.child.counters()["link_drops"] > 0


def try_faults(gateway, faults, seed, options):
    chance = random.Random(seed)
    first = gateway.directory / "1.0.0.bin"
    first.write_bytes(make_image((1, 0, 0), SIZE))
    gateway.profile = gateway.profile.replace("attempts   = 5", "attempts   = 3").replace("rest_h", "#rest_h")
    gateway.add_child(image=first, options=options)
    gateway.start()
    before, ended = "1.0.0", {}
    for number in range(1, faults + 1):
        version = f"1.{number // 100}.{number % 100}"
        image = gateway.directory / f"{version}.bin"
        image.write_bytes(make_image((1, number // 100, number % 100), SIZE))
        gateway.announce(gateway.publish(image, version=version), retain=True)
        gateway.start_rollout(gateway.wait_until_sealed(version))
        assert gateway.daemon.runs_on_for(chance.uniform(0, ABOUT_S)), gateway.daemon.tail()
        fault = chance.choice(FAULTS)
        fault(gateway, chance)
        seen = came_to_rest(gateway, version)
        runs, is_settled = flash_runs(gateway.child)
        told = f"fault {number} ({fault.__name__}, seed {seed}): {seen}\n{gateway.report()}"
        assert is_settled, told
        assert runs == (version if seen["phase"] == "confirmed" else before), told
        ended[seen["phase"]] = ended.get(seen["phase"], 0) + 1
        before = runs
    print(f"{faults} faults: {ended}")
    assert ended.get("confirmed", 0) >= 0.9 * faults, f"an update after one fault is tried again: {ended}"
