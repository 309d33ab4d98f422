# SPDX-License-Identifier: Apache-2.0
"""A cloud that is away, lies about who it is, breaks off, or announces nonsense."""

import json

import pytest
from certificates import Authority
from cloud import BreakingServer, WebServer
from gateway import APP_1_1_0, APP_2_0_0, SOON_S


def assert_goes_on(gateway):
    gateway.announce(gateway.publish(APP_2_0_0, version="2.0.0"))
    gateway.wait_until_sealed("2.0.0")
    assert gateway.answers()


def test_http_404_for_the_envelope(gateway):
    gateway.start(plugin=False)
    deliverable = gateway.publish(APP_1_1_0)
    deliverable.envelope.unlink()
    gateway.announce(deliverable)
    gateway.wait_for_journal(deliverable.url)
    assert_goes_on(gateway)
    assert len(gateway.journal_lines(deliverable.url)) == 1


def test_http_404_for_the_image(gateway):
    gateway.start(plugin=False)
    deliverable = gateway.publish(APP_1_1_0)
    (gateway.web.root / f"{deliverable.envelope.stem}.bin").unlink()
    gateway.announce(deliverable)
    gateway.wait_for_journal(f"{deliverable.envelope.stem}.bin")
    assert_goes_on(gateway)
    assert not gateway.sealed("1.1.0")


def test_reset_in_the_middle_is_resumed(gateway):
    gateway.start(plugin=False)
    server = BreakingServer(gateway.authority, gateway.web.root, break_after=10000, times=2)
    gateway.ends_with_test(server.stop)
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0", via=server.url))
    gateway.wait_until_sealed("1.1.0", deadline_s=2 * SOON_S)
    offsets = [begin for path, begin in server.requests if path.endswith(".bin")]
    assert offsets[0] == 0
    assert offsets == sorted(offsets) and offsets[-1] > 0, f"what was there was not fetched again: {offsets}"


def test_reset_each_time_is_given_up(gateway):
    gateway.more_configuration = "[fetch]\nattempts = 2\n"
    gateway.start(plugin=False)
    server = BreakingServer(gateway.authority, gateway.web.root, break_after=0)
    gateway.ends_with_test(server.stop)
    deliverable = gateway.publish(APP_1_1_0, version="1.1.0", via=server.url)
    gateway.announce(deliverable)
    gateway.wait_for_journal(deliverable.url, deadline_s=2 * SOON_S)
    assert_goes_on(gateway)
    assert not gateway.sealed("1.1.0")


def test_server_with_a_certificate_of_another_authority(gateway):
    gateway.start(plugin=False)
    other = WebServer(gateway.directory, Authority(gateway.directory, "other"), gateway.happenings, "impostor")
    other.start()
    gateway.ends_with_test(other.stop)
    deliverable = gateway.publish(APP_1_1_0, via=other.url)
    gateway.announce(deliverable)
    gateway.wait_for_journal(deliverable.url, "certificate")
    assert_goes_on(gateway)
    assert len(gateway.journal_lines(deliverable.url)) == 1
    assert other.requests() == []


def test_server_with_a_certificate_for_another_name(gateway):
    gateway.start(plugin=False)

    class Misnamed:
        def vouch_for(self, server):
            return gateway.authority.vouch_for(server, ("elsewhere.example",), ("127.0.0.2",))

    other = WebServer(gateway.directory, Misnamed(), gateway.happenings, "misnamed")
    other.start()
    gateway.ends_with_test(other.stop)
    deliverable = gateway.publish(APP_1_1_0, via=other.url)
    gateway.announce(deliverable)
    gateway.wait_for_journal(deliverable.url, "certificate")
    assert_goes_on(gateway)
    assert other.requests() == []


ANNOUNCEMENTS = {
    "not-json": b"\x00\x01 come and get it",
    "empty": b"",
    "no-url": b"{}",
    "a-list": b"[1, 2]",
    "url-is-a-number": b'{"url": 7}',
    "http": json.dumps({"url": "http://localhost:1/a.suit"}).encode(),
    "file": json.dumps({"url": "file:///etc/passwd"}).encode(),
    "ftp": json.dumps({"url": "ftp://localhost/a.suit"}).encode(),
    "control-characters": json.dumps({"url": "https://localhost/a\r\nX: y"}).encode(),
    "huge": b'{"url": "https://localhost/' + b"a" * 300000 + b'"}',
    "deep": b"[" * 100000,
}


@pytest.mark.parametrize("payload", ANNOUNCEMENTS.values(), ids=ANNOUNCEMENTS.keys())
def test_announcement_that_is_nonsense(gateway, payload):
    gateway.start(plugin=False)
    gateway.announce_bytes(payload)
    line = gateway.wait_for_journal("announcement")
    assert "\r" not in line and len(line) < 2000
    assert_goes_on(gateway)
    assert len(gateway.journal_lines("announcement")) == 1, gateway.journal()


def test_broker_absent_at_start(gateway):
    gateway.start(broker=False, plugin=False)
    status = gateway.ctl("status")
    assert status["cloud_connected"] is False
    gateway.broker.start()
    gateway.wait_for(lambda: gateway.ctl("status")["cloud_connected"], 2 * SOON_S, "the connection to the broker")
    assert_goes_on(gateway)


def test_broker_that_goes_and_returns(gateway):
    gateway.start(plugin=False)
    gateway.broker.stop()
    gateway.wait_for(lambda: not gateway.ctl("status")["cloud_connected"], SOON_S, "the loss to be seen")
    gateway.broker.start()
    gateway.wait_for(lambda: gateway.ctl("status")["cloud_connected"], 2 * SOON_S, "the connection to the broker")
    assert_goes_on(gateway)
