# SPDX-License-Identifier: Apache-2.0
"""BLE children from an envelope to a confirmed image, and what their links count for."""

import ble_children
import dbus
import pytest
from ble_children import add, give_passkey, start
from gateway import APP_1_1_0, SOON_S, VECTORS
from mcuboot_image import running_digest

KEYS = VECTORS / "keys"
BOILER = "C0:FF:EE:00:00:01"
METER = "C0:FF:EE:00:00:02"
VALVE = "C0:FF:EE:00:00:03"
PASSKEY = 123456


@pytest.fixture
def air(gateway):
    return ble_children.prepare(gateway)


def seen(gateway, name, predicate, what):
    return gateway.wait_for_child(name, predicate, what, deadline_s=2 * SOON_S)


def sealed(gateway, image=APP_1_1_0, version="1.1.0"):
    deliverable = gateway.publish(image, version=version)
    done = gateway.ctl_result("fetch", deliverable.url, "--wait")
    assert done.returncode == 0, done.stderr
    return gateway.sealed(version)


def test_a_child_behind_gatt_is_updated(gateway, air):
    boiler = add(gateway, air, "boiler", BOILER, link="internal")
    start(gateway, air)
    found = seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    assert (found["transport"], found["version"]) == ("ble", "1.0.0")
    gateway.start_rollout(sealed(gateway))
    after = gateway.wait_for_phase("confirmed", "boiler", deadline_s=3 * SOON_S)
    assert after["digest"] == running_digest(APP_1_1_0)
    counters = boiler.counters()
    assert (counters["uploads_started"], counters["resets"], counters["confirms"]) == (1, 1, 1)
    assert not any(call.startswith("Pair ") for call in air.calls())


def test_a_child_is_found_by_its_name(gateway, air):
    add(gateway, air, "boiler", BOILER, link="internal", enrolled_as="name:boiler")
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"] == "1.0.0", "to say its version")


def test_two_children_with_one_name_are_both_named_and_none_is_served(gateway, air):
    add(gateway, air, "boiler", BOILER, link="internal", enrolled_as="name:twin", values={"Name": "twin"})
    add(gateway, air, "meter", METER, link="internal", enrolled_as="name:other", values={"Name": "twin"})
    start(gateway, air)
    found = seen(gateway, "boiler", lambda s: BOILER in s["link_text"] and METER in s["link_text"],
                 "to be offline with both addresses in the cause")
    assert not found["online"]
    assert not any(call.startswith("Connect ") for call in air.calls())


def test_a_stranger_with_the_smp_service_is_listed_and_left_alone(gateway, air):
    add(gateway, air, "boiler", BOILER, link="internal")
    start(gateway, air)
    stranger = ble_children.BleChild(gateway, air, "stranger", METER)
    gateway.children["stranger"] = stranger
    stranger.start()
    gateway.wait_for(lambda: any(METER in str(met) for met in gateway.ctl("children")
                                 if met.get("phase") == "discovered"), 2 * SOON_S,
                     "the stranger to be listed")
    device = METER.replace(":", "_")
    assert not any(device in call for call in air.calls()), air.calls()


def test_a_passkey_bond_with_the_kits_report_is_proven_and_carries_a_plain_image(gateway, air):
    gateway.give_key(KEYS / "gateway-enc-p256.pem")
    add(gateway, air, "boiler", BOILER, pairing="passkey", options=("--kit", "--kit-link-level", "4"),
        values={"Pairing": "passkey", "Passkey": PASSKEY, "Encrypted": True})
    start(gateway, air)
    down = seen(gateway, "boiler", lambda s: "passkey" in s["link_text"], "to say that it has no passkey")
    assert not down["online"]
    give_passkey(gateway, "boiler", PASSKEY)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    gateway.start_rollout(sealed(gateway))
    after = gateway.wait_for_phase("confirmed", "boiler", deadline_s=3 * SOON_S)
    assert after["digest"] == running_digest(APP_1_1_0)
    assert sum(call.startswith("Pair ") for call in air.calls()) == 1
    assert str(PASSKEY) not in gateway.plugin.tail()


def test_a_link_without_a_bond_carries_no_plain_image(gateway, air):
    boiler = add(gateway, air, "boiler", BOILER)
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    gateway.start_rollout(sealed(gateway))
    after = gateway.wait_for_phase("refused", "boiler", deadline_s=2 * SOON_S)
    assert after["reason"] == "no-protection"
    assert boiler.counters()["uploads_started"] == 0


def test_a_wrong_passkey_is_named_and_nothing_is_bonded(gateway, air):
    gateway.give_key(KEYS / "gateway-enc-p256.pem")
    boiler = add(gateway, air, "boiler", BOILER, pairing="passkey",
                 values={"Pairing": "passkey", "Passkey": PASSKEY, "Encrypted": True})
    start(gateway, air)
    gateway.wait_for_child("boiler", lambda s: "passkey" in s["link_text"], "to say that it has no passkey")
    give_passkey(gateway, "boiler", PASSKEY + 1)
    found = seen(gateway, "boiler", lambda s: "pair" in s["link_text"], "to say that pairing failed")
    assert not found["online"]
    assert not (gateway.directory / "ble-state/boiler.bond").exists()
    give_passkey(gateway, "boiler", PASSKEY)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to be served with the right one")
    assert boiler.counters()["resets"] == 0


