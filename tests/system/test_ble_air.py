# SPDX-License-Identifier: Apache-2.0
"""headgate from its packages on a real bluetoothd, and children that are on an air of our own (air_box.py): several at a
time, with addresses and services that change, beside other programs, and at several adapters of the gateway."""

import pytest
from air_box import GATEWAYS, AirChild
from box import IMAGE_SIZE

SLOWLY = ("--work-us", "60000")  # a transfer that takes some seconds: there is a middle to meet in


def child(number, name, **more):
    return AirChild(name, identity=f"C0:FF:EE:00:00:{number:02X}", link="internal", **more)


def both_in_a_transfer(air, *children):
    air.wait_for(lambda: all(0 < air.counters_of(each)["upload_bytes"] < IMAGE_SIZE for each in children),
                 "all of them to be in a transfer at one time")


def test_two_children_are_updated_side_by_side(own_air):
    boiler, meter = child(1, "boiler", options=SLOWLY), child(2, "meter", options=SLOWLY)
    own_air.begin(boiler, meter)
    for each in (boiler, meter):
        own_air.wait_until_served(each)
    own_air.begin_update()
    both_in_a_transfer(own_air, boiler, meter)
    for each in (boiler, meter):
        assert own_air.wait_until_updated(each)["uploads_started"] == 1


def test_of_two_with_one_name_both_are_served_by_address(own_air):
    boiler, meter = child(1, "boiler", advertised="twin"), child(2, "meter", advertised="twin")
    own_air.begin(boiler, meter)
    for each in (boiler, meter):
        own_air.wait_until_served(each)
    own_air.begin_update()
    for each in (boiler, meter):
        own_air.wait_until_updated(each)


def is_resolvable(address):
    return address[0] in "4567"


def is_resumed_under_another_address(air, boiler):
    """Also in the gateway's own view: what its kernel connected to."""
    air.begin_capture()
    air.begin_update()
    air.wait_for_bytes(boiler, IMAGE_SIZE / 4)
    air.drop_link(boiler)
    counters = air.wait_until_updated(boiler)
    _, asked = air.end_capture()
    used = [address for address, _ in air.connections_of(boiler)]
    assert all(map(is_resolvable, used))
    assert len(set(used)) == len(used) >= 3
    assert asked <= set(used) and len(asked) >= 2
    return (counters["uploads_started"], counters["resets"]) == (1, 1) and counters["resumes"] >= 1


def test_a_child_whose_address_changes_is_found_again_and_its_update_resumed(own_air):
    """Enrolled by its name: until it is bonded nothing else is known of it."""
    boiler = child(1, "boiler", pairing="just-works", changes_address=True, enrolled_as="name:boiler", options=SLOWLY)
    own_air.begin(boiler)
    own_air.wait_until_served(boiler)
    assert is_resumed_under_another_address(own_air, boiler)


def test_once_bonded_it_may_be_enrolled_by_its_identity(own_air):
    boiler = child(1, "boiler", pairing="just-works", changes_address=True, enrolled_as="name:boiler", options=SLOWLY)
    own_air.begin(boiler)
    own_air.wait_until_served(boiler)
    own_air.machine.check(f"sed -i 's/name:boiler/{boiler.identity}/' /etc/headgate/headgate.toml.d/ble.toml && "
                          "systemctl restart headgated")
    own_air.drop_link(boiler)
    own_air.wait_until_served(boiler)
    assert is_resumed_under_another_address(own_air, boiler)


def test_each_of_two_adapters_serves_its_child_and_one_that_is_off_does_not_disturb_the_other(own_air):
    boiler = child(1, "boiler", adapter="hci0", options=SLOWLY)
    meter = child(2, "meter", adapter="hci1", options=SLOWLY)
    own_air.begin(boiler, meter, adapters=2)
    for each in (boiler, meter):
        own_air.wait_until_served(each)
    own_air.begin_update()
    both_in_a_transfer(own_air, boiler, meter)
    own_air.power("hci0", is_on=False)
    offline = own_air.wait_until(boiler, lambda seen: not seen["online"] and seen["link_text"], "to be offline, and why")
    assert "no adapter" in offline["link_text"]
    counters = own_air.wait_until_updated(meter)
    assert (counters["uploads_started"], counters["resumes"]) == (1, 0)
    assert {gateway for _, gateway in own_air.connections_of(boiler)} == {GATEWAYS[0]}
    assert {gateway for _, gateway in own_air.connections_of(meter)} == {GATEWAYS[1]}
    own_air.power("hci0")
    assert own_air.wait_until_updated(boiler)["uploads_started"] == 1


@pytest.mark.parametrize("services", ["move-with-hash", "move"])
@pytest.mark.parametrize("pairing", ["just-works", "none"])
def test_a_child_whose_services_move_with_its_firmware_is_confirmed(own_air, pairing, services):
    boiler = child(1, "boiler", pairing=pairing, services=services)
    own_air.begin(boiler)
    own_air.wait_until_served(boiler)
    own_air.begin_update()
    counters = own_air.wait_until_updated(boiler)
    assert (counters["uploads_started"], counters["resets"]) == (1, 1)
    assert any(line.startswith("boiler has SMP at") for line in own_air.air_says())


def test_a_connection_of_another_program_is_left_alone(own_air):
    boiler = child(1, "boiler")
    watch = child(2, "watch", enrolled_as=None)
    own_air.begin(boiler, watch)
    connect = f"busctl call org.bluez /org/bluez/hci0/dev_{watch.identity.replace(':', '_')} org.bluez.Device1 Connect"
    own_air.wait_for(lambda: own_air.machine.run(connect)[0] == 0, "another program to connect to the watch")
    own_air.wait_until_served(boiler)
    own_air.begin_update()
    own_air.wait_until_updated(boiler)
    assert own_air.link_is_there(watch) and len(own_air.connections_of(watch)) == 1


def test_a_sleepy_child_is_updated_when_it_advertises(own_air):
    boiler = child(1, "boiler")
    own_air.begin(boiler)
    own_air.wait_until_served(boiler)
    own_air.tell_air("hide", boiler)
    own_air.wait_for(lambda: not own_air.link_is_there(boiler), "the connection to end")
    own_air.begin_update()
    own_air.wait_until(boiler, lambda seen: not seen["online"], "to be out of sight", deadline_s=240)
    assert own_air.counters_of(boiler)["uploads_started"] == 0
    own_air.tell_air("show", boiler)
    assert own_air.wait_until_updated(boiler)["uploads_started"] == 1
