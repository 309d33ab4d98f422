# SPDX-License-Identifier: Apache-2.0
"""What tests/demo shows, told by the running system: one update of one child; a product of two children that are updated
together, and together go back when one of them fails; two children with two images each; a child that is an LwM2M client,
alone with a key of its own by DTLS, and one in a product with a serial child. Ends with 0 when all of it came out so."""

import pathlib
import subprocess
import sys
import tempfile
import time

from coap_children import CoapGateway, write_firmware
from gateway import APP_2_0_0, BIN, PROFILE, RADIO_1_0_0, RADIO_2_0_0
from mcuboot_image import write_image
from product import GROUP, add_product, flash_runs, start_rollout, wait_for_end

IMAGE_SIZE = 320 * 1024
# A real line's pace, and a bootloader that takes its time: the progress is to be seen.
CHILD = ("--baud", "921600", "--boot-ms", "300", "--swap-ms", "2000", "--erase-ms", "400")
IS_TERMINAL = sys.stdout.isatty()
DEADLINE_S = 150


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n\033[1m{text}\033[0m" if IS_TERMINAL else f"\n== {text}")


def run_ctl(gateway, *words):
    """Runs headgatectl as a person would; its output is the show."""
    say(f"$ headgatectl {' '.join(words)}")
    subprocess.run([str(BIN / "headgatectl"), "--bus", gateway.bus_address, *words], check=True, timeout=DEADLINE_S)


PRODUCT = ("conveyor-left", "conveyor-right")
TWO_IMAGES = 'targets = [{ name = "app", image = 0 }, { name = "radio", image = 1 }]\n'
BOTH = ("--image", f"1={RADIO_1_0_0}", *CHILD)


MIXED = ("burner", "sensor")
METER_KEY = bytes(range(32))


def add_mixed_product(gateway, first):
    """A serial child that can go back, and an LwM2M client that cannot: it is touched last."""
    member = 'target = "app"\nimage = 0\ngroup = "heater-1"\nrole = "{}"\n'
    gateway.add_child("burner", image=first, options=CHILD, targets=member.format("burner"))
    gateway.add_lwm2m_child("sensor", targets=member.format("sensor"), device_class="sensor-v1")
    roles = "".join(f'[[layouts.heater.roles]]\nname = "{role}"\nvendor = "vendor.example"\nclass = "{name}"\n'
                    for role, name in zip(MIXED, ("boiler-v1", "sensor-v1")))
    gateway.more_configuration += f'[layouts.heater]\n{roles}\n[groups.heater-1]\nlayout = "heater"\n'


def add_children(gateway):
    first = gateway.directory / "1.0.0.bin"
    gateway.add_child(image=first, options=CHILD)
    add_product(gateway, {name: CHILD for name in PRODUCT}, image=first)
    gateway.add_child("permits-all", options=("--confirm-any", "--confirm-all", "--kit", *BOTH), targets=TWO_IMAGES)
    gateway.add_child("answers-32", options=BOTH, targets=TWO_IMAGES)
    gateway.add_lwm2m_child("meter", psk=METER_KEY, device_class="sensor-v1")
    add_mixed_product(gateway, first)


def start_parts(gateway):
    add_children(gateway)
    gateway.start()
    say(f"  broker      mosquitto, {gateway.broker.url}")
    say(f"  web server  nginx, {gateway.web.url}")
    say(f"  daemon      headgated, pid {gateway.daemon.pid}")
    say(f"  plugin      headgate-serial, pid {gateway.plugin.pid}")
    say(f"  plugin      headgate-coap, pid {gateway.coap.pid}, UDP {gateway.coap_port}, DTLS {gateway.secure_port}")
    for child in gateway.children.values():
        if child.name in ("meter", "sensor"):
            say(f"  child       lwm2m_child (LwM2M 1.1) by {'DTLS' if child.psk else 'CoAP'}: {child.name}")
        else:
            say(f"  child       smp_child (SMP, MCUboot) on {child.tty.resolve()}, 921600 baud: {child.name}")


def sealed(gateway, file, version, **more):
    deliverable = gateway.publish(file, version=version, **more)
    gateway.announce(deliverable)
    return gateway.wait_until_sealed(version)


def show_one(gateway):
    heading("The vendor signs version 1.1.0, and the broker announces it")
    deliverable = sealed(gateway, gateway.directory / "1.1.0.bin", "1.1.0")
    run_ctl(gateway, "deliverables")

    heading("The operator brings it to one child")
    run_ctl(gateway, "rollout", "start", deliverable["id"][:12], "boiler")
    run_ctl(gateway, "monitor", "--until-idle")
    seen = wait_for_end(gateway, ["boiler"])["boiler"]
    run_ctl(gateway, "history", "boiler")
    return seen["phase"] == "confirmed" and flash_runs(gateway.child) == ("1.1.0", True)


def show_product(gateway):
    heading("And to a product of two children: both or neither")
    start_rollout(gateway, gateway.sealed("1.1.0"))
    run_ctl(gateway, "monitor", "--until-idle")
    wait_for_end(gateway, PRODUCT)
    run_ctl(gateway, "groups", "show", GROUP)
    return all_run(gateway, "1.1.0")


def show_failure(gateway):
    heading("Version 1.2.0, which the right one's bootloader will refuse: all as before")
    right = gateway.children[PRODUCT[1]]
    right.stop()
    right.start("--come-back-old")
    gateway.wait_for_child(right.name, lambda seen: seen["online"], "to be back")
    start_rollout(gateway, sealed(gateway, gateway.directory / "1.2.0.bin", "1.2.0"))
    wait_for_end(gateway, PRODUCT)
    run_ctl(gateway, "why", GROUP)
    run_ctl(gateway, "children")
    return all_run(gateway, "1.1.0")


def show_two_images(gateway):
    heading("Two images at one reset: a child whose kit confirms all of them, and one that answers 32 to the second")
    deliverable = sealed(gateway, APP_2_0_0, "2.0.0", beside={"radio": RADIO_2_0_0})
    names = ["permits-all", "answers-32"]
    run_ctl(gateway, "rollout", "start", deliverable["id"][:12], *names)
    run_ctl(gateway, "monitor", "--until-idle")
    seen = wait_for_end(gateway, names)
    run_ctl(gateway, "children")
    return all(child["phase"] == "confirmed" for child in seen.values())


def show_coap(gateway):
    heading("An LwM2M client that pulls by DTLS, with a key of its own")
    meter = write_firmware(gateway.directory / "meter.fw", "1.3.0", IMAGE_SIZE)
    deliverable = sealed(gateway, meter, "1.3.0", product="meter", more=("--class-name", "sensor-v1"))
    run_ctl(gateway, "rollout", "start", deliverable["id"][:12], "meter")
    run_ctl(gateway, "monitor", "--until-idle")
    wait_for_end(gateway, ["meter"])
    run_ctl(gateway, "children", "show", "meter")
    return gateway.child_says("meter")["version"] == "1.3.0"


def show_mixed_product(gateway):
    heading("And one together with a serial child: it cannot go back, so it is touched last")
    sensor = write_firmware(gateway.web.root / "sensor.fw", "1.4.0", IMAGE_SIZE)
    deliverable = sealed(gateway, gateway.directory / "1.1.0.bin", "1.4.0", product="heater", component="burner/app", more=(
        "--image", f"component=sensor/app,file={sensor},uri={gateway.web.url}/sensor.fw,class=sensor-v1"))
    run_ctl(gateway, "rollout", "start", deliverable["id"][:12], "--group", "heater-1")
    run_ctl(gateway, "monitor", "--until-idle")
    wait_for_end(gateway, MIXED)
    run_ctl(gateway, "groups", "show", "heater-1")
    return flash_runs(gateway.children["burner"]) == ("1.1.0", True) and gateway.child_says("sensor")["version"] == "1.4.0"


def all_run(gateway, version):
    """By what stands in their flash."""
    return all(flash_runs(gateway.children[name]) == (version, True) for name in PRODUCT)


def show(gateway):
    heading("A gateway with eight children, all on this machine")
    start_parts(gateway)
    for name in gateway.children:
        gateway.wait_for_child(name, lambda seen: seen["version"], "to say its version")
    run_ctl(gateway, "children")
    parts = (show_one, show_product, show_two_images, show_coap, show_mixed_product, show_failure)
    return {part.__name__.removeprefix("show_"): part(gateway) for part in parts}


def main():
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hg-") as path:
        directory = pathlib.Path(path)
        for minor in range(3):
            write_image(directory / f"1.{minor}.0.bin", IMAGE_SIZE, (1, minor, 0), seed=minor + 1)
        with CoapGateway(directory, PROFILE.replace("attempts   = 5", "attempts   = 1")) as gateway:
            came_out = show(gateway)
    for part, is_right in came_out.items():
        say(f"{part.replace('_', ' ')}: {'as promised' if is_right else 'NOT as promised'}")
    say(f"{time.monotonic() - begin:.0f} s")
    return 0 if all(came_out.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
