# SPDX-License-Identifier: Apache-2.0
"""Plugins that break the protocol: the connection is closed, the journal says why, and the daemon goes on."""

import os

import cbor2
import pytest
from raw_plugin import ACTIVATE, ENROLL, INSPECT, LINK, REFUSED, WELCOME, RawPlugin

DENIED = 8
BUSY = 9


@pytest.fixture
def listening(gateway):
    gateway.start(broker=False, plugin=False)
    return gateway


def assert_goes_on(gateway):
    """A good plugin still gets in."""
    with RawPlugin(gateway) as plugin:
        plugin.hello()
        assert plugin.receive()[0] == WELCOME
        assert plugin.receive()[0] == ENROLL
    assert gateway.answers()


def assert_closed_with_one_line(gateway, plugin, *words):
    plugin.receive_until_closed()
    gateway.wait_for_journal("plugin", *words)
    assert len(gateway.journal_lines("plugin", *words)) == 1
    assert_goes_on(gateway)


def test_a_good_plugin_is_let_in(listening):
    assert_goes_on(listening)
    seen = listening.child_says()
    assert seen["online"] is False
    assert "not connected" in seen["link_text"]


def test_hello_twice(listening):
    with RawPlugin(listening) as plugin:
        plugin.hello()
        assert plugin.receive()[0] == WELCOME
        plugin.hello()
        assert_closed_with_one_line(listening, plugin, "Hello")


def test_a_frame_of_17_kib(listening):
    with RawPlugin(listening) as plugin:
        plugin.hello()
        assert plugin.receive()[0] == WELCOME
        plugin.send({0: LINK, 1: "boiler", 2: True, 3: "x" * 17 * 1024})
        assert_closed_with_one_line(listening, plugin, "16384")


def test_a_first_frame_of_17_kib(listening):
    with RawPlugin(listening) as plugin:
        plugin.send_bytes(bytes(17 * 1024))
        assert_closed_with_one_line(listening, plugin, "16384")


def test_another_transport_than_the_user_is_bound_to(listening):
    with RawPlugin(listening) as plugin:
        plugin.hello("coap")
        refusal = plugin.receive()
        assert refusal[0] == REFUSED
        assert refusal[1] == DENIED
        assert_closed_with_one_line(listening, plugin, '"coap" refused', f"uid {os.getuid()}")


def test_a_second_plugin_for_the_same_transport(listening):
    with RawPlugin(listening) as first:
        first.hello()
        assert first.receive()[0] == WELCOME
        with RawPlugin(listening) as second:
            second.hello()
            refusal = second.receive()
            assert refusal[0] == REFUSED
            assert refusal[1] == BUSY
            assert second.receive() is None
        first.send({0: LINK, 1: "boiler", 2: False, 3: "still here"})
        listening.wait_for_child("boiler", lambda seen: seen["link_text"] == "still here", "to be seen by the first")


def test_no_common_version(listening):
    with RawPlugin(listening) as plugin:
        plugin.hello(k1=7, k2=9)
        assert plugin.receive()[0] == REFUSED
        assert_closed_with_one_line(listening, plugin, "version")


FRAMES = {
    "noise": b"\xff\x00\x13garbage",
    "empty-map": b"\xa0",
    "array": cbor2.dumps([1, 2, 3]),
    "text-keys": cbor2.dumps({"0": 1}),
    "unknown-type": cbor2.dumps({0: 99}),
    "no-such-type": cbor2.dumps({0: 2**63}),
    "unknown-key": cbor2.dumps({0: LINK, 1: "boiler", 2: True, 3: "", 9: 1}),
    "no-such-security": cbor2.dumps({0: LINK, 1: "boiler", 2: True, 3: "", 4: 3}),
    "missing-key": cbor2.dumps({0: LINK, 1: "boiler"}),
    "wrong-type": cbor2.dumps({0: LINK, 1: 7, 2: True, 3: ""}),
    "keys-out-of-order": b"\xa4\x00\x06\x02\xf5\x01\x66boiler\x03\x60",
    "indefinite": b"\xbf\x00\x06\x01\x66boiler\x02\xf5\x03\x60\xff",
    "trailing-bytes": cbor2.dumps({0: LINK, 1: "boiler", 2: True, 3: ""}) + b"\x00",
    "deep": b"\x81" * 8000 + b"\x00",
    "daemons-own": cbor2.dumps({0: INSPECT, 1: 1, 2: "boiler", 3: 0, 4: 1}),
    "activate": cbor2.dumps({0: ACTIVATE, 1: 1, 2: "boiler", 3: 0, 4: 1, 5: 0, 6: b"", 7: b""}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_a_frame_that_breaks_the_rules(listening, frame):
    with RawPlugin(listening) as plugin:
        plugin.hello()
        assert plugin.receive()[0] == WELCOME
        plugin.send_bytes(frame)
        assert_closed_with_one_line(listening, plugin, "plugin serial: connection closed", ": ")


def test_another_first_frame_than_hello(listening):
    with RawPlugin(listening) as plugin:
        plugin.send({0: LINK, 1: "boiler", 2: True, 3: ""})
        assert_closed_with_one_line(listening, plugin, "without Hello")


def test_a_link_of_a_child_that_is_not_its_own(listening):
    with RawPlugin(listening) as plugin:
        plugin.hello()
        assert plugin.receive()[0] == WELCOME
        plugin.send({0: LINK, 1: "somebody-elses", 2: True, 3: ""})
        listening.wait_for_journal("plugin serial", "not its own")
        assert [child["id"] for child in listening.ctl("children")] == ["boiler"]


def test_more_connections_without_hello_than_there_may_be(listening):
    guests = [RawPlugin(listening) for _ in range(20)]
    listening.wait_for_journal("too many connections without Hello")
    for guest in guests:
        guest.__exit__()
    assert_goes_on(listening)


def test_a_plugin_that_is_silent_when_asked(listening):
    """It says the link is up and then never answers: each question has a deadline, and the reason is shown."""
    with RawPlugin(listening) as plugin:
        plugin.hello()
        assert plugin.receive()[0] == WELCOME
        plugin.send({0: LINK, 1: "boiler", 2: True, 3: ""})
        while plugin.receive()[0] != INSPECT:
            pass
        listening.wait_for_child("boiler", lambda seen: seen["online"], "to be online")
        assert listening.answers()
    listening.wait_for_child("boiler", lambda seen: not seen["online"], "to be offline again")
