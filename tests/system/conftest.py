# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "vm"))

from air_box import AirBox  # noqa: E402
from ble_box import BleBox  # noqa: E402
from box import LINE, SOURCE, Box  # noqa: E402
from vm import VirtualMachine  # noqa: E402

PACKAGES = pathlib.Path(os.environ.get("HEADGATE_DEBS", SOURCE / "build/package/debs"))  # of tests/package/build-deb
RIG_NEEDS = ["socat", "nginx-light"]
AIR_NEEDS = ["bluez", "bluez-test-tools", "python3-dbus", "python3-gi", "python3-cbor2"]


def package(name):
    found = list(PACKAGES.glob(f"{name}_*.deb"))
    assert len(found) == 1, f"not one {name}_*.deb in {PACKAGES}: tests/package/build-deb {PACKAGES.parent} makes it"
    return found[0]


def dependencies(deb):
    """The packages that a .deb depends on; of alternatives the first."""
    fields = subprocess.check_output(["dpkg-deb", "-f", deb, "Depends"], text=True)
    return {re.match(r"[a-z0-9.+-]+", each.strip()).group() for each in fields.split(",")}


def image_for(debs):
    needed = set().union(*map(dependencies, debs)) - {deb.name.split("_")[0] for deb in debs}
    made = subprocess.run([HERE / "vm/build-image", SOURCE / "build/vm", *RIG_NEEDS, *AIR_NEEDS, *sorted(needed)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return pathlib.Path(made.stdout.strip())


@contextlib.contextmanager
def installed(kind, plugins, memory_mib=1024):
    """A box of this kind in a machine of its own, headgate and these plugins installed."""
    if os.environ.get("HEADGATE_NO_VM"):
        pytest.skip("HEADGATE_NO_VM is set: no virtual machine, so nothing is known about headgate on a whole system")
    debs = [package("headgate"), *(package(f"headgate-plugin-{plugin}") for plugin in plugins)]
    image = image_for(debs)
    with tempfile.TemporaryDirectory(prefix="hg-vm-") as path:
        directory, share = pathlib.Path(path), pathlib.Path(path) / "share"
        kind.fill(share, debs)
        ports = {"child": directory / "child"}
        with VirtualMachine(image, directory, share, ports, memory_mib) as machine:
            box = kind(machine, directory)
            box.install()
            yield box
            box.end_child()


@pytest.fixture(scope="session")
def installed_box():
    with installed(Box, ["serial"]) as box:
        yield box


@pytest.fixture(scope="session")
def air():
    """A box with a radio."""
    with installed(BleBox, ["serial", "ble"], memory_mib=1536) as box:
        yield box


@pytest.fixture(scope="session")
def own_air():
    """A box with a radio whose air is our own."""
    with installed(AirBox, ["serial", "ble"], memory_mib=1536) as box:
        yield box


@pytest.fixture
def box(installed_box, request):
    """With a child of version 1.0.0 online, whatever the test before has left; the parameter is the child's address."""
    installed_box.begin_anew(getattr(request, "param", LINE))
    return installed_box
