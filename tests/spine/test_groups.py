# SPDX-License-Identifier: Apache-2.0
"""Three serial children that make up one product: all new, or all as before. What runs is read from their own flash."""

import collections
import random

import pytest
from child_process import make_image
from gateway import APP_1_1_0, APP_2_0_0, RADIO_1_0_0, RADIO_2_0_0, SOON_S
from product import GROUP, add_product, flash_runs, phases, start_rollout, wait_for_end

MEMBERS = ("left", "middle", "right")


def start_product(gateway, order=None, options=(), attempts=1, **more):
    gateway.profile = gateway.profile.replace("attempts   = 5", f"attempts   = {attempts}")
    add_product(gateway, {name: more.get(name, ()) for name in MEMBERS}, order, options)
    gateway.start(broker=False)
    for name in MEMBERS:
        gateway.wait_for_child(name, lambda seen: seen["version"], "to say its version")


def fetched(gateway, image=APP_1_1_0, version="1.1.0", **more):
    deliverable = gateway.publish(image, version=version, **more)
    done = gateway.ctl_result("fetch", deliverable.url, "--wait")
    assert done.returncode == 0, done.stderr
    return gateway.sealed(version)


def assert_all_run(gateway, version):
    for name in MEMBERS:
        assert flash_runs(gateway.children[name]) == (version, True), f"{name}\n{gateway.report()}"


def place(gateway, *words):
    """Of the first line of the journal with these words."""
    lines = gateway.journal()
    return next(number for number, line in enumerate(lines) if all(word in line for word in words))


def test_all_new(gateway):
    start_product(gateway)
    start_rollout(gateway, fetched(gateway))
    seen = wait_for_end(gateway, MEMBERS)
    assert {child["phase"] for child in seen.values()} == {"confirmed"}
    assert_all_run(gateway, "1.1.0")
    for name in MEMBERS:
        counters = gateway.children[name].counters()
        assert (counters["resets"], counters["tests"]) == (1, 1), counters
    shown = gateway.ctl("groups", "show", GROUP)
    assert shown["phase"] == "updated"
    assert shown["committed"] == gateway.sealed("1.1.0")["id"]


def test_they_are_activated_in_their_order(gateway):
    start_product(gateway, order={"left": 2, "middle": 1, "right": 1})
    start_rollout(gateway, fetched(gateway))
    wait_for_end(gateway, MEMBERS)
    assert_all_run(gateway, "1.1.0")
    first = place(gateway, "left", "activating")
    assert place(gateway, "middle", "testing") < first
    assert place(gateway, "right", "testing") < first


@pytest.mark.parametrize("failing", MEMBERS)
def test_a_member_that_fails_takes_all_back(gateway, failing):
    start_product(gateway, order={"left": 0, "middle": 1, "right": 2}, **{failing: ("--come-back-old",)})
    start_rollout(gateway, fetched(gateway))
    seen = wait_for_end(gateway, MEMBERS)
    assert {child["phase"] for child in seen.values()} == {"reverted"}
    assert_all_run(gateway, "1.0.0")
    assert seen[failing]["reason"] == "came-back-old"
    for name in MEMBERS:
        assert gateway.children[name].counters()["confirms"] == 0
    why = gateway.ctl("why", GROUP)
    assert failing in str(why), why


def test_a_member_that_says_no_leaves_all_untouched(gateway):
    start_product(gateway, middle=("--kit", "--answer-offer", "no"))
    start_rollout(gateway, fetched(gateway))
    seen = wait_for_end(gateway, MEMBERS)
    assert {child["phase"] for child in seen.values()} == {"refused"}
    assert seen["middle"]["reason"] == "child-refused"
    assert_all_run(gateway, "1.0.0")
    assert all(gateway.children[name].counters()["tests"] == 0 for name in MEMBERS)


def test_a_member_whose_power_goes_after_activate_takes_all_back(gateway):
    start_product(gateway, options=("--swap-ms", "3000"))
    start_rollout(gateway, fetched(gateway))
    gateway.wait_for_child("middle", lambda seen: seen["phase"] == "activating", "to be activated")
    gateway.children["middle"].stop()
    gateway.wait_for(lambda: {phases(gateway)[name] for name in ("left", "right")} == {"reverted"}, 3 * SOON_S,
                     "the others to go back")
    assert phases(gateway)["middle"] == "reverting"
    gateway.children["middle"].start()
    wait_for_end(gateway, MEMBERS)
    assert_all_run(gateway, "1.0.0")


def test_a_member_is_not_updated_alone(gateway):
    start_product(gateway)
    deliverable = fetched(gateway)
    refused = gateway.ctl_result("rollout", "start", deliverable["id"], "left")
    assert refused.returncode == 1
    assert GROUP in refused.stderr
    assert phases(gateway)["left"] == "idle"


