# SPDX-License-Identifier: Apache-2.0
"""What the bus says of our interfaces is what config/dbus/*.xml says."""

import os
import sys
import xml.etree.ElementTree as ET

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "bus"))
import private_bus  # noqa: E402

EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"
INTERFACES = {
    "Manager": "/Manager", "Trust": "/Trust", "Child": "/children/ok_2d1", "Group": "/groups/house",
    "Deliverable": f"/deliverables/a1{'0' * 22}",
    "Rollout": "/rollouts/1", "Job": "/jobs/1",
}


@pytest.fixture(scope="module")
def address():
    processes = private_bus.Processes()
    try:
        address = private_bus.session_bus(processes)
        private_bus.face_server(processes, address)
        status, out, err = private_bus.busctl(
            address, "call", private_bus.NAME, private_bus.ROOT + "/Manager", private_bus.NAME + ".Manager",
            "StartRollout", "oaoa{sv}", f"{private_bus.ROOT}/deliverables/a2{'0' * 22}", "0", "0")
        assert status == 0, err
        private_bus.make_group(address)
        yield address
    finally:
        processes.close()


def members(interface):
    """Everything that a client can rely on, in no order."""
    default = {a.get("name"): a.get("value") for a in interface.findall("annotation")}.get(EMITS, "true")
    found = set()
    for member in interface:
        annotations = {a.get("name"): a.get("value") for a in member.findall("annotation")}
        name = member.get("name")
        if member.tag == "property":
            found.add(("property", name, member.get("type"), member.get("access"), annotations.get(EMITS, default)))
        elif member.tag in ("method", "signal"):
            way = "in" if member.tag == "method" else "out"
            arguments = tuple(
                (a.get("name"), a.get("type"), a.get("direction", way) if member.tag == "method" else "out")
                for a in member.findall("arg"))
            found.add((member.tag, name, arguments))
    return found


@pytest.mark.parametrize("name", INTERFACES)
def test_introspection_is_the_xml(address, name):
    full_name = f"{private_bus.NAME}.{name}"
    with open(f"{private_bus.SOURCE}/config/dbus/{full_name}.xml", encoding="utf-8") as file:
        wanted = ET.fromstring(file.read()).find(f"interface[@name='{full_name}']")
    status, out, err = private_bus.busctl(
        address, "introspect", "--xml-interface", private_bus.NAME, private_bus.ROOT + INTERFACES[name])
    assert status == 0, err
    told = ET.fromstring(out[out.index("<node"):]).find(f"interface[@name='{full_name}']")
    assert told is not None
    assert members(told) == members(wanted)


def test_every_object_is_in_the_tree(address):
    status, out, err = private_bus.busctl(address, "tree", "--list", private_bus.NAME)
    assert status == 0, err
    for path in INTERFACES.values():
        assert private_bus.ROOT + path in out.split()


def test_the_bus_policy_names_every_interface():
    policy = ET.parse(f"{private_bus.SOURCE}/config/dbus/{private_bus.NAME}.conf").getroot()
    allowed = {rule.get("send_interface") for rule in policy.findall("policy[@context='default']/allow")}
    assert {f"{private_bus.NAME}.{name}" for name in INTERFACES} <= allowed


def test_the_page_names_every_interface_method_option_and_action():
    with open(f"{private_bus.SOURCE}/docs/dbus.md", encoding="utf-8") as file:
        page = file.read()
    missing = []
    for name in INTERFACES:
        root = ET.parse(f"{private_bus.SOURCE}/config/dbus/{private_bus.NAME}.{name}.xml").getroot()
        methods = [method.get("name") for method in root.iter("method")]
        missing += [word for word in [f".{name} ", *methods] if word not in page]
    policy = ET.parse(f"{private_bus.SOURCE}/config/polkit/{private_bus.NAME}.policy").getroot()
    missing += [action.get("id") for action in policy.iter("action") if action.get("id") not in page]
    assert missing == []
