# SPDX-License-Identifier: Apache-2.0
"""Children that pull by a SUIT manifest, end to end; and a product of one of CoAP and one on a serial line."""

import hashlib

import pytest
from coap_children import CoapGateway, add_suit_child, seal_for_suit_child, write_firmware
from gateway import APP_1_1_0, DEVICE_CLASS, SOON_S, VENDOR

PSK = hashlib.sha256(b"the valve's key").digest()
PROFILE_OF_VALVE = 'block = 64\n'


@pytest.fixture
def gateway(directory):
    with CoapGateway(directory) as whole:
        whole.profile += PROFILE_OF_VALVE
        yield whole


def start(gateway):
    gateway.start(broker=False)
    gateway.wait_until_online()


def test_it_pulls_what_its_own_manifest_names_and_says_the_new_version(gateway):
    valve = add_suit_child(gateway)
    start(gateway)
    before = gateway.child_says("valve")
    assert (before["version"], before["revert_class"]) == ("1.0.0", "unstageable")
    gateway.start_rollout(seal_for_suit_child(gateway, "1.1.0", 2), "valve")
    after = gateway.wait_for_phase("confirmed", "valve", 2 * SOON_S)
    assert after["version"] == "1.1.0"
    assert valve.stats()["repeated"] == 0


def test_by_dtls_with_its_own_key(gateway):
    add_suit_child(gateway, psk=PSK)
    start(gateway)
    assert gateway.child_says("valve")["link_security"] == "proven"
    gateway.start_rollout(seal_for_suit_child(gateway, "1.1.0", 2, is_secured=True), "valve")
    assert gateway.wait_for_phase("confirmed", "valve", 2 * SOON_S)["version"] == "1.1.0"


def test_served_whole_and_not_confirmed_is_a_state_of_its_own(gateway):
    add_suit_child(gateway, options=("--keep-version",))
    start(gateway)
    gateway.start_rollout(seal_for_suit_child(gateway, "1.1.0", 2, size=8192), "valve")
    gateway.wait_for_child("valve", lambda seen: seen["reason"] == "not-told", "to have told nothing", 2 * SOON_S)
    assert any(slot["pending"] for slot in gateway.child_says("valve")["slots"])


def test_a_manifest_that_it_refuses_is_said_to_be_refused(gateway):
    add_suit_child(gateway, options=("--refuse",))
    start(gateway)
    gateway.start_rollout(seal_for_suit_child(gateway, "1.1.0", 2, size=8192), "valve")
    gateway.wait_for_child("valve", lambda seen: "refused it" in (seen["reason_text"] or ""), "to have refused",
                           2 * SOON_S)


def test_killed_in_the_middle_it_is_told_again(gateway):
    valve = add_suit_child(gateway, options=("--block-gap", "0.02"))
    start(gateway)
    gateway.start_rollout(seal_for_suit_child(gateway, "1.1.0", 2), "valve")
    valve.wait_for_event("manifest")
    valve.kill()
    valve.start()
    assert gateway.wait_for_phase("confirmed", "valve", 3 * SOON_S)["version"] == "1.1.0"


# ------------------------------------------------------------------------------------------------------------ a group

LAYOUT = "heater"
GROUP = "heater-1"


def add_product(gateway, options=()):
    """A burner on a serial line that can go back, and a sensor on CoAP that cannot."""
    member = 'target = "app"\nimage = 0\ngroup = "{group}"\nrole = "{role}"\n'
    gateway.add_child("burner", targets=member.format(group=GROUP, role="burner"))
    gateway.add_lwm2m_child("sensor", options=options, device_class="sensor-v1",
                            targets=member.format(group=GROUP, role="sensor"))
    roles = "".join(f'[[layouts.{LAYOUT}.roles]]\nname = "{role}"\nvendor = "{VENDOR}"\nclass = "{device_class}"\n'
                    for role, device_class in (("burner", DEVICE_CLASS), ("sensor", "sensor-v1")))
    gateway.more_configuration += f'[layouts.{LAYOUT}]\n{roles}\n[groups.{GROUP}]\nlayout = "{LAYOUT}"\n'


def seal_product(gateway):
    """Named for the roles, each for its class."""
    sensor = write_firmware(gateway.directory / "sensor.fw", "1.1.0")
    name = gateway.web.root / "sensor.fw"
    name.write_bytes(sensor.read_bytes())
    return gateway.seal(APP_1_1_0, "1.1.0", component="burner/app", more=(
        "--image", f"component=sensor/app,file={sensor},uri={gateway.web.url}/sensor.fw,class=sensor-v1"))


def test_one_on_coap_and_one_on_a_serial_line_change_together(gateway):
    add_product(gateway)
    start(gateway)
    gateway.ctl("rollout", "start", seal_product(gateway)["id"], "--group", GROUP)
    for name in ("burner", "sensor"):
        assert gateway.wait_for_phase("confirmed", name, 3 * SOON_S)["version"] == "1.1.0"


def test_when_the_one_on_coap_refuses_the_other_goes_back(gateway):
    add_product(gateway, ("--fail-result", "8"))
    start(gateway)
    gateway.ctl("rollout", "start", seal_product(gateway)["id"], "--group", GROUP)
    for name in ("burner", "sensor"):
        gateway.wait_for_child(name, lambda seen: seen["attempts"] > 0 and seen["version"] == "1.0.0",
                               "to be as before", 3 * SOON_S)
