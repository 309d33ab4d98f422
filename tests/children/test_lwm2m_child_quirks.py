# SPDX-License-Identifier: Apache-2.0
"""What lwm2m_child does with images and how it misbehaves, against a gateway of single messages."""

import json

import pytest

import coap_wire as wire
from bare_gateway import BareGateway
from coap_child_process import CoapProgram
from lwm2m_firmware import make_image

IMAGE = make_image("boiler", "2.0.0", 1500)
SHORT = 0.4  # seconds in which an answer would have come


@pytest.fixture
def start():
    programs, gateways = [], []

    def start_child(*options, location="7", gateway=None):
        if not gateway:
            gateways.append(gateway := BareGateway())
        programs.append(CoapProgram("lwm2m_child", "--server", gateway.where, "--ack-timeout", 0.2, "--lifetime", 3600,
                                    *options))
        gateway.first = gateway.register(location)
        programs[-1].wait("registered")
        return gateway, programs[-1]

    yield start_child
    for program in programs:
        program.stop()
    for gateway in gateways:
        gateway.close()


def firmware(gateway, base="5/0"):
    return gateway.read(f"{base}/3") + gateway.read(f"{base}/5")


# ---------------------------------------------------------------------------------------------------- registration


@pytest.mark.parametrize("options, query, links", [
    (["--lwm2m", "1.0", "--queue", "--object5", "1.0"], {"lwm2m=1.0", "lt=3600", "ep=child", "b=UQ"},
     "</1/0>,</3/0>,</5/0>"),
    (["--queue"], {"lwm2m=1.1", "lt=3600", "ep=child", "Q"}, "</1/0>,</3/0>,</5>;ver=1.1,</5/0>"),
    (["--quoted-ver", "--root", "lwm2m"], {"lwm2m=1.1", "lt=3600", "ep=child"},
     '</lwm2m>;rt="oma.lwm2m",</lwm2m/1/0>,</lwm2m/3/0>,</lwm2m/5>;ver="1.1",</lwm2m/5/0>')])
def test_says_what_it_is(start, options, query, links):
    gateway, _ = start(*options)
    assert set(gateway.first.query) == query
    assert gateway.first.payload.decode() == links


def test_paths_stand_below_the_root(start):
    gateway, _ = start("--root", "lwm2m")
    assert (gateway.read("lwm2m/5/0/3"), gateway.read("5/0/3")) == ("0", "4.04")


def test_registers_anew_when_its_update_is_unknown(start):
    gateway, child = start()
    child.tell("update")
    gateway.answer(gateway.await_request("rd/7"), "4.04")
    gateway.register("8")
    assert child.wait("registered", count=2)["location"] == "rd/8"


def test_is_triggered_to_update(start):
    gateway, child = start()
    assert gateway.execute("1/0/8") == "2.04"
    gateway.answer(gateway.await_request("rd/7"), "2.04")
    child.wait("updated")


def test_sleeps_in_queue_mode_and_wakes_to_update(start):
    gateway, child = start("--queue", "--awake", 0.2)
    child.wait("sleeps")
    assert gateway.ask(wire.GET, "5/0/3", within=SHORT) is None
    child.tell("update")
    gateway.answer(gateway.await_request("rd/7"), "2.04")
    assert gateway.read("5/0/3") == "0"


def test_is_deaf_until_it_is_registered(start):
    gateway, child = start("--deaf-until-registered")
    child.tell("reboot")
    register = gateway.await_request("rd")
    assert gateway.ask(wire.GET, "3/0/3", within=0.1) is None
    gateway.answer(register, "2.01", (wire.LOCATION_PATH, "rd"), (wire.LOCATION_PATH, "8"))
    child.wait("registered", count=2)
    assert gateway.read("3/0/3") == "1.0.0"


# ---------------------------------------------------------------------------------------------------- images


