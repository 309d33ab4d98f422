# SPDX-License-Identifier: Apache-2.0
"""A child with two images, and one deliverable that has both: all are marked, then the child is reset once."""

import pytest
from gateway import APP_2_0_0, PROFILE, RADIO_1_0_0, RADIO_2_0_0, RADIO_2_0_0_AFTER_APP_2, SOON_S
from mcuboot_image import running_digest

TARGETS = 'targets = [{ name = "app", image = 0 }, { name = "radio", image = 1 }]\n'


def start_with(gateway, *options):
    gateway.add_child(options=("--image", f"1={RADIO_1_0_0}", *options), targets=TARGETS)
    gateway.start(broker=False)
    return gateway.wait_for_child("boiler", lambda seen: seen["version"], "to say its version")


def versions(seen):
    return {target["name"]: target["version"] for target in seen["targets"]}


def sealed(gateway, radio=RADIO_2_0_0, app=APP_2_0_0):
    deliverable = gateway.publish(app, version="2.0.0", beside={"radio": radio})
    done = gateway.ctl_result("fetch", deliverable.url, "--wait")
    assert done.returncode == 0, done.stderr
    return gateway.sealed("2.0.0")


def runs_both(gateway, seen):
    """The child says that both new images run, confirmed, after one reset."""
    assert versions(seen) == {"app": "2.0.0", "radio": "2.0.0"}
    running = {slot["image"]: slot for slot in seen["slots"] if slot["active"]}
    assert running[0]["digest"] == running_digest(APP_2_0_0)
    assert all(slot["confirmed"] for slot in running.values())
    assert gateway.child.counters()["resets"] == 1


def test_both_are_tried_and_confirmed_where_all_can_be(gateway):
    gateway.profile = PROFILE + "confirms_all = true\n"
    before = start_with(gateway, "--confirm-any", "--confirm-all")
    assert versions(before) == {"app": "1.0.0", "radio": "1.0.0"}
    assert before["revert_class"] == "self-reverting"
    gateway.start_rollout(sealed(gateway))
    runs_both(gateway, gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S))
    counters = gateway.child.counters()
    assert (counters["tests"], counters["permanents"]) == (2, 0)
    assert counters["confirms"] >= 1


def test_both_are_marked_for_good_where_only_one_can_be_confirmed(gateway):
    """A stock server answers 32 to a confirm of image 1: a test could only be confirmed by halves."""
    assert start_with(gateway)["revert_class"] == "irrevocable"
    gateway.start_rollout(sealed(gateway))
    runs_both(gateway, gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S))
    counters = gateway.child.counters()
    assert (counters["tests"], counters["permanents"]) == (0, 2)


def test_images_that_need_each_other_come_together(gateway):
    """The bootloader takes this radio only with the new application: two updates of one image each would fail."""
    start_with(gateway)
    gateway.start_rollout(sealed(gateway, radio=RADIO_2_0_0_AFTER_APP_2))
    runs_both(gateway, gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S))


@pytest.mark.parametrize("component", ["radio", "app"])
def test_a_deliverable_with_one_of_them_leaves_the_other(gateway, component):
    start_with(gateway)
    image = {"radio": RADIO_2_0_0, "app": APP_2_0_0}[component]
    deliverable = gateway.publish(image, version="2.0.0", component=component)
    assert gateway.ctl_result("fetch", deliverable.url, "--wait").returncode == 0
    gateway.start_rollout(gateway.sealed("2.0.0"))
    seen = gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S)
    assert versions(seen) == {"app": "1.0.0", "radio": "1.0.0", component: "2.0.0"}
