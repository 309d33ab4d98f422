# SPDX-License-Identifier: Apache-2.0
"""What issue 8 promises of BLE on a real bluetoothd and has not shown yet. Not part of ctest, because none of it has passed:
with two children connected at a time the guest's kernel 6.1 breaks (a corrupted list in its virtual controllers, and
bluetoothd with it); the others were not come to. By hand, as test_ble.py:

    cd tests/system && HEADGATE_DEBS=... HEADGATE_BIN=... /usr/bin/python3 -m pytest test_ble_not_shown.py"""

from ble_box import BleChild
from box import IMAGE_SIZE, LINE

FIRST, SECOND = "hci1", "hci2"
SLOWLY = ("--work-us", "60000")


def internal(name="boiler", adapter=FIRST, **more):
    return BleChild(name, adapter, link="internal", **more)


def test_two_children_are_updated_side_by_side(air):
    boiler, meter = internal("boiler", FIRST, options=SLOWLY), internal("meter", SECOND, options=SLOWLY)
    air.begin(boiler, meter)
    for child in (boiler, meter):
        air.wait_until_served(child)
    air.begin_update()
    air.wait_for(lambda: all(0 < air.counters_of(child)["upload_bytes"] < IMAGE_SIZE for child in (boiler, meter)),
                 "both to be in a transfer")
    for child in (boiler, meter):
        assert air.wait_until_updated(child)["uploads_started"] == 1


def test_bluetoothd_is_restarted_in_a_transfer(air):
    boiler = internal(options=SLOWLY)
    air.begin(boiler)
    air.wait_until_served(boiler)
    air.begin_update()
    air.wait_for_bytes(boiler, IMAGE_SIZE / 4)
    air.machine.check("systemctl restart bluetooth")
    counters = air.wait_until_updated(boiler)
    assert (counters["uploads_started"], counters["resets"]) == (1, 1)
    assert counters["resumes"] >= 1


def test_a_ble_child_and_a_serial_child_are_updated_as_a_group(air):
    group = 'group = "left"\nrole = "{role}"\n'
    boiler = internal("meter", FIRST)
    roles = "".join(f'[[layouts.heater.roles]]\nname = "{role}"\nvendor = "vendor.example"\nclass = "boiler-v1"\n'
                    for role in ("burner", "meter"))
    serial = ('[children.boiler]\ntransport = "serial"\n' f'address = "{LINE}"\nprofile = "test"\n'
              'vendor = "vendor.example"\nclass = "boiler-v1"\ntarget = "app"\nimage = 0\nlink = "internal"\n')
    more = ("[layouts.heater]\n" + roles + '[groups.left]\nlayout = "heater"\n' + serial + group.format(role="burner")
            + "[children.meter]\n" + group.format(role="meter"))
    try:
        air.begin(boiler, with_serial=True, more=more)
        air.wait_until_served(boiler)
        air.wait_for_child(lambda seen: seen["online"] and seen["version"] == "1.0.0", "to be online with 1.0.0")
        air.begin_update()
        air.wait_until_updated(boiler)
        air.wait_until_confirmed()
        assert air.ctl("groups", "show", "left")["phase"] == "updated"
    finally:
        air.end_child_at_line()


def test_of_two_with_one_name_both_are_served_by_address(air):
    boiler, meter = internal("boiler", FIRST, advertised="twin"), internal("meter", SECOND, advertised="twin")
    air.begin(boiler, meter)
    for child in (boiler, meter):
        air.wait_until_served(child)
    air.begin_update()
    for child in (boiler, meter):
        air.wait_until_updated(child)
