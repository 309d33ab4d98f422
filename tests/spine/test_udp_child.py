# SPDX-License-Identifier: Apache-2.0
"""A child behind a UDP port, and what a child with the child kit tells of itself."""

import os

from gateway import APP_1_0_0, APP_1_1_0, APP_2_0_0, BIN, DEVICE_CLASS, RADIO_1_0_0, RADIO_2_0_0, SOON_S, VENDOR, Child
from mcuboot_image import running_digest
from processes import Program


def sealed(gateway, image, version, **more):
    deliverable = gateway.publish(image, version=version, **more)
    done = gateway.ctl_result("fetch", deliverable.url, "--wait")
    assert done.returncode == 0, done.stderr
    return gateway.sealed(version)


def test_a_child_on_udp_is_updated(gateway):
    gateway.web.start()
    gateway.start_bus()
    meter = gateway.children["meter"] = Child(gateway, "meter", APP_1_0_0, ("--udp", "0"))
    meter.start()
    address = meter.program.said("ready").split()[-1]
    gateway.profile = "[patience]\nanswer_ms = 4000\nswap_ms = 8000\n[udp]\nreset_delay_ms = 100\n"
    meter.configuration = (
        f'[children.meter]\ntransport = "udp"\naddress = "{address}"\nprofile = "test"\nvendor = "{VENDOR}"\n'
        f'class = "{DEVICE_CLASS}"\nlink = "internal"\n[plugins.udp]\nuid = {os.getuid()}\n')
    gateway.start_daemon()
    gateway.plugin = Program("headgate-udp", [BIN / "headgate-udp", "--socket", gateway.runtime / "plugins.sock"],
                             gateway.happenings)
    found = gateway.wait_for_child("meter", lambda seen: seen["online"] and seen["version"], "to say its version")
    assert (found["transport"], found["version"]) == ("udp", "1.0.0")
    gateway.start_rollout(sealed(gateway, APP_1_1_0, "1.1.0"))
    after = gateway.wait_for_phase("confirmed", "meter", deadline_s=2 * SOON_S)
    assert after["digest"] == running_digest(APP_1_1_0)
    assert meter.counters()["resets"] == 1


def test_a_child_with_the_kit_tells_who_it_is_and_confirms_all_its_images(gateway):
    gateway.add_child(options=("--image", f"1={RADIO_1_0_0}", "--kit", "--kit-id", "acme/0017", "--battery", "80",
                               "--power", "battery"),
                      targets='targets = [{ name = "app", image = 0 }, { name = "radio", image = 1 }]\n')
    gateway.start(broker=False)
    found = gateway.wait_for_child("boiler", lambda seen: seen["identity"], "to say who it is")
    assert (found["identity"], found["identity_state"]) == ("acme/0017", "claimed")
    assert (found["power"], found["battery"]) == ("battery", 80)
    assert found["revert_class"] == "self-reverting"  # the kit confirms all images in one request
    gateway.start_rollout(sealed(gateway, APP_2_0_0, "2.0.0", beside={"radio": RADIO_2_0_0}))
    after = gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S)
    assert [target["version"] for target in after["targets"]] == ["2.0.0", "2.0.0"]
    assert all(slot["confirmed"] for slot in after["slots"] if slot["active"])
    assert after["boots"] > found["boots"]
    counters = gateway.child.counters()
    assert (counters["tests"], counters["permanents"], counters["resets"]) == (2, 0, 1)