def test_a_replaced_board_is_brought_to_what_its_group_has_committed(gateway):
    start_product(gateway)
    start_rollout(gateway, fetched(gateway))
    wait_for_end(gateway, MEMBERS)
    board = gateway.children["middle"]
    board.stop()
    board.state = gateway.directory / "another-board"
    board.start()
    gateway.wait_for_child("middle", lambda seen: seen["online"] and seen["version"] == "1.0.0", "to be another board")
    assert gateway.ctl_result("groups", "repair", GROUP).returncode == 0
    gateway.wait_for_child("middle", lambda seen: seen["phase"] == "confirmed" and seen["version"] == "1.1.0",
                           "to be repaired", deadline_s=2 * SOON_S)
    assert_all_run(gateway, "1.1.0")


TWO_TARGETS = 'targets = [{ name = "app", image = 0 }, { name = "radio", image = 1 }]\n'


@pytest.mark.parametrize("fails", [False, True], ids=["takes it", "refuses it"])
def test_the_one_that_cannot_be_brought_back_comes_last_and_decides(gateway, fails):
    """Two images and a stock server: its mark is for good, so that it is the pivot."""
    start_product(gateway, middle=("--image", f"1={RADIO_1_0_0}", *(("--come-back-old",) if fails else ())))
    pivot = gateway.children["middle"]
    pivot.configuration = pivot.configuration.replace('target = "app"\nimage = 0\n', TWO_TARGETS)
    gateway.write_configuration()
    gateway.daemon.stop()
    gateway.start_daemon()
    gateway.wait_for_child("middle", lambda seen: seen["online"] and seen["revert_class"] == "irrevocable", "to be back")
    start_rollout(gateway, fetched(gateway, APP_2_0_0, "2.0.0", beside={"radio": RADIO_2_0_0}))
    seen = wait_for_end(gateway, MEMBERS)
    assert {child["phase"] for child in seen.values()} == {"reverted" if fails else "confirmed"}
    assert_all_run(gateway, "1.0.0" if fails else "2.0.0")
    touched = place(gateway, "middle", "activating")
    assert place(gateway, "left", "testing") < touched
    assert place(gateway, "right", "testing") < touched


# ------------------------------------------------------------------------------------------------------------- kills

SIZE = 12_000
LINES_ABOUT = 24  # of the journal about the three, in one update


def kill_daemon(gateway):
    gateway.daemon.kill()
    gateway.start_daemon()


def kill_plugin(gateway):
    gateway.plugin.kill()
    gateway.start_plugin()


def steps_done(gateway):
    return len([line for line in gateway.journal() if any(f"{name}:" in line for name in MEMBERS)])


def test_killed_between_any_two_steps(gateway, kills):
    """The daemon or the plugin, in one update after the other, at a step that chance chooses; in every other one of them
    a member refuses the new image."""
    chance = random.Random(1)
    first = gateway.directory / "1.0.0.bin"
    first.write_bytes(make_image((1, 0, 0), SIZE))
    add_product(gateway, dict.fromkeys(MEMBERS, ()), {"right": 1}, image=first)
    gateway.profile = gateway.profile.replace("attempts   = 5", "attempts   = 1")
    gateway.start(broker=False)
    runs, struck = "1.0.0", collections.Counter()
    for number in range(1, kills + 1):
        failing = chance.choice(MEMBERS) if number % 2 == 0 else None
        if failing:
            gateway.children[failing].stop()
            gateway.children[failing].start("--come-back-old")
            gateway.wait_for_child(failing, lambda seen: seen["online"], "to be back")
        version = f"1.{number // 100 + 1}.{number % 100}"
        image = gateway.directory / f"{version}.bin"
        image.write_bytes(make_image((1, number // 100 + 1, number % 100), SIZE))
        begun = steps_done(gateway)
        point = begun + chance.randrange(LINES_ABOUT)
        start_rollout(gateway, fetched(gateway, image, version))
        gateway.wait_for(lambda: steps_done(gateway) >= point or
                         all(phase in ("confirmed", "reverted", "resting") for phase in phases(gateway).values()) and
                         steps_done(gateway) > begun + 3, 2 * SOON_S, "the update to come so far")
        struck[", ".join(sorted(set(phases(gateway).values())))] += 1
        kill = chance.choice((kill_daemon, kill_plugin))
        kill(gateway)
        seen = wait_for_end(gateway, MEMBERS)
        told = f"kill {number} ({kill.__name__}, at step {point - begun}, {failing} fails): {seen}\n{gateway.report()}"
        flashes = {flash_runs(gateway.children[name]) for name in MEMBERS}
        assert len(flashes) == 1, told
        runs_now, is_settled = flashes.pop()
        assert is_settled, told
        all_new = {child["phase"] for child in seen.values()} == {"confirmed"}
        assert runs_now == (version if all_new else runs), told
        assert not (failing and all_new), told
        runs = runs_now
        if failing:
            gateway.children[failing].stop()
            gateway.children[failing].start()
            gateway.wait_for_child(failing, lambda seen: seen["online"], "to be back")
    print(f"{kills} kills, while they were: {dict(struck)}")
