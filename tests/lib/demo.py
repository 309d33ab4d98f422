# SPDX-License-Identifier: Apache-2.0
"""What tests/demo shows, told by the running system: one update of one child; a product of two children that are updated
together, and together go back when one of them fails; two children with two images each. Ends with 0 when all of it came
out so."""

import pathlib
import subprocess
import sys
import tempfile
import time

from gateway import APP_2_0_0, BIN, PROFILE, RADIO_1_0_0, RADIO_2_0_0, Gateway
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


def add_children(gateway):
    first = gateway.directory / "1.0.0.bin"
    gateway.add_child(image=first, options=CHILD)
    add_product(gateway, {name: CHILD for name in PRODUCT}, image=first)
    gateway.add_child("permits-all", options=("--confirm-any", "--confirm-all", "--kit", *BOTH), targets=TWO_IMAGES)
    gateway.add_child("answers-32", options=BOTH, targets=TWO_IMAGES)


def start_parts(gateway):
    add_children(gateway)
    gateway.start()
    say(f"  broker      mosquitto, {gateway.broker.url}")
    say(f"  web server  nginx, {gateway.web.url}")
    say(f"  daemon      headgated, pid {gateway.daemon.pid}")
    say(f"  plugin      headgate-serial, pid {gateway.plugin.pid}")
    for child in gateway.children.values():
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


def all_run(gateway, version):
    """By what stands in their flash."""
    return all(flash_runs(gateway.children[name]) == (version, True) for name in PRODUCT)


def show(gateway):
    heading("A gateway with five children, all on this machine")
    start_parts(gateway)
    for name in gateway.children:
        gateway.wait_for_child(name, lambda seen: seen["version"], "to say its version")
    run_ctl(gateway, "children")
    parts = (show_one, show_product, show_two_images, show_failure)
    return {part.__name__.removeprefix("show_"): part(gateway) for part in parts}


def main():
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hg-") as path:
        directory = pathlib.Path(path)
        for minor in range(3):
            write_image(directory / f"1.{minor}.0.bin", IMAGE_SIZE, (1, minor, 0), seed=minor + 1)
        with Gateway(directory, PROFILE.replace("attempts   = 5", "attempts   = 1")) as gateway:
            came_out = show(gateway)
    for part, is_right in came_out.items():
        say(f"{part.replace('_', ' ')}: {'as promised' if is_right else 'NOT as promised'}")
    say(f"{time.monotonic() - begin:.0f} s")
    return 0 if all(came_out.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
