# SPDX-License-Identifier: Apache-2.0
"""Plugin, daemon, line or child lost at the worst moment: the update ends where it should, nothing is reset twice."""

import pytest
from gateway import APP_1_1_0, SOON_S

# A transfer that takes a few seconds, so that there is a middle to lose something in.
SLOW_LINE = ("--baud", "115200")


def begun_update(gateway, deadline_s=SOON_S):
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0"))
    deliverable = gateway.wait_until_sealed("1.1.0", deadline_s)
    gateway.start_rollout(deliverable)
    return deliverable


def wait_for_bytes(gateway, least):
    gateway.wait_for(lambda: gateway.child.counters().get("upload_bytes", 0) >= least, SOON_S,
                     f"{least} bytes to be at the child")


def assert_confirmed_after_one_reset(gateway):
    seen = gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S)
    assert seen["version"] == "1.1.0"
    counters = gateway.child.counters()
    assert counters["resets"] == 1, counters
    assert counters["tests"] == 1, counters
    return counters


def test_plugin_killed_in_a_transfer(gateway):
    gateway.add_child(options=SLOW_LINE)
    gateway.start()
    begun_update(gateway)
    wait_for_bytes(gateway, 5000)
    gateway.plugin.kill()
    gateway.wait_for_journal("boiler", "link down")
    gateway.wait_for_child("boiler", lambda seen: not seen["online"], "to be offline")
    assert gateway.answers()

    gateway.start_plugin()
    counters = assert_confirmed_after_one_reset(gateway)
    assert counters["uploads_started"] == 1, "the child was asked what it has, and the rest was sent"
    assert counters["resumes"] >= 1


def test_daemon_killed_in_a_transfer(gateway):
    gateway.add_child(options=SLOW_LINE)
    gateway.start()
    begun_update(gateway)
    wait_for_bytes(gateway, 5000)
    gateway.daemon.kill()
    gateway.start_daemon()
    counters = assert_confirmed_after_one_reset(gateway)
    assert counters["uploads_started"] == 1
    assert len(gateway.journal_lines("signature", "verified")) == 1


def test_daemon_killed_between_activate_and_its_result(gateway):
    """The plugin lives on and carries the order out; the new daemon looks before it does anything."""
    gateway.add_child(options=("--swap-ms", "3000"))
    gateway.start()
    begun_update(gateway)
    gateway.wait_for(lambda: gateway.child.counters().get("reset_requests", 0) == 1, SOON_S, "the child to be reset")
    gateway.daemon.kill()
    assert gateway.plugin.is_running()
    gateway.start_daemon()
    counters = assert_confirmed_after_one_reset(gateway)
    assert counters["reset_requests"] == 1


def test_daemon_killed_when_activate_is_decided(gateway):
    """Earlier still: the order may or may not have reached the plugin."""
    gateway.add_child(options=("--swap-ms", "1000"))
    gateway.start()
    begun_update(gateway)
    gateway.wait_for_journal("boiler", "activating")
    gateway.daemon.kill()
    gateway.start_daemon()
    assert_confirmed_after_one_reset(gateway)


def test_plugin_killed_when_the_child_is_reset(gateway):
    gateway.add_child(options=("--swap-ms", "2000"))
    gateway.start()
    begun_update(gateway)
    gateway.wait_for(lambda: gateway.child.counters().get("reset_requests", 0) == 1, SOON_S, "the child to be reset")
    gateway.plugin.kill()
    gateway.start_plugin()
    assert_confirmed_after_one_reset(gateway)


def test_tty_that_vanishes_and_returns(gateway):
    gateway.add_child(options=SLOW_LINE)
    gateway.start()
    begun_update(gateway)
    wait_for_bytes(gateway, 5000)
    gateway.child.tty_vanishes()
    gateway.wait_for_child("boiler", lambda seen: not seen["online"] and seen["link_text"], "to be offline, and why")
    gateway.child.tty_returns()
    counters = assert_confirmed_after_one_reset(gateway)
    assert counters["uploads_started"] == 1


def test_child_that_loses_its_power_in_a_transfer(gateway):
    gateway.add_child(options=SLOW_LINE)
    gateway.start()
    begun_update(gateway)
    wait_for_bytes(gateway, 5000)
    gateway.child.stop()
    gateway.wait_for_child("boiler", lambda seen: not seen["online"] and seen["link_text"], "to be offline, and why")
    gateway.wait_for_journal("boiler", "link down")
    gateway.child.start()
    assert_confirmed_after_one_reset_of_its_own(gateway)