@pytest.mark.parametrize("options, image, result", [
    ([], b"\x7fELF" + IMAGE, "6"), ([], IMAGE[:-1] + b"?", "5"), (["--vendor-class", "pump"], IMAGE, "6"),
    (["--refuse-older", "--version", "3.0"], IMAGE, "8"), (["--verdict", "13"], IMAGE, "13"), ([], IMAGE, "0"),
    (["--any-image", "9.0"], b"anything", "0")])
def test_judges_what_is_pushed(start, options, image, result):
    gateway, _ = start(*options)
    assert gateway.push_whole(image) == "2.04"
    assert firmware(gateway) == ("2" if result == "0" else "0") + result


@pytest.mark.parametrize("option, result", [("--flash", "2"), ("--ram", "3")])
def test_has_no_room(start, option, result):
    gateway, _ = start(option, 1000)
    assert gateway.block1("5/0/0", IMAGE, 0, 512) == "2.31"
    assert gateway.block1("5/0/0", IMAGE, 1, 512) == "4.13"
    assert firmware(gateway) == "0" + result


def test_installs_and_tells_after_a_new_registration(start):
    gateway, _ = start()
    gateway.push_whole(IMAGE)
    assert gateway.execute("5/0/2") == "2.04"
    gateway.register("8")
    assert (firmware(gateway), gateway.read("3/0/3")) == ("01", "2.0.0")


@pytest.mark.parametrize("options, state, version", [(["--revert"], "28", "1.0.0"), (["--keep-version"], "01", "1.0.0"),
                                                     (["--revert", "--fail-state", "0"], "08", "1.0.0")])
def test_what_a_reboot_may_bring(start, options, state, version):
    gateway, _ = start(*options)
    gateway.push_whole(IMAGE)
    gateway.execute("5/0/2")
    gateway.register("8")
    assert (firmware(gateway), gateway.read("3/0/3")) == (state, version)


def test_fails_to_install(start):
    gateway, child = start("--fail-result", 8)
    gateway.push_whole(IMAGE)
    gateway.execute("5/0/2")
    child.wait("install_failed")
    assert firmware(gateway) == "28"


def test_refuses_execute(start):
    gateway, child = start()
    assert gateway.execute("5/0/2") == "4.05"  # State 0
    gateway.push_whole(IMAGE)
    child.set(refuse_execute=True)
    assert gateway.execute("5/0/2") == "4.05"


def test_defers_no_longer_than_it_may(start):
    gateway, child = start("--defer", 600)
    gateway.push_whole(IMAGE)
    gateway.put("5/0/13", 60)
    assert gateway.execute("5/0/2") == "2.04"
    assert firmware(gateway) == "2" + "11"
    assert child.wait("deferred")["seconds"] == 60
    child.tell("install")
    gateway.register("8")
    assert firmware(gateway) == "01"


def test_does_not_defer_where_that_is_not_allowed(start):
    gateway, child = start("--defer", 600)
    gateway.push_whole(IMAGE)
    gateway.execute("5/0/2")
    gateway.register("8")
    assert not child.all("deferred")


def test_installs_by_itself(start):
    gateway, _ = start("--object5", "1.2")
    gateway.put("5/0/14", 1)
    gateway.push_whole(IMAGE)
    gateway.register("8")
    assert firmware(gateway) == "01"


def test_a_reboot_loses_state_2_or_does_not(start):
    gateway, child = start()
    gateway.push_whole(IMAGE)
    gateway.execute("3/0/4")
    gateway.register("8")
    assert firmware(gateway) == "20"
    child.set(forget_download=True)
    gateway.execute("3/0/4")
    gateway.register("9")
    assert firmware(gateway) == "00"


# ---------------------------------------------------------------------------------------------------- several components