def test_a_child_that_pairs_without_its_passkey_is_refused(gateway, air):
    """A man in the middle offers just works; so does a child that was set up wrongly."""
    gateway.give_key(KEYS / "gateway-enc-p256.pem")
    add(gateway, air, "boiler", BOILER, pairing="passkey", values={"Pairing": "just-works"})
    start(gateway, air)
    gateway.wait_for_child("boiler", lambda s: "passkey" in s["link_text"], "to say that it has no passkey")
    give_passkey(gateway, "boiler", PASSKEY)
    found = seen(gateway, "boiler", lambda s: "without asking" in s["link_text"], "to say that nobody was authenticated")
    assert not found["online"]
    gateway.wait_for(lambda: any(call.startswith("RemoveDevice") for call in air.calls()), SOON_S, "the bond to go")


def test_a_bond_is_removed_with_the_child(gateway, air):
    add(gateway, air, "boiler", BOILER, pairing="just-works", values={"Pairing": "just-works"})
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    assert (gateway.directory / "ble-state/boiler.bond").exists()
    removed = sum(call.startswith("RemoveDevice") for call in air.calls())
    gateway.daemon.stop()
    gateway.children.clear()
    gateway.start_daemon()
    gateway.wait_for(lambda: sum(call.startswith("RemoveDevice") for call in air.calls()) > removed, SOON_S,
                     "the bond to be removed from bluetoothd")
    gateway.wait_for(lambda: not (gateway.directory / "ble-state/boiler.bond").exists(), SOON_S, "the memory of it")


def test_the_bond_of_a_child_that_was_forgotten_while_the_plugin_did_not_run_goes(gateway, air):
    add(gateway, air, "boiler", BOILER, pairing="just-works", values={"Pairing": "just-works"})
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    gateway.plugin.stop()
    gateway.daemon.stop()
    gateway.children.clear()
    removed = sum(call.startswith("RemoveDevice") for call in air.calls())
    gateway.start_daemon()
    ble_children.start_plugin(gateway)
    gateway.wait_for(lambda: sum(call.startswith("RemoveDevice") for call in air.calls()) > removed, SOON_S,
                     "the bond to be removed from bluetoothd")
    gateway.wait_for(lambda: not (gateway.directory / "ble-state/boiler.bond").exists(), SOON_S, "the memory of it")


def begin_transfer(gateway, air):
    """A child that has a quarter of the image."""
    boiler = add(gateway, air, "boiler", BOILER, link="internal", options=("--work-us", "20000"))
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    gateway.start_rollout(sealed(gateway))
    gateway.wait_for(lambda: boiler.counters().get("upload_bytes", 0) > APP_1_1_0.stat().st_size / 4, SOON_S,
                     "a quarter of the image")
    return boiler


def test_a_link_that_breaks_in_a_transfer_is_resumed(gateway, air):
    boiler = add(gateway, air, "boiler", BOILER, link="internal", options=("--work-us", "20000"))
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    gateway.start_rollout(sealed(gateway))
    for share in (1, 2):
        gateway.wait_for(lambda: boiler.counters().get("upload_bytes", 0) > share * APP_1_1_0.stat().st_size / 4, SOON_S,
                         f"{share} quarters of the image")
        air.do("Drop", boiler.id)
        gateway.wait_for(lambda: len(gateway.journal_lines("child boiler: link down")) >= share, SOON_S,
                         f"the link to break {share} times")
    after = gateway.wait_for_phase("confirmed", "boiler", deadline_s=4 * SOON_S)
    assert after["digest"] == running_digest(APP_1_1_0)
    counters = boiler.counters()
    assert (counters["uploads_started"], counters["resets"]) == (1, 1)
    assert counters["resumes"] >= 2
    gateway.wait_for_child("boiler", lambda s: s["link_breaks"] >= 2, "to show that its link breaks")


def test_bluetoothd_that_restarts_in_a_transfer_is_waited_for(gateway, air):
    boiler = begin_transfer(gateway, air)
    air.stop()
    found = gateway.wait_for_child("boiler", lambda s: "bluetoothd" in s["link_text"], "to say that bluetoothd is gone")
    assert not found["online"]
    boiler.stop()
    air.start()
    boiler.start()
    gateway.wait_for_phase("confirmed", "boiler", deadline_s=4 * SOON_S)


def pairings(air):
    return sum(call.startswith("Pair ") for call in air.calls())


def test_a_child_that_bluetoothd_pairs_by_itself_is_paired_by_us_all_the_same(gateway, air):
    """It does so when an access is refused; whoever was there would have been let in."""
    add(gateway, air, "boiler", BOILER, pairing="just-works", values={"Pairing": "just-works", "Encrypted": True})
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    assert pairings(air) == 1
    assert "refused-before no" in (gateway.directory / "ble-state/boiler.bond").read_text()


