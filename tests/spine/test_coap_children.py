# SPDX-License-Identifier: Apache-2.0
"""LwM2M children end to end: real programs, and clients of tests/children that share no code with the product."""

import hashlib

import memory_search
import pytest
from coap_children import CoapGateway, write_firmware
from gateway import SOON_S


@pytest.fixture
def gateway(directory):
    with CoapGateway(directory) as whole:
        yield whole


def start(gateway, *names):
    gateway.start(broker=False)
    gateway.wait_until_online(*names)


def update(gateway, *names, version="1.1.0", size=64 * 1024, phase="confirmed", deadline_s=2 * SOON_S, **more):
    """Brings a new version to children, and says how they stand when it has come to `phase`."""
    image = write_firmware(gateway.directory / f"{version}.fw", version, size)
    gateway.start_rollout(gateway.seal(image, version, **more), *names)
    return [gateway.wait_for_phase(phase, name, deadline_s) for name in names]


def reason(gateway, name="sensor"):
    return gateway.child_says(name)["reason"]


# --------------------------------------------------------------------------------------------------- the usual way

def test_a_child_pulls_installs_and_says_its_new_version(gateway):
    gateway.add_lwm2m_child()
    start(gateway)
    before = gateway.child_says("sensor")
    assert (before["version"], before["evidence"], before["revert_class"]) == ("1.0.0", "version", "irrevocable")
    after, = update(gateway, "sensor")
    assert after["version"] == "1.1.0"
    assert gateway.child.stats()["repeated"] == 0


@pytest.mark.parametrize("options", [
    ("--lwm2m", "1.0", "--object5", "1.0"),
    ("--lwm2m", "1.1", "--object5", "1.1", "--quoted-ver", "--root", "lwm2m"),
    ("--lwm2m", "1.1", "--object5", "1.2"),
    ("--formats", "0"),
    ("--formats", "0,112"),
    ("--block", "64"),
    ("--delivery", "1"),                     # push only
    ("--delivery", "1", "--push-block", "64"),
    ("--delivery", "1", "--push-refuse-over", "256", "--match-token"),
    ("--no-notify",),
    ("--no-observe",),
    ("--quiet-state", "--notify-non"),
    ("--deaf-until-registered",),
    ("--same-socket",),
    ("--protocols", "0"),
], ids=" ".join)
def test_children_differ(gateway, options):
    gateway.add_lwm2m_child(options=options)
    start(gateway)
    after, = update(gateway, "sensor", size=16 * 1024)
    assert after["version"] == "1.1.0"


def test_several_components_are_one_domain_and_change_together(gateway):
    gateway.add_lwm2m_child(options=("--object5", "none", "--component", "main:1.0.0", "--component", "radio:1.0.0"),
                            targets='targets = [{ name = "app", image = 0 }, { name = "radio", image = 1 }]\n')
    start(gateway)
    radio = write_firmware(gateway.directory / "radio.fw", "1.1.0", seed=2)
    after, = update(gateway, "sensor", beside={"radio": radio})
    assert [target["version"] for target in after["targets"]] == ["1.1.0", "1.1.0"]
    ordered = gateway.child.events("execute")
    assert len(ordered) == 1 and all(f"</33629/{number}>" in ordered[0]["arguments"] for number in (0, 1)), ordered


def test_components_that_conflict_are_named(gateway):
    gateway.add_lwm2m_child(options=("--object5", "none", "--component", "main:1.0.0", "--component", "radio:1.0.0",
                                     "--conflicting", "1=0"),
                            targets='targets = [{ name = "app", image = 0 }, { name = "radio", image = 1 }]\n')
    start(gateway)
    image = write_firmware(gateway.directory / "new.fw", "1.1.0", 8192)
    radio = write_firmware(gateway.directory / "radio.fw", "1.1.0", 8192, seed=2)
    gateway.start_rollout(gateway.seal(image, "1.1.0", beside={"radio": radio}), "sensor")
    gateway.wait_for_child("sensor", lambda seen: seen["attempts"] > 0, "to have failed once", 2 * SOON_S)
    told = [line["reason_text"] or "" for line in gateway.ctl("history", "sensor")]
    assert any("Result 12" in text and "/33629/0" in text for text in told), told


