# SPDX-License-Identifier: Apache-2.0
"""Children that are not as usual: one whose application does not boot any more, and those that no image can be brought to."""

import pytest
from gateway import APP_2_0_0, SOON_S, VECTORS
from mcuboot_image import running_digest

BROKEN = VECTORS / "app-1.1.0-flipped-payload-byte.bin"


def sealed(gateway):
    deliverable = gateway.publish(APP_2_0_0, version="2.0.0")
    done = gateway.ctl_result("fetch", deliverable.url, "--wait")
    assert done.returncode == 0, done.stderr
    return gateway.sealed("2.0.0")


def test_a_child_in_recovery_is_rescued(gateway):
    gateway.add_child(image=BROKEN, options=("--recovery", "auto"))
    gateway.start(broker=False)
    found = gateway.wait_for_child("boiler", lambda seen: seen["staging"] == "in-place", "to be found in recovery")
    assert found["revert_class"] == "unstageable"
    assert found["version"] == ""  # nothing runs
    gateway.start_rollout(sealed(gateway))
    rescued = gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S)
    assert (rescued["version"], rescued["digest"]) == ("2.0.0", running_digest(APP_2_0_0))
    assert rescued["staging"] == "aside"
    assert gateway.child.counters()["resets"] == 1


@pytest.mark.parametrize("mode,name", [(4, "direct XIP"), (6, "RAM"), (0, "one slot")])
def test_a_child_that_no_image_can_be_brought_to_is_refused_by_name(gateway, mode, name):
    gateway.add_child(options=("--mode", str(mode)))
    gateway.start(broker=False)
    found = gateway.wait_for_child("boiler", lambda seen: seen["staging"] == "impossible", "to say its bootloader's mode")
    assert name.lower() in found["obstacle"].lower(), found["obstacle"]
    gateway.start_rollout(sealed(gateway))
    refused = gateway.wait_for_phase("refused", deadline_s=2 * SOON_S)
    assert refused["reason"] == "not-stageable"
    assert name.lower() in refused["reason_text"].lower(), refused["reason_text"]
    counters = gateway.child.counters()
    assert (counters["uploads_started"], counters["resets"]) == (0, 0)
