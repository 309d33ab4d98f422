# SPDX-License-Identifier: Apache-2.0
"""What the tests of smp_child share: its images, the table that a list shows, and questions with an expected end."""
import pytest

from child_process import VECTORS, image_hash
from smp_client import OS, WRITE, SmpError, SmpTimeout

V100 = (VECTORS / "app-1.0.0.bin").read_bytes()
V110 = (VECTORS / "app-1.1.0.bin").read_bytes()
OLD, NEW = image_hash(V100), image_hash(V110)
SILENCE = 0.3  # how long nothing must come where nothing may come
FLAGS = ("active", "confirmed", "pending", "permanent")

OLD_ONLY = {(0, 0): ("1.0.0", "active confirmed")}
UPLOADED = OLD_ONLY | {(0, 1): ("1.1.0", "")}
IN_TEST = {(0, 0): ("1.1.0", "active"), (0, 1): ("1.0.0", "confirmed")}
CONFIRMED = {(0, 0): ("1.1.0", "active confirmed"), (0, 1): ("1.0.0", "")}


def table(images):
    """{(image, slot): (version, flags)} of a list."""
    return {(entry.get("image", 0), entry["slot"]):
            (entry["version"], " ".join(flag for flag in FLAGS if entry.get(flag))) for entry in images}


def echo_packet(client, size):
    """An echo request of exactly `size` bytes."""
    for digits in range(size):
        packet = client.packet(OS, 0, {"d": "x" * digits}, WRITE)
        if len(packet) == size:
            return packet
    raise ValueError(size)


def answers(client, packet, timeout=2.0):
    try:
        client.raw_request(packet, timeout)
        return True
    except SmpTimeout:
        return False


def silent(call, *arguments, **more):
    with pytest.raises(SmpTimeout):
        call(*arguments, **more)
    return True


def error_of(call, *arguments, **more):
    with pytest.raises(SmpError) as caught:
        call(*arguments, **more)
    return caught.value.group, caught.value.rc


def stage(client, image_file=V110, confirm=False, image=0):
    client.upload(image_file, image=image)
    return client.set_state(image_hash(image_file), confirm=confirm)


def reset(child, client):
    resets = child.counter("resets")
    client.reset()
    child.wait_up(resets + 1)
    return table(client.list())
