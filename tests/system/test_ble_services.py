# SPDX-License-Identifier: Apache-2.0
import pytest
from air_box import AirChild


@pytest.mark.parametrize("services", ["move-with-hash", "move"])
@pytest.mark.parametrize("pairing", ["just-works", "none"])
def test_a_child_whose_services_move_with_its_firmware_is_confirmed(own_air, pairing, services):
    boiler = AirChild("boiler", identity="C0:FF:EE:00:00:01", link="internal", pairing=pairing, services=services)
    own_air.begin(boiler)
    own_air.wait_until_served(boiler)
    own_air.begin_update()
    counters = own_air.wait_until_updated(boiler)
    assert (counters["uploads_started"], counters["resets"]) == (1, 1)
    assert any(line.startswith("boiler has SMP at") for line in own_air.air_says())


def test_a_connection_of_another_program_is_left_alone(own_air):
    boiler = AirChild("boiler", identity="C0:FF:EE:00:00:01", link="internal")
    watch = AirChild("watch", identity="C0:FF:EE:00:00:02", enrolled_as=None)
    own_air.begin(boiler, watch)
    connect = f"busctl call org.bluez /org/bluez/hci0/dev_{watch.identity.replace(':', '_')} org.bluez.Device1 Connect"
    own_air.wait_for(lambda: own_air.machine.run(connect)[0] == 0, "another program to connect to the watch")
    own_air.wait_until_served(boiler)
    own_air.begin_update()
    own_air.wait_until_updated(boiler)
    assert own_air.link_is_there(watch) and len(own_air.connections_of(watch)) == 1


def test_a_sleepy_child_is_updated_when_it_advertises(own_air):
    boiler = AirChild("boiler", identity="C0:FF:EE:00:00:01", link="internal")
    own_air.begin(boiler)
    own_air.wait_until_served(boiler)
    own_air.tell_air("hide", boiler)
    own_air.wait_for(lambda: not own_air.link_is_there(boiler), "the connection to end")
    own_air.begin_update()
    own_air.wait_until(boiler, lambda seen: not seen["online"], "to be out of sight", deadline_s=240)
    assert own_air.counters_of(boiler)["uploads_started"] == 0
    own_air.tell_air("show", boiler)
    assert own_air.wait_until_updated(boiler)["uploads_started"] == 1
