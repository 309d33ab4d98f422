# SPDX-License-Identifier: Apache-2.0
"""What an operator brings in a file, with real programs: an envelope on a stick, a pipe, the factory's firmware, and
everything that is not an envelope. headgatectl opens the file; headgated reads it."""

import os
import subprocess

import pytest
from gateway import APP_1_0_0, APP_1_1_0, BIN, DEVICE_CLASS, PRODUCT, SOURCE, VENDOR

OK, FAILED, USAGE, NOT_FOUND, NOTHING, TIMED_OUT = 0, 1, 2, 3, 4, 6
MOST = 1024 * 1024


@pytest.fixture
def quiet(gateway):
    """Without child and broker; the web server has only images."""
    gateway.add_child()
    gateway.child.start = lambda: None
    gateway.start(broker=False, plugin=False)
    return gateway


def importing(gateway, file, *words):
    """Exit status, and all that headgatectl wrote."""
    done = gateway.ctl_result("deliverables", "import", file, *words)
    return done.returncode, done.stdout + done.stderr


def on_stick(deliverable):
    """Its envelope is in the operator's hands only."""
    stick = deliverable.envelope.parent.parent / "stick.suit"
    deliverable.envelope.rename(stick)
    return stick


def test_an_envelope_in_a_file_is_sealed_and_its_image_fetched(quiet):
    stick = on_stick(quiet.publish(APP_1_1_0))
    status, text = importing(quiet, stick)
    assert status == OK and text.startswith("sealed"), text
    sealed = quiet.sealed("1.1.0")
    assert sealed["source"].startswith("import:") and sealed["signers"] == ["vendor"]
    assert str(stick) not in "\n".join(quiet.journal()), "the daemon knows no path"
    quiet.wait_for_journal(f"{sealed['source']} was brought by uid {os.getuid()}")
    assert importing(quiet, stick)[0] == OK and len(quiet.ctl("deliverables")) == 1, "as a second fetch of a URL"


def test_an_envelope_in_a_file_that_was_fetched_before_is_known(quiet):
    deliverable = quiet.publish(APP_1_1_0)
    assert quiet.ctl_result("fetch", deliverable.url, "--wait").returncode == OK
    status, text = importing(quiet, deliverable.envelope)
    assert status == NOTHING and text.startswith("known"), text
    assert quiet.sealed("1.1.0")["source"] == deliverable.url


def test_an_envelope_that_carries_its_image_needs_no_server(quiet):
    envelope = quiet.directory / "whole.suit"
    subprocess.run(["/usr/bin/python3", "-B", SOURCE / "tests/author/suit_author.py", "--key", quiet.key("vendor"), "--alg",
                    "ESP256", "--sequence", "1", "--product", PRODUCT, "--set-version", "1.1.0", "--vendor-domain", VENDOR,
                    "--class-name", DEVICE_CLASS, "--image", f"component=app,file={APP_1_1_0},integrated=yes",
                    "-o", envelope], check=True, timeout=60)
    quiet.web.stop()
    status, text = importing(quiet, envelope)
    assert status == OK and text.startswith("sealed"), text
    assert quiet.sealed("1.1.0")["size"] == APP_1_1_0.stat().st_size


def test_a_url_is_fetched_as_before(quiet):
    deliverable = quiet.publish(APP_1_1_0)
    status, text = importing(quiet, deliverable.url)
    assert status == OK and text.startswith("sealed"), text
    assert quiet.sealed("1.1.0")["source"] == deliverable.url


def test_an_envelope_comes_through_a_pipe(quiet):
    stick = on_stick(quiet.publish(APP_1_1_0))
    with open(stick, "rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as cat:
        done = subprocess.run([BIN / "headgatectl", "--bus", quiet.bus_address, "deliverables", "import", "/dev/stdin",
                               "--json"], stdin=cat.stdout, capture_output=True, text=True, timeout=60)
    assert done.returncode == OK, done.stderr
    assert '"state":"sealed"' in done.stdout and '"url":"import:' in done.stdout


def test_what_a_child_came_with_is_declared_from_a_file(gateway):
    gateway.start(broker=False)
    gateway.wait_for_child("boiler", lambda seen: seen["version"] == "1.0.0", "to say what it runs")
    stick = on_stick(gateway.publish(APP_1_0_0, version="1.0.0"))
    done = gateway.ctl("deliverables", "import", stick, "--baseline")
    assert done["state"] == "sealed" and done["children"] == ["boiler"]
    assert gateway.child_says()["committed"] == done["deliverable"] == gateway.sealed("1.0.0")["id"]


def test_a_signature_is_judged_as_that_of_what_was_fetched(quiet):
    stick = on_stick(quiet.publish(APP_1_1_0, signer="stranger"))
    status, text = importing(quiet, stick)
    assert status == FAILED and "refused" in text and "verify" in text, text
    quiet.wait_for_journal("import:", "refused", "verify")


HOSTILE = {  # what is written into a file, and what headgatectl says then
    "empty": (b"", USAGE, "empty"),
    "too-large": (bytes(MOST + 1), FAILED, "more than 1048576 bytes"),
    "no-envelope": (b"\x01\x02\x03", FAILED, "envelope"),
    "zeros": (bytes(MOST), FAILED, "envelope"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_envelope_is_refused(quiet, name):
    content, status, words = HOSTILE[name]
    file = quiet.directory / name
    file.write_bytes(content)
    assert_refused(quiet, file, status, words)


def test_what_is_no_file_is_refused(quiet):
    envelope = quiet.publish(APP_1_1_0).envelope
    whole = envelope.read_bytes()
    envelope.write_bytes(whole[:-100])
    assert_refused(quiet, envelope, FAILED, "envelope")
    assert_refused(quiet, "/dev/zero", USAGE, "neither a regular file nor a pipe")
    assert_refused(quiet, quiet.directory, USAGE, "neither a regular file nor a pipe")
    assert_refused(quiet, quiet.directory / "nothing", NOT_FOUND, "nothing")
    fifo = quiet.directory / "fifo"
    os.mkfifo(fifo)
    assert_refused(quiet, fifo, TIMED_OUT, "in time")
    envelope.write_bytes(whole)
    assert importing(quiet, envelope)[0] == OK, "nothing of that is in its way"


def assert_refused(gateway, file, wanted, words):
    status, text = importing(gateway, file)
    assert (status, words in text) == (wanted, True), (status, text)
    assert gateway.ctl("deliverables") == []
    assert gateway.answers()
