# SPDX-License-Identifier: Apache-2.0
"""A configuration that is wrong: the daemon says where, and ends with 2."""

import pytest
from gateway import SOON_S

CASES = {
    "unknown-key": ("client_id", "clientid", "clientid"),
    "unknown-table": ("[trust]", "[trusted]", "trusted"),
    "wrong-type": ('topic = "x"', "topic = 7", "topic"),
    "not-toml": ("[trust]", "[trust", "headgate.toml"),
    "unknown-key-of-a-child": ("profile =", "profil =", "profil"),
    "unknown-profile": ('profile = "test"', 'profile = "missing"', "missing"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_wrong_configuration(gateway, case):
    right, wrong, named = case
    gateway.start_bus()
    gateway.add_child()
    text = gateway.configuration().replace("[plugins.serial]", "[plugins.serial]", 1)
    text = text.replace('client_id =', 'topic = "x"\nclient_id =', 1)
    assert right in text
    text = text.replace(right, wrong, 1)
    daemon = gateway.launch_daemon(text)
    assert daemon.wait_for_end(SOON_S) == 2, daemon.tail()
    line = daemon.said("headgate.toml")
    assert line, daemon.tail()
    assert named in line
    number = text[:text.index(wrong)].count("\n") + 1
    if "profile" not in case[0] or "unknown" in case[2]:
        assert f"{gateway.directory}/headgate.toml:{number}:" in line, line


def test_missing_configuration(gateway):
    gateway.start_bus()
    gateway.write_configuration()
    (gateway.directory / "headgate.toml").unlink()
    from gateway import BIN
    from processes import Program
    daemon = Program("headgated", [BIN / "headgated", "--config", gateway.directory / "headgate.toml", "--bus",
                                   gateway.bus_address], gateway.happenings)
    assert daemon.wait_for_end(SOON_S) == 2
    assert daemon.said("headgate.toml")


def test_unknown_option(gateway):
    from gateway import BIN
    from processes import Program
    daemon = Program("headgated", [BIN / "headgated", "--no-such-option"], gateway.happenings)
    assert daemon.wait_for_end(SOON_S) == 2
