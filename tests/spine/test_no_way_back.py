# SPDX-License-Identifier: Apache-2.0
"""Members that keep no old image (an MCUboot that overwrites): brought back by a whole transfer, or, where that cannot be,
refused with their group, unless an operator forces it."""

import pytest
from gateway import APP_1_0_0
from product import GROUP, add_product, flash_runs, start_rollout, wait_for_end
from test_groups import MEMBERS, assert_all_run, fetched

OVERWRITES = ("--mode", "2")


def start_product(gateway, takes_older, **more):
    """Left and right overwrite; the middle, activated last, swaps."""
    gateway.profile = gateway.profile.replace("attempts   = 5", "attempts   = 1")
    gateway.profile += f"takes_older     = {'true' if takes_older else 'false'}\n"
    options = {"left": OVERWRITES, "middle": (), "right": OVERWRITES}
    add_product(gateway, {name: (*options[name], *more.get(name, ())) for name in MEMBERS}, {"middle": 1})
    gateway.start(broker=False)
    for name in MEMBERS:
        gateway.wait_for_child(name, lambda seen: seen["version"], "to say its version")


def came_with_1_0_0(gateway):
    deliverable = gateway.publish(APP_1_0_0, version="1.0.0")
    done = gateway.ctl_result("deliverables", "import", deliverable.url, "--baseline")
    assert done.returncode == 0, done.stderr


def test_all_new_and_none_is_the_pivot(gateway):
    start_product(gateway, takes_older=True)
    came_with_1_0_0(gateway)
    assert gateway.child_says("left")["revert_class"] == "reinstall"
    start_rollout(gateway, fetched(gateway))
    assert {child["phase"] for child in wait_for_end(gateway, MEMBERS).values()} == {"confirmed"}
    assert_all_run(gateway, "1.1.0")


def test_a_member_that_fails_takes_back_what_has_overwritten_its_old_image(gateway):
    start_product(gateway, takes_older=True, middle=("--come-back-old",))
    came_with_1_0_0(gateway)
    start_rollout(gateway, fetched(gateway))
    seen = wait_for_end(gateway, MEMBERS)
    assert {child["phase"] for child in seen.values()} == {"reverted"}, gateway.report()
    assert_all_run(gateway, "1.0.0")
    for name in ("left", "right"):
        assert gateway.children[name].counters()["resets"] == 2, "once to the new image, once back"


def test_without_its_old_image_the_group_is_refused_by_name(gateway):
    start_product(gateway, takes_older=True)
    start_rollout(gateway, fetched(gateway))
    seen = wait_for_end(gateway, MEMBERS)
    assert {child["phase"] for child in seen.values()} == {"refused"}
    why = gateway.ctl("why", GROUP)
    assert why["reason"] == "no-rollback-image" and "--baseline" in why["advice"], why
    assert_all_run(gateway, "1.0.0")


@pytest.mark.parametrize("fails", [False, True], ids=["takes it", "refuses it"])
def test_what_stays_is_refused_unless_it_is_forced(gateway, fails):
    start_product(gateway, takes_older=False, right=("--come-back-old",) if fails else ())
    deliverable = fetched(gateway)
    start_rollout(gateway, deliverable)
    wait_for_end(gateway, MEMBERS)
    why = gateway.ctl("why", GROUP)
    assert why["reason"] == "revert-class-not-allowed" and "--force" in why["advice"], why
    forced = gateway.ctl("rollout", "start", deliverable["id"], "--group", GROUP, "--force")
    assert gateway.ctl("rollout", "show", forced["rollout"])["forced"] is True
    seen = wait_for_end(gateway, MEMBERS)
    told = [line["reason_text"] for line in gateway.ctl("history", "right")]
    assert any("forced" in text and "may end mixed" in text for text in told), told
    assert flash_runs(gateway.children["left"]) == flash_runs(gateway.children["middle"]) == ("1.1.0", True)
    assert seen["right"]["phase"] == ("split" if fails else "confirmed")
    assert flash_runs(gateway.children["right"])[0] == ("1.0.0" if fails else "1.1.0")