def test_a_child_that_never_changes_its_version_is_believed_by_its_result(gateway):
    gateway.profile += 'evidence = "result"\n'
    gateway.add_lwm2m_child(options=("--keep-version",))
    start(gateway)
    after, = update(gateway, "sensor")
    assert (after["version"], after["evidence"]) == ("1.0.0", "result")


def test_by_its_version_it_is_not(gateway):
    gateway.add_lwm2m_child(options=("--keep-version",))
    start(gateway)
    update(gateway, "sensor", phase="reverted")
    assert "came-back-old" in reason(gateway)


def test_a_sleepy_child_is_updated_when_it_wakes(gateway):
    gateway.profile += "awake_ms = 3000\n"
    gateway.add_lwm2m_child(options=("--queue", "--awake", "3", "--lifetime", "20"))
    start(gateway)
    gateway.wait_for_child("sensor", lambda seen: not seen["online"] and "asleep" in (seen["link_text"] or ""), "to be asleep")
    after, = update(gateway, "sensor")
    assert after["version"] == "1.1.0"


def test_a_child_that_puts_it_off_is_waited_for(gateway):
    gateway.profile += "defer_s = 20\n"
    gateway.add_lwm2m_child(options=("--defer", "4"))
    start(gateway)
    after, = update(gateway, "sensor")
    assert (after["version"], after["attempts"]) == ("1.1.0", 0)


# ------------------------------------------------------------------------------------------------------ what goes wrong

@pytest.mark.parametrize("result", range(2, 11))
def test_each_result_of_a_download_is_a_named_cause(gateway, result):
    gateway.add_lwm2m_child(options=("--verdict", result))
    start(gateway)
    image = write_firmware(gateway.directory / "bad.fw", "1.1.0", 8192)
    gateway.start_rollout(gateway.seal(image, "1.1.0"), "sensor")
    gateway.wait_for_child("sensor", lambda seen: seen["attempts"] > 0 or seen["phase"] == "refused",
                           "to have failed once", 2 * SOON_S)
    history = gateway.ctl("history", "sensor")
    assert any(f"Result {result}" in (line["reason_text"] or "") for line in history), history


def test_a_failed_installation_leaves_what_ran(gateway):
    gateway.add_lwm2m_child(options=("--fail-result", "8"))
    start(gateway)
    update(gateway, "sensor", phase="reverted")
    assert gateway.child_says("sensor")["version"] == "1.0.0"


def test_an_order_that_is_refused_is_no_success(gateway):
    gateway.add_lwm2m_child(options=("--refuse-execute",))
    start(gateway)
    image = write_firmware(gateway.directory / "new.fw", "1.1.0", 8192)
    gateway.start_rollout(gateway.seal(image, "1.1.0"), "sensor")
    gateway.wait_for_child("sensor", lambda seen: seen["attempts"] > 0, "to have failed once", 2 * SOON_S)
    assert any("4.05" in (line["reason_text"] or "") for line in gateway.ctl("history", "sensor"))
    gateway.child.change(refuse_execute=False)
    assert gateway.wait_for_phase("confirmed", "sensor", 2 * SOON_S)["version"] == "1.1.0"


def test_state_that_a_reboot_has_lost_is_brought_again(gateway):
    gateway.add_lwm2m_child(options=("--forget-download", "--pull-delay", "0.1"))
    start(gateway)
    image = write_firmware(gateway.directory / "new.fw", "1.1.0", 256 * 1024)
    gateway.start_rollout(gateway.seal(image, "1.1.0"), "sensor")
    gateway.wait_for_phase("transferring", "sensor")
    gateway.child.tell(do="reboot")
    assert gateway.wait_for_phase("confirmed", "sensor", 2 * SOON_S)["version"] == "1.1.0"


