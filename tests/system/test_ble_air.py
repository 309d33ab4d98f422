# SPDX-License-Identifier: Apache-2.0
"""headgate from its packages on a real bluetoothd, and children that are on an air of our own (air_box.py): several at a
time, with addresses that change, and at several adapters of the gateway."""

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