def test_linked_instances_install_together_and_conflicting_ones_do_not_take(start):
    gateway, child = start("--component", "application:1.0", "--component", "radio:1.0", "--component", "boot:1.0",
                           "--linked", "0=1", "--conflicting", "2=0")
    assert gateway.ask(wire.GET, "33629/0/16", accept=wire.TLV).payload.hex() == "8610" + "4400835d0001"
    for instance in (0, 1):
        gateway.push_whole(IMAGE, f"33629/{instance}")
    gateway.push_whole(IMAGE, "33629/2")
    assert firmware(gateway, "33629/2") == "0" + "12"
    gateway.execute("33629/0/2")
    gateway.register("8")
    assert [gateway.read(f"33629/{each}/15") for each in range(3)] == ["2.0.0", "2.0.0", "1.0"]
    assert child.wait("installed")["instances"] == [0, 1]


@pytest.mark.parametrize("arguments, result", [("0='</33629/1>'", "13"), ("0", "1")])
def test_execute_names_the_instances(start, arguments, result):
    gateway, _ = start("--component", "application:1.0", "--component", "radio:1.0")
    gateway.push_whole(IMAGE, "33629/0")
    gateway.execute("33629/0/2", arguments)
    if result == "1":
        gateway.register("8")
    assert gateway.read("33629/0/5") == result


# ---------------------------------------------------------------------------------------------------- observation


def observed(gateway, numbers=(3, 5)):
    for number in numbers:
        message = wire.request(wire.GET, f"5/0/{number}", accept=wire.TEXT).add(wire.OBSERVE, 0)
        assert gateway.exchange(message, token=b"o%d" % number).get(wire.OBSERVE) is not None


def notified(gateway, child):
    """(resource, value) of what came while an image that is no image was pushed."""
    gateway.push_whole(b"no image")
    child.wait("state", result=6)
    gateway.read("3/0/3")
    return [(int(each.token[1:]), each.payload.decode()) for each in gateway.inbox if each.get(wire.OBSERVE) is not None]


@pytest.mark.parametrize("options, expected", [
    ([], [(3, "1"), (3, "0"), (5, "6")]), (["--quiet-state"], [(5, "6")]), (["--result-only"], [(5, "6")]),
    (["--no-notify"], []), (["--notify-non"], [(3, "1"), (3, "0"), (5, "6")])])
def test_tells_state_and_result(start, options, expected):
    gateway, child = start(*options)
    observed(gateway)
    assert sorted(notified(gateway, child)) == sorted(expected)


# ---------------------------------------------------------------------------------------------------- broken pushes


def test_a_push_begins_again_at_block_0(start):
    gateway, child = start()
    assert [gateway.block1("5/0/0", IMAGE, number, 512) for number in (0, 1, 0, 2)] == ["2.31", "2.31", "2.31", "4.08"]
    assert [gateway.block1("5/0/0", IMAGE, number, 512) for number in (1, 2)] == ["2.31", "2.31"]
    assert child.stats()["restarts"] == 1


def test_does_not_begin_again(start):
    """zephyr#70591"""
    gateway, _ = start("--ignore-block-0-again")
    assert [gateway.block1("5/0/0", IMAGE, number, 512) for number in (0, 1, 0, 1, 2)] == [
        "2.31", "2.31", "2.31", "2.31", "2.31"]
    gateway.block1("5/0/0", IMAGE, 0, 512)
    assert gateway.block1("5/0/0", IMAGE, 3, 512) == "2.04"  # it took the first copies


def test_a_resent_block_is_not_answered(start):
    """wakaama#555"""
    gateway, _ = start("--ignore-resent-block")
    assert gateway.block1("5/0/0", IMAGE, 0, 512, mid=900) == "2.31"
    assert gateway.block1("5/0/0", IMAGE, 0, 512, SHORT, mid=900) is None
    assert gateway.block1("5/0/0", IMAGE, 0, 512, SHORT) is None


def test_another_token_ends_the_push(start):
    """zephyr#57165"""
    gateway, child = start("--match-token")
    assert gateway.block1("5/0/0", IMAGE, 0, 512, token=b"a") == "2.31"
    assert gateway.block1("5/0/0", IMAGE, 1, 512, token=b"b") == "4.08"
    child.wait("token_changed")
    assert firmware(gateway) == "04"