def test_a_child_whose_address_changes_is_found_by_its_identity(gateway, air):
    boiler = add(gateway, air, "boiler", "5A:00:00:00:00:01", pairing="just-works", enrolled_as="name:boiler",
                 values={"Pairing": "just-works", "Identity": BOILER})
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    gateway.wait_for(lambda: BOILER in (gateway.directory / "ble-state/boiler.bond").read_text(), SOON_S,
                     "the bond to be remembered by its identity")
    air.do("ChangeAddress", boiler.id, "6B:00:00:00:00:02")
    gateway.start_rollout(sealed(gateway))
    after = gateway.wait_for_phase("confirmed", "boiler", deadline_s=3 * SOON_S)
    assert after["digest"] == running_digest(APP_1_1_0)
    assert pairings(air) == 1


def test_another_passkey_ends_the_bond_and_makes_a_new_one(gateway, air):
    gateway.give_key(KEYS / "gateway-enc-p256.pem")
    add(gateway, air, "boiler", BOILER, pairing="passkey",
        values={"Pairing": "passkey", "Passkey": PASSKEY, "Encrypted": True})
    start(gateway, air)
    gateway.wait_for_child("boiler", lambda s: "passkey" in s["link_text"], "to say that it has no passkey")
    give_passkey(gateway, "boiler", PASSKEY)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to be served")
    removed = sum(call.startswith("RemoveDevice") for call in air.calls())
    gateway.ctl("children", "revoke-key", "boiler", "link")
    gateway.wait_for(lambda: sum(call.startswith("RemoveDevice") for call in air.calls()) > removed, SOON_S,
                     "the bond to go with the key")
    give_passkey(gateway, "boiler", PASSKEY)
    gateway.wait_for(lambda: pairings(air) == 2, 2 * SOON_S, "it to be paired anew")


def test_a_connect_that_bluetoothd_loses_is_asked_again_within_the_step(gateway, air):
    """As 5.66 did in the machine, where two children were disconnected at one time."""
    boiler = add(gateway, air, "boiler", BOILER, link="internal")
    start(gateway, air)
    air.do("Hang", "Connect", dbus.UInt32(1))
    seen(gateway, "boiler", lambda s: s["online"] and s["version"] == "1.0.0", "to say its version")
    gateway.start_rollout(sealed(gateway))
    gateway.wait_for_phase("confirmed", "boiler", deadline_s=4 * SOON_S)
    assert not gateway.journal_lines("boiler", "timed out")
    assert boiler.counters()["uploads_started"] == 1


def test_an_adapter_that_goes_off_and_on_is_waited_for(gateway, air):
    add(gateway, air, "boiler", BOILER, link="internal")
    start(gateway, air)
    seen(gateway, "boiler", lambda s: s["online"] and s["version"], "to say its version")
    air.do("SetPowered", ble_children.ADAPTER, False)
    gateway.wait_for_child("boiler", lambda s: not s["online"], "to be offline")
    air.do("SetPowered", ble_children.ADAPTER, True)
    seen(gateway, "boiler", lambda s: s["online"], "to be online again")


def test_the_plugin_that_is_killed_in_a_transfer_goes_on(gateway, air):
    boiler = begin_transfer(gateway, air)
    gateway.plugin.kill()
    ble_children.start_plugin(gateway)
    gateway.wait_for_phase("confirmed", "boiler", deadline_s=3 * SOON_S)
    counters = boiler.counters()
    assert (counters["uploads_started"], counters["resets"]) == (1, 1)
    assert counters["resumes"] >= 1


def transfer_of(child):
    """When it began and ended, by the child's clock."""
    said = [line.split(" ", 1) for line in child.log()]
    return (min(float(at) for at, what in said if what.startswith("upload: image 0")),
            max(float(at) for at, what in said if what.startswith("upload: complete")))


def test_no_more_children_are_sent_to_at_a_time_than_the_adapter_has_transfers(gateway, air):
    """The others wait in line: none is put off, which would have it connected to and asked everything once more."""
    names = ("boiler", "meter", "valve")
    children = [add(gateway, air, name, address, link="internal", options=("--work-us", "20000"))
                for name, address in zip(names, (BOILER, METER, VALVE))]
    start(gateway, air, "--transfers", "1")
    for name in names:
        seen(gateway, name, lambda s: s["online"] and s["version"], "to say its version")
    gateway.start_rollout(sealed(gateway))
    for name in names:
        gateway.wait_for_phase("confirmed", name, deadline_s=4 * SOON_S)
    transfers = sorted(map(transfer_of, children))
    assert all(before[1] <= after[0] for before, after in zip(transfers, transfers[1:])), "two were sent to at a time"
    for child in children:
        counters = child.counters()
        assert (counters["uploads_started"], counters["resets"]) == (1, 1)
    assert not gateway.journal_lines("deferred")
