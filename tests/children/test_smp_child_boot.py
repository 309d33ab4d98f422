# SPDX-License-Identifier: Apache-2.0
"""smp_child's bootloader: MCUboot's table (smp.md 4.7), several images, kills."""
import pytest

from child_process import VECTORS, image_hash, make_image
from smp_client import IMAGE
from smp_table import CONFIRMED, IN_TEST, NEW, OLD, OLD_ONLY, UPLOADED, V110, error_of, reset, stage, table


# --- MCUboot's table (smp.md 4.7) ---

def test_test_then_confirm(start):
    child = start()
    with child.client() as client:
        assert table(stage(client)) == OLD_ONLY | {(0, 1): ("1.1.0", "pending")}
        assert reset(child, client) == IN_TEST
        assert table(client.set_state(confirm=True)) == CONFIRMED
        assert reset(child, client) == CONFIRMED
    assert [child.counter(name) for name in ("tests", "swaps", "confirms", "reverts", "resets")] == [1, 1, 1, 0, 2]


def test_test_then_revert(start):
    child = start()
    with child.client() as client:
        stage(client)
        assert reset(child, client) == IN_TEST
        assert reset(child, client) == UPLOADED
        assert reset(child, client) == UPLOADED
    assert [child.counter(name) for name in ("swaps", "reverts", "resets")] == [1, 1, 3]


def test_permanent(start):
    child = start()
    with child.client() as client:
        assert table(stage(client, confirm=True)) == OLD_ONLY | {(0, 1): ("1.1.0", "pending permanent")}
        assert reset(child, client) == CONFIRMED
        assert reset(child, client) == CONFIRMED


def test_repeat_rules(start):
    child = start()
    with child.client() as client:
        client.upload(V110)
        assert table(client.set_state(confirm=True)) == UPLOADED  # the running image is confirmed already
        assert error_of(client.set_state, OLD) == (IMAGE, 33)
        assert error_of(client.set_state) == (IMAGE, 24)
        assert error_of(client.set_state, NEW[:31]) == (IMAGE, 24)
        client.set_state(NEW)
        client.set_state(NEW)
        for image, confirm in ((None, True), (OLD, True), (NEW, True), (OLD, False)):
            assert error_of(client.set_state, image, confirm) == (IMAGE, 28)
        reset(child, client)
        for image in (NEW, OLD):
            assert error_of(client.set_state, image) == (IMAGE, 28)
        assert table(client.set_state(NEW, confirm=True)) == CONFIRMED
    assert child.counter("tests") == 1


def test_overwrite_only(start):
    child = start("--mode", 2)
    with child.client() as client:
        stage(client)
        assert reset(child, client) == {(0, 0): ("1.1.0", "active confirmed")}


@pytest.mark.parametrize("options, image", [
    (("--reject-image",), V110), (("--come-back-old",), V110), (("--corrupt-at", 5000), V110),
    ((), V110[:3000] + b"\x00" + V110[3001:]), (("--no-downgrade",), make_image((0, 9, 0))),
    (("--slot-size", 30000), V110),
])
def test_a_refused_image_is_erased(start, options, image):
    child = start(*options)
    with child.client() as client:
        stage(client, image)
        assert reset(child, client) == OLD_ONLY
    assert (child.counter("refused"), child.counter("swaps")) == (1, 0)


def test_only_the_next_image_is_rejected(start):
    child = start("--reject-image")
    with child.client() as client:
        stage(client)
        assert reset(child, client) == OLD_ONLY
        stage(client)
        assert reset(child, client) == IN_TEST


def test_an_application_that_confirms_itself(start):
    child = start("--self-confirm")
    with child.client() as client:
        stage(client)
        assert reset(child, client) == CONFIRMED
    assert (child.counter("self_confirms"), child.counter("confirms")) == (1, 0)


def test_an_application_that_refuses_to_be_confirmed(start):
    child = start("--refuse-confirm")
    with child.client() as client:
        stage(client)
        reset(child, client)
        assert error_of(client.set_state, None, True) == (IMAGE, 32)
        assert reset(child, client) == UPLOADED


def test_build_number_in_the_version(start, tmp_path):
    image = tmp_path / "image.bin"
    image.write_bytes(make_image((1, 2, 3), build=4))
    with start(image=image).client() as client:
        assert client.list()[0]["version"] == "1.2.3.4"


# --- more than one image ---

RADIO1 = VECTORS / "radio-1.0.0.bin"
RADIO2 = (VECTORS / "radio-2.0.0-needs-app-2.bin").read_bytes()
APP2 = make_image((2, 0, 0))


def test_two_images_swap_in_one_reset(start):
    child = start("--image", f"1={RADIO1}")
    with child.client() as client:
        stage(client, APP2)
        assert table(stage(client, RADIO2, image=1))[1, 1] == ("2.0.0", "pending")
        running = reset(child, client)
        assert (running[0, 0], running[1, 0]) == (("2.0.0", "active"), ("2.0.0", "active"))
        assert error_of(client.set_state, image_hash(RADIO2), True) == (IMAGE, 32)
        client.set_state(confirm=True)
        running = reset(child, client)
        assert (running[0, 0], running[1, 0]) == (("2.0.0", "active confirmed"), ("1.0.0", "active confirmed"))


def test_confirm_all(start):
    child = start("--image", f"1={RADIO1}", "--confirm-all")
    with child.client() as client:
        stage(client, APP2)
        stage(client, RADIO2, image=1)
        reset(child, client)
        client.set_state(confirm=True)
        assert reset(child, client)[1, 0] == ("2.0.0", "active confirmed")


@pytest.mark.parametrize("options, flags", [((), ""), (("--keep-cancelled-marks",), "pending")])
def test_a_dependency_that_does_not_hold_cancels(start, options, flags):
    child = start("--image", f"1={RADIO1}", *options)
    with child.client() as client:
        stage(client, V110)
        stage(client, RADIO2, image=1)
        running = reset(child, client)
        assert running == UPLOADED | {(0, 1): ("1.1.0", flags), (1, 0): ("1.0.0", "active confirmed"),
                                      (1, 1): ("2.0.0", flags)}


# --- kills ---

def test_state_survives_a_kill(start):
    child = start()
    with child.client() as client:
        stage(client)
    child.kill()
    child = start()
    with child.client() as client:
        assert table(client.list()) == IN_TEST
    child.kill()
    child = start()
    with child.client() as client:
        assert table(client.list()) == UPLOADED
    assert [child.counter(name) for name in ("power_ons", "resets", "swaps", "reverts")] == [3, 0, 1, 1]


def test_a_kill_in_an_upload_forgets_it(start):
    child = start()
    with child.client() as client:
        client.upload(V110, stop_at=5000)
    child.kill()
    with start().client() as client:
        assert client.upload_chunk(5000, V110[5000:5100])["off"] == 0
