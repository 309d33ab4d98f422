# SPDX-License-Identifier: Apache-2.0
"""Parts that are killed in the middle of a transfer over CoAP: the update ends, without an operator, and in the clear
next to nothing is sent twice."""

import hashlib
import json

import pytest
from coap_children import CoapGateway, write_firmware
from gateway import SOON_S, SOURCE
from processes import Program, free_port

PSK = hashlib.sha256(b"a child's key").digest()
SIZE = 512 * 1024
BLOCKS = SIZE // 1024 + 1
AWAY_S = 5
# At most a hundred blocks a second: the kill is to come in the middle.
SLOW = ("--block-gap", "0.01", "--lifetime", "10", "--ack-timeout", "1")

PUSHED = ("--delivery", "1", "--push-block", "64")  # nothing slows a push but its small blocks


@pytest.fixture
def gateway(directory):
    with CoapGateway(directory) as whole:
        yield whole


def begin(gateway, psk=None, options=(), server=None):
    """A child in the middle of a transfer."""
    gateway.add_lwm2m_child(psk=psk, options=(*SLOW, *options)).server = server
    gateway.start(broker=False)
    gateway.wait_until_online()
    image = write_firmware(gateway.directory / "new.fw", "1.1.0", SIZE)
    gateway.start_rollout(gateway.seal(image, "1.1.0"), "sensor")
    gateway.wait_for_phase("transferring", "sensor")
    gateway.wait_for(lambda: moved(gateway) > SIZE // 4, SOON_S, "a quarter of it to be there")


def moved(gateway):
    job = next((job for job in gateway.ctl("jobs") if job["state"] == "transferring"), None)
    return job["bytes_done"] if job else 0


def end(gateway, what):
    after = gateway.wait_for_phase("confirmed", "sensor", 6 * SOON_S)
    assert after["version"] == "1.1.0"
    stats = gateway.child.stats()
    print(f"{what}: {stats['blocks']} blocks asked for {BLOCKS}, {stats['repeated']} twice, "
          f"{stats['handshakes']} handshakes")
    return stats


def kill_plugin(gateway):
    gateway.coap.kill()
    assert gateway.daemon.runs_on_for(AWAY_S)
    gateway.start_coap()


def kill_daemon(gateway):
    gateway.daemon.kill()
    assert gateway.coap.runs_on_for(AWAY_S)
    gateway.start_daemon()


KILLS = {"plugin": kill_plugin, "daemon": kill_daemon}


@pytest.mark.parametrize("which", KILLS)
def test_in_the_clear_at_most_one_block_in_a_hundred_is_sent_twice(gateway, which):
    begin(gateway)
    KILLS[which](gateway)
    stats = end(gateway, f"{which} killed, plain")
    assert stats["repeated"] <= BLOCKS // 100


@pytest.mark.parametrize("which", KILLS)
def test_by_dtls_the_update_ends_by_itself(gateway, which):
    begin(gateway, PSK)
    KILLS[which](gateway)
    end(gateway, f"{which} killed, DTLS")


@pytest.mark.parametrize("psk", [None, PSK], ids=["plain", "dtls"])
def test_a_child_that_is_killed_goes_on_where_it_was(gateway, psk):
    begin(gateway, psk)
    gateway.child.kill()
    assert gateway.daemon.runs_on_for(AWAY_S)
    gateway.child.start()
    stats = end(gateway, "child killed")
    if not psk:
        assert stats["blocks"] <= BLOCKS * 0.85, "it has kept what it had"


@pytest.mark.parametrize("which", ["plugin", "daemon", "child"])
def test_a_push_ends_too(gateway, which):
    begin(gateway, options=PUSHED)
    if which == "child":
        gateway.child.kill()
        assert gateway.daemon.runs_on_for(AWAY_S)
        gateway.child.start()
    else:
        KILLS[which](gateway)
    end(gateway, f"{which} killed in a push")


def test_a_child_that_falls_silent_after_a_broken_push_is_helped(gateway):
    begin(gateway, options=(*PUSHED, "--silent-after-push", "--push-patience", "2", "--lifetime", "600"))
    kill_plugin(gateway)
    end(gateway, "silent after a broken push")


# ---------------------------------------------------------------------------------------------------------------- NAT

def relay(gateway, port):
    """Between the children and the gateway; its own port is what children know the gateway by."""
    program = Program("relay", ["/usr/bin/python3", "-B", SOURCE / "tests/children/udp_relay.py", "--to",
                                f"127.0.0.1:{port}"], gateway.happenings, listens=True)
    gateway.ends_with_test(program.stop)
    return program, json.loads(program.wait_until_said('"ready"'))["port"]


@pytest.mark.parametrize("psk", [None, PSK], ids=["plain", "dtls"])
def test_a_nat_that_forgets_in_the_middle_ends_no_update(gateway, psk):
    program, through = relay(gateway, gateway.secure_port if psk else gateway.coap_port)
    gateway.coap_options = ["--public", f"127.0.0.1:{through}"]
    begin(gateway, psk, server=f"127.0.0.1:{through}")
    program.tell(json.dumps({"do": "rebind"}))
    program.wait_until_said('"rebind"')
    end(gateway, f"rebound, {'DTLS' if psk else 'plain'}")


def test_a_dtls_child_that_restarts_on_its_own_port_is_let_in_again(gateway):
    child = gateway.add_lwm2m_child(psk=PSK, options=("--local-port", free_port(), "--ack-timeout", "1"))
    gateway.start(broker=False)
    gateway.wait_until_online()
    child.kill()
    child.start()
    child.wait_for_event("registered", deadline_s=2 * SOON_S)
    gateway.wait_until_online()
