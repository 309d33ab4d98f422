# SPDX-License-Identifier: Apache-2.0
"""Deliverables that must not be let in. After each: the daemon lives, says once what was wrong with which, the
catalogue does not have it, and the next good one comes through."""

import pytest
from gateway import APP_1_1_0, APP_2_0_0, SOON_S
from mcuboot_image import write_image

MIB = 1 << 20


def assert_refused(gateway, deliverable, *words):
    """One line of the journal names the envelope's URL and has the words, headgatectl shows the same; then a good
    deliverable still comes in."""
    gateway.announce(deliverable)
    line = gateway.wait_for_journal(deliverable.url, "refused", *words)
    arrival = gateway.wait_for_arrival(deliverable, "refused")
    assert arrival["text"] and arrival["text"] in line
    gateway.announce(gateway.publish(APP_2_0_0, version="2.0.0"))
    gateway.wait_until_sealed("2.0.0")
    assert len(gateway.journal_lines(deliverable.url, "refused")) == 1, gateway.report()
    assert gateway.answers()
    assert [each["version"] for each in gateway.ctl("deliverables")] == ["2.0.0"]
    assert not list(gateway.directory.glob("cache/**/incoming/*")), "nothing of what was refused stays behind"


@pytest.mark.parametrize("damage, word", [
    ("wrong-signature", "signature"), ("unknown-key", "signature"), ("unsigned", "verify the envelope"),
    ("tampered", "digest"), ("missing-payload", "#gone"), ("no-class-condition", "class"),
    ("unreferenced-payload", "envelope"), ("huge-text", "envelope")])
def test_envelope_that_is_not_what_it_should_be(gateway, damage, word):
    gateway.start(plugin=False)
    assert_refused(gateway, gateway.publish(APP_1_1_0, damage=damage), word)


@pytest.mark.parametrize("damage", ["wrong-digest", "wrong-size"])
def test_signed_for_another_image(gateway, damage):
    gateway.start(plugin=False)
    assert_refused(gateway, gateway.publish(APP_1_1_0, damage=damage), "image app")


def test_well_signed_by_a_stranger(gateway):
    gateway.start(plugin=False)
    assert_refused(gateway, gateway.publish(APP_1_1_0, signer="stranger"), "signature")


def test_tampered_image(gateway):
    gateway.start(plugin=False)
    tampered = gateway.directory / "tampered.bin"
    data = bytearray(APP_1_1_0.read_bytes())
    data[5000] ^= 0x10
    tampered.write_bytes(data)
    assert_refused(gateway, gateway.publish(APP_1_1_0, served=tampered), "SHA-256")


@pytest.mark.parametrize("change", [-1, +1, -20000, +200000], ids=["1-shorter", "1-longer", "shorter", "longer"])
def test_image_of_another_length_than_signed(gateway, change):
    gateway.start(plugin=False)
    other = gateway.directory / "other.bin"
    data = APP_1_1_0.read_bytes()
    other.write_bytes(data[:change] if change < 0 else data + bytes(change))
    assert_refused(gateway, gateway.publish(APP_1_1_0, served=other))


def test_envelope_of_64_mib(gateway):
    gateway.start(plugin=False)
    deliverable = gateway.publish(APP_1_1_0)
    with open(deliverable.envelope, "ab") as file:
        file.truncate(64 * MIB)
    assert_refused(gateway, deliverable)


def test_envelope_that_is_noise(gateway):
    gateway.start(plugin=False)
    assert_refused(gateway, gateway.publish(APP_1_1_0, change=lambda envelope: bytes(reversed(envelope))))


def test_empty_envelope(gateway):
    gateway.start(plugin=False)
    assert_refused(gateway, gateway.publish(APP_1_1_0, change=lambda envelope: b""))


def test_an_image_that_is_announced_as_huge_does_not_fill_the_disk(gateway):
    """More than the store may hold: not a byte of it is fetched."""
    gateway.more_configuration = "[cache]\nlimit_mib = 1\n"
    gateway.start(plugin=False)
    big = gateway.directory / "big.bin"
    write_image(big, 3 * MIB)
    deliverable = gateway.publish(big)
    gateway.announce(deliverable)
    gateway.wait_for_journal(deliverable.url, "more than the whole store may hold")
    assert "the whole store" in gateway.wait_for_arrival(deliverable, "refused")["text"]
    gateway.announce(gateway.publish(APP_2_0_0, version="2.0.0"))
    gateway.wait_until_sealed("2.0.0")
    assert not any(f"GET /{deliverable.envelope.stem}.bin" in line for line in gateway.web.requests())


def test_a_deliverable_that_fits_no_child_is_refused_to_the_operator(gateway):
    gateway.start()
    gateway.children["boiler"].configuration = gateway.child.configuration.replace("boiler-v1", "boiler-v2")
    gateway.daemon.stop()
    gateway.start_daemon()
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0"))
    deliverable = gateway.wait_until_sealed("1.1.0")
    result = gateway.ctl_result("rollout", "start", deliverable["id"])
    assert result.returncode == 4, result
    assert "fits no child" in result.stderr
    assert gateway.answers()


def test_a_plain_image_is_not_sent_over_an_open_link(gateway):
    gateway.add_child(link="none")
    gateway.start()
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0"))
    gateway.ctl_result("rollout", "start", gateway.wait_until_sealed("1.1.0")["id"])
    seen = gateway.wait_for_phase("refused", deadline_s=SOON_S)
    assert seen["reason"] == "no-protection"
    assert gateway.child.counters()["uploads_started"] == 0