def assert_confirmed_after_one_reset_of_its_own(gateway):
    """Beside the power-on, which smp_child counts for itself."""
    seen = gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S)
    assert seen["version"] == "1.1.0"
    counters = gateway.child.counters()
    assert counters["reset_requests"] == 1, counters


def test_tty_that_is_not_there_at_the_start(gateway):
    gateway.add_child()
    gateway.broker.start()
    gateway.web.start()
    gateway.start_bus()
    gateway.start_daemon()
    gateway.start_plugin()
    seen = gateway.wait_for_child("boiler", lambda child: "tty" in child["link_text"], "to say why it is offline")
    assert not seen["online"]
    gateway.child.start()
    gateway.wait_for_child("boiler", lambda child: child["online"] and child["version"] == "1.0.0", "to be there")


def test_child_that_answers_nothing(gateway):
    gateway.add_child(options=("--mute",))
    gateway.broker.start()
    gateway.web.start()
    gateway.start_bus()
    gateway.child.start()
    gateway.start_daemon()
    gateway.start_plugin()
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0"), retain=True)
    gateway.start_rollout(gateway.wait_until_sealed("1.1.0"))
    seen = gateway.wait_for_child("boiler", lambda child: child["reason"] == "not-answering", "to be noticed",
                                  deadline_s=2 * SOON_S)
    assert seen["phase"] in ("preflight", "deferred", "resting")
    gateway.wait_for_journal("boiler", "not-answering")
    assert gateway.answers()
    assert gateway.child.counters()["resets"] == 0

    gateway.child.stop()
    gateway.child._options.remove("--mute")
    gateway.child.start()
    gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S)


def test_child_that_falls_silent_in_a_transfer(gateway):
    gateway.profile = gateway.profile.replace("stall_ms   = 15000", "stall_ms   = 4000").replace(
        "erase_ms       = 5000", "erase_ms       = 2000").replace("last_ms        = 5000", "last_ms        = 2000")
    gateway.add_child(options=("--mute-after-bytes", "12000"))
    gateway.start()
    begun_update(gateway)
    gateway.wait_for_child("boiler", lambda child: child["reason"] in ("transfer-failed", "not-answering"),
                           "to be noticed", deadline_s=2 * SOON_S)
    assert gateway.answers()


def test_child_that_comes_back_with_the_old_version(gateway):
    gateway.profile = gateway.profile.replace("attempts   = 5", "attempts   = 1")
    gateway.add_child(options=("--come-back-old",))
    gateway.start()
    begun_update(gateway)
    seen = gateway.wait_for_child("boiler", lambda child: child["phase"] in ("reverted", "resting"),
                                  "to be back", deadline_s=2 * SOON_S)
    assert seen["version"] == "1.0.0"
    assert seen["reason"] == "came-back-old"
    assert gateway.journal_lines("boiler", "came-back-old")
    assert gateway.child.counters()["confirms"] == 0


def test_child_that_reverts_by_itself_before_it_is_confirmed(gateway):
    """It is reset while the new image runs unconfirmed: MCUboot takes the old one back."""
    gateway.profile = gateway.profile.replace("health_ms  = 0", "health_ms  = 6000").replace(
        "attempts   = 5", "attempts   = 1")
    gateway.add_child()
    gateway.start()
    begun_update(gateway)
    gateway.wait_for_phase("testing")
    gateway.child.stop()
    gateway.child.start()
    seen = gateway.wait_for_child("boiler", lambda child: child["phase"] in ("reverted", "resting"), "to be back",
                                  deadline_s=2 * SOON_S)
    assert seen["version"] == "1.0.0"


@pytest.mark.parametrize("fault", [
    ("--drop-tx", "50"), ("--drop-rx", "50"), ("--lose-upload-state-at", "9000"), ("--reboot-at", "9000"),
    ("--noise",), ("--duplicate-answers",), ("--refuse-resets", "1")], ids=lambda fault: fault[0].strip("-"))
def test_a_line_or_a_child_with_a_fault(gateway, fault):
    gateway.add_child(options=fault)
    gateway.start()
    begun_update(gateway)
    seen = gateway.wait_for_phase("confirmed", deadline_s=3 * SOON_S)
    assert seen["version"] == "1.1.0"
