# SPDX-License-Identifier: Apache-2.0
"""A configuration that is wrong: the daemon says where, and ends with 2."""

import pytest
from gateway import BIN, SOON_S
from processes import Program

# What stands in the configuration, what is put in its place, and what the daemon must name.
CASES = {
    "unknown-key": ("client_id =", "clientid =", "clientid"),
    "unknown-table": ("[trust]", "[trusted]", "trusted"),
    "wrong-type": ('client_id = "headgate-test"', "client_id = 7", "client_id"),
    "out-of-range": ("image = 0", "image = 99", "image"),
    "not-toml": ("[trust]", "[trust", "headgate.toml"),
    "unknown-key-of-a-child": ("profile =", "profil =", "profil"),
    "no-plugin-for-a-child": ('transport = "serial"', 'transport = "coap"', "coap"),
    "broker-without-tls": ('broker = "mqtts', 'broker = "mqtt', "mqtts"),
}


def ended_with_complaint(daemon, *words):
    assert daemon.wait_for_end(SOON_S) == 2, daemon.tail()
    line = daemon.said(*words)
    assert line, daemon.tail()
    return line


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_wrong_configuration(gateway, case):
    right, wrong, named = case
    gateway.start_bus()
    gateway.add_child()
    text = gateway.configuration()
    assert right in text
    text = text.replace(right, wrong, 1)
    number = text[:text.index(wrong)].count("\n") + 1
    line = ended_with_complaint(gateway.launch_daemon(text), f"{gateway.directory}/headgate.toml:{number}:", named)
    column = line.split(f"headgate.toml:{number}:", 1)[1].split(":", 1)[0]
    assert column.isdigit() and int(column) >= 1, line


def test_wrong_drop_in(gateway):
    gateway.start_bus()
    gateway.add_child()
    drop_ins = gateway.directory / "headgate.toml.d"
    drop_ins.mkdir()
    (drop_ins / "50-site.toml").write_text("[cloud]\n\nbrocker = 1\n")
    ended_with_complaint(gateway.launch_daemon(), f"{drop_ins}/50-site.toml:3:", "brocker")


def test_wrong_profile(gateway):
    gateway.start_bus()
    gateway.add_child()
    gateway.profile = "[patience]\nanswer = 3\n"
    ended_with_complaint(gateway.launch_daemon(), f"{gateway.directory}/profiles/test.toml:2:", "answer")


def test_unknown_profile(gateway):
    gateway.start_bus()
    gateway.add_child(profile="missing")
    ended_with_complaint(gateway.launch_daemon(), "missing", "boiler")


def test_missing_configuration(gateway):
    file = gateway.directory / "nowhere.toml"
    ended_with_complaint(Program("headgated", [BIN / "headgated", "--config", file], gateway.happenings), str(file))


def test_unknown_option(gateway):
    ended_with_complaint(Program("headgated", [BIN / "headgated", "--no-such-option"], gateway.happenings),
                         "--no-such-option")


def test_check_config_ends_without_starting_anything(gateway):
    gateway.add_child()
    good = gateway.write_configuration()
    check = Program("headgated", [BIN / "headgated", "--check-config", "--config", good], gateway.happenings)
    assert check.wait_for_end(SOON_S) == 0, check.tail()
    assert not list(gateway.runtime.iterdir())