def test_an_endpoint_that_nobody_enrolled_is_listed_and_gets_nothing(gateway):
    gateway.add_lwm2m_child()
    stranger = gateway.add_lwm2m_child("stranger")
    stranger.configuration = ""
    del gateway.children["stranger"]
    start(gateway)
    gateway.ends_with_test(stranger.stop)
    stranger.start()
    stranger.wait_for_event("register_refused")
    found = gateway.wait_for_child("stranger", lambda seen: seen, "to be listed")
    assert found["address"] == "lwm2m:stranger"


def test_of_two_with_one_name_the_newer_is_served_and_it_is_said(gateway):
    gateway.add_lwm2m_child(options=("--lifetime", "4"))
    twin = type(gateway.child)(gateway, "sensor", ("--lifetime", "4", "--version", "9.9.9"))
    twin.state = gateway.directory / "state-twin"
    gateway.ends_with_test(twin.stop)
    start(gateway)
    twin.start()
    twin.wait_for_event("registered")
    gateway.wait_for_child("sensor", lambda seen: "two" in (seen["link_text"] or "") or seen["version"] == "9.9.9",
                           "to be the twin")
    twin.stop()
    gateway.wait_for_child("sensor", lambda seen: seen["online"] and seen["version"] == "1.0.0", "to be itself again",
                           2 * SOON_S)


# ---------------------------------------------------------------------------------------------------------------- DTLS

PSK = hashlib.sha256(b"a child's key").digest()


def test_a_plain_image_travels_by_the_childs_own_key(gateway):
    gateway.add_lwm2m_child(psk=PSK)
    start(gateway)
    assert gateway.child_says("sensor")["link_security"] == "proven"
    after, = update(gateway, "sensor")
    assert after["version"] == "1.1.0"


def test_a_key_stands_in_locked_pages_only(gateway):
    gateway.add_lwm2m_child(psk=PSK)
    start(gateway)
    update(gateway, "sensor")
    pid = gateway.coap.pid
    assert memory_search.find(pid, {"address": b"lwm2m:sensor"}), "the search finds nothing"
    assert not memory_search.find(pid, {"PSK": PSK})
    assert memory_search.find(pid, {"PSK": PSK}, locked=True), "it is there, in a locked page"


def test_a_wrong_key_is_not_the_child(gateway):
    gateway.add_lwm2m_child(psk=PSK)
    gateway.web.start(), gateway.start_bus(), gateway.start_daemon(), gateway.start_plugin()
    gateway.child.psk = b"another key that is not its own.."[:32]
    gateway.child.start()
    gateway.child.wait_for_event("unreachable", deadline_s=2 * SOON_S)
    assert not gateway.child_says("sensor")["online"]


def test_who_has_a_key_does_not_register_without_it(gateway):
    gateway.add_lwm2m_child(psk=PSK)
    gateway.web.start(), gateway.start_bus(), gateway.start_daemon(), gateway.start_plugin()
    gateway.child.psk = None
    gateway.child.start()
    assert gateway.child.wait_for_event("register_refused")["code"] == "4.03"


def test_a_key_that_is_rotated_in_mid_pull_ends_the_old_session(gateway):
    gateway.add_lwm2m_child(psk=PSK, options=("--block-gap", "0.02", "--lifetime", "10", "--ack-timeout", "0.5"))
    start(gateway)
    image = write_firmware(gateway.directory / "new.fw", "1.1.0", 256 * 1024)
    gateway.start_rollout(gateway.seal(image, "1.1.0"), "sensor")
    gateway.wait_for_phase("transferring", "sensor")
    gateway.child.wait_for_event("pull", deadline_s=SOON_S)
    gateway.child.psk = hashlib.sha256(b"the next").digest()
    gateway.set_psk(gateway.child)
    gateway.wait_for_child("sensor", lambda seen: not seen["online"], "to be away")
    gateway.child.stop()
    gateway.child.start()  # its owner has given it the new key
    assert gateway.wait_for_phase("confirmed", "sensor", 3 * SOON_S)["version"] == "1.1.0"