def test_makes_blocks_smaller(start):
    gateway, _ = start("--push-refuse-over", 64)
    assert gateway.block1("5/0/0", IMAGE, 0, 512) == "4.13"
    assert gateway.push_whole(IMAGE, size=64) == "2.04"


def test_is_silent_after_a_broken_push_until_it_hears_something(start):
    gateway, child = start("--silent-after-push", "--push-patience", 0.2, "--update-every", 0.3)
    gateway.block1("5/0/0", IMAGE, 0, 512)
    child.wait("sulks")
    while message := gateway.receive(SHORT):  # what was under way
        gateway.answer(message, "2.04")
    assert gateway.receive(1.0) is None
    assert firmware(gateway) == "04"
    child.wait("found_again")
    assert kept(gateway, "rd/7").code == wire.POST


# ---------------------------------------------------------------------------------------------------- pulls


def serve(gateway, request, etag=b"e", size=256, image=IMAGE):
    """One block."""
    block = request.block(wire.BLOCK2) or wire.Block(0, False, wire.szx_of(size))
    part = image[block.offset:block.offset + block.size]
    more = block.offset + block.size < len(image)
    gateway.answer(request, "2.05", (wire.ETAG, etag),
                   (wire.BLOCK2, wire.Block(block.number, more, block.szx).value()), payload=part)
    return more


def pull(gateway):
    assert gateway.put("5/0/1", f"coap://{gateway.where}/fw/x") == "2.04"


def kept(gateway, path):
    """The request, if it came while something else was awaited."""
    found = next((each for each in gateway.inbox if each.path == path), None)
    return found or gateway.await_request(path)


def test_an_etag_that_changes_ends_a_pull(start):
    gateway, child = start("--same-socket")
    pull(gateway)
    serve(gateway, kept(gateway, "fw/x"), b"one")
    serve(gateway, gateway.await_request("fw/x"), b"two")
    child.wait("etag_changed")
    assert firmware(gateway) == "04"


def test_never_pulls(start):
    gateway, _ = start("--never-pull", "--same-socket")
    pull(gateway)
    assert gateway.receive(SHORT) is None
    assert firmware(gateway) == "00"


@pytest.mark.parametrize("uri, result", [("http://x/y", "9"), ("nonsense", "7"), ("coap://name.invalid/x", "7")])
def test_uris_that_lead_nowhere(start, uri, result):
    gateway, child = start()
    gateway.put("5/0/1", uri)
    child.wait("pull_failed", result=int(result))
    assert firmware(gateway) == "0" + result


@pytest.mark.parametrize("options, state", [([], "00"), (["--uri-no-cancel"], "10")])
def test_an_empty_uri_cancels_or_not(start, options, state):
    gateway, _ = start("--same-socket", *options)
    pull(gateway)
    gateway.put("5/0/1", "")
    assert firmware(gateway) == state


def test_a_pull_goes_on_after_a_kill(start, tmp_path):
    options = ("--same-socket", "--state", tmp_path / "state")
    gateway, child = start(*options)
    pull(gateway)
    serve(gateway, kept(gateway, "fw/x"))
    for _ in range(2):
        serve(gateway, gateway.await_request("fw/x"))
    gateway.await_request("fw/x")
    child.kill()
    gateway.inbox.clear()
    _, again = start(*options, gateway=gateway, location="8")
    registered_from = gateway.child
    request = kept(gateway, "fw/x")
    assert gateway.child == registered_from
    assert request.block(wire.BLOCK2) == wire.Block(3, False, wire.szx_of(256))
    while serve(gateway, request):
        request = gateway.await_request("fw/x")
    again.wait("state", state=2)
    assert again.stats()["blocks"] == -(-len(IMAGE) // 256) - 3
    assert json.loads((tmp_path / "state").read_text())["units"][0]["state"] == 2
