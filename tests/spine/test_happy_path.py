# SPDX-License-Identifier: Apache-2.0
"""The way of a deliverable from the announcement to the child that runs it and is confirmed."""

from gateway import APP_1_0_0, APP_1_1_0
from mcuboot_image import running_digest


def test_a_signed_deliverable_comes_from_the_cloud_and_one_child_runs_it(gateway):
    gateway.start()
    before = gateway.wait_for_child("boiler", lambda seen: seen["version"], "to say its version")
    assert before["version"] == "1.0.0"
    assert before["digest"] == running_digest(APP_1_0_0)

    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0"))
    deliverable = gateway.wait_until_sealed("1.1.0")
    assert deliverable["product"] == "boiler"
    assert gateway.child.counters()["resets"] == 0  # nothing happens to a child before somebody asks for it

    gateway.start_rollout(deliverable)
    after = gateway.wait_for_phase("confirmed")
    assert after["version"] == "1.1.0"
    assert after["digest"] == running_digest(APP_1_1_0)

    counters = gateway.child.counters()
    assert counters["tests"] == 1
    assert counters["resets"] == 1
    assert counters["confirms"] == 1
    assert counters["uploads_started"] == 1
    assert gateway.journal_lines("boiler", "confirmed")


def test_what_is_confirmed_is_remembered_over_a_restart(gateway):
    gateway.start()
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0"))
    gateway.start_rollout(gateway.wait_until_sealed("1.1.0"))
    gateway.wait_for_phase("confirmed")
    assert gateway.daemon.stop() == 0

    gateway.start_daemon()
    assert gateway.sealed("1.1.0")
    seen = gateway.wait_for_child("boiler", lambda child: child["online"] and child["version"], "to be seen again")
    assert seen["phase"] == "confirmed"
    assert seen["version"] == "1.1.0"
    assert gateway.child.counters()["resets"] == 1


def test_two_children_are_updated_by_one_rollout(gateway):
    gateway.add_child("boiler")
    gateway.add_child("boiler-2")
    gateway.start()
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0"))
    gateway.start_rollout(gateway.wait_until_sealed("1.1.0"))
    for name, child in gateway.children.items():
        gateway.wait_for_phase("confirmed", name)
        assert child.counters()["resets"] == 1
