# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of the daemon at ten random moments of one update, from the announcement to the confirmed child."""

import os
import random

import pytest
from gateway import APP_1_1_0, SOON_S

KILLS = 10
LINE = ("--baud", "115200", "--swap-ms", "1500")
SEEDS = [int(seed) for seed in os.environ.get("HEADGATE_SEEDS", "1 2").split()]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_update_goes_on_where_the_child_stood(gateway, seed):
    chance = random.Random(seed)
    gateway.add_child(options=LINE)
    gateway.start()
    # An announcement that a new subscriber gets as well: the daemon may die before it has fetched anything.
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0", via=f"{gateway.web.url}/slow"), retain=True)
    about_s = 12  # fetch 1 s, transfer 3 s, swap 1.5 s, ten starts
    rollout_started = False
    kills_before_sealing = 0
    for _ in range(KILLS):
        assert gateway.daemon.runs_on_for(chance.uniform(0, 2 * about_s / KILLS)), gateway.daemon.tail()
        gateway.daemon.kill()
        gateway.start_daemon()
        sealed = gateway.sealed("1.1.0")
        kills_before_sealing += 0 if sealed else 1
        if sealed and not rollout_started:
            gateway.start_rollout(sealed)
            rollout_started = True
    if not rollout_started:
        gateway.start_rollout(gateway.wait_until_sealed("1.1.0"))

    seen = gateway.wait_for_phase("confirmed", deadline_s=3 * SOON_S)
    assert seen["version"] == "1.1.0"
    counters = gateway.child.counters()
    assert counters["resets"] == 1, counters
    assert counters["tests"] == 1, counters
    assert counters["uploads_started"] == 1, counters

    assert_verified_at_most_once_more(gateway, kills_before_sealing)


def assert_verified_at_most_once_more(gateway, kills_before_sealing):
    lines = gateway.journal()
    verified = [number for number, line in enumerate(lines) if "signature" in line and "verified" in line]
    sealed = [number for number, line in enumerate(lines) if "1.1.0 sealed" in line]
    assert verified
    assert len(verified) <= 1 + kills_before_sealing
    if sealed:
        assert max(verified) < min(sealed), "verified again after it was sealed"
