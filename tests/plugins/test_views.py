# SPDX-License-Identifier: Apache-2.0
"""A child gets an image of which only its own wrap differs from everybody's: headgate-serial and headgate-udp, driven by
frames made by hand, bring the shared file with patches to an smp_child that opens it with its own key, or refuses it."""
import pytest

import mcuboot_wrap
from child_process import VECTORS, ChildProcess, image_hash
from packet_log import packets, runs_of, uploaded
from raw_daemon import DELIVERED, FAILED, ORDERED, RawDaemon, sha256

KEYS = VECTORS / "keys"
SHARED = (VECTORS / "app-2.0.0-enc-p256-for-gateway.bin").read_bytes()
PLAIN = (VECTORS / "app-2.0.0.bin").read_bytes()
OLD = image_hash((VECTORS / "app-1.0.0.bin").read_bytes())
NEW = image_hash(SHARED)
UNSUPPORTED = 2


def payload_of(image_file):
    size, head = int.from_bytes(image_file[12:16], "little"), int.from_bytes(image_file[8:10], "little")
    return image_file[head:head + size]


def patch_for(child):
    return mcuboot_wrap.rewrap(SHARED, mcuboot_wrap.private_key(KEYS / "gateway-enc-p256.pem"),
                               mcuboot_wrap.private_key(KEYS / f"{child}-enc-p256.pem").public_key())


class Bench:
    """One child with its own key, a plugin, and the daemon by hand."""

    def __init__(self, directory, transport, *options):
        link = ["--udp", 0] if transport == "udp" else []
        self.child = ChildProcess(directory, "--image", VECTORS / "app-1.0.0.bin", "--reset-delay-ms", 20, "--swap-ms",
                                  20, "--enc-key", KEYS / "child1-enc-p256.pem", "--log-packets", *link, *options)
        self.daemon = RawDaemon(directory, transport)
        self.transport = transport

    def start(self, **profile):
        address = self.child.where if self.transport == "udp" else self.child.link
        return self.daemon.start_plugin("boiler", address, **profile)

    def deliver(self, patches, digest=None, progress=lambda done: None):
        view = mcuboot_wrap.laid_over(SHARED, patches)
        self.daemon.begin_deliver(SHARED, digest or sha256(view), NEW, patches)
        return self.daemon.answer(progress)

    def slot(self, number):
        return (self.child.state / f"slot{number}.bin").read_bytes()

    def running(self, seen):
        return next(slot[4] for slot in seen[1] if slot[8])

    def close(self):
        self.daemon.close()
        self.child.stop()


@pytest.fixture
def bench(tmp_path):
    made = []

    def make(*options, transport="serial"):
        made.append(Bench(tmp_path, transport, *options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("transport", ["serial", "udp"])
def test_the_child_boots_what_is_wrapped_for_it(bench, transport):
    one = bench(transport=transport)
    hello = one.start()
    assert hello[4] & 16, "it says that it can lay patches over an image"
    patch = patch_for("child1")
    view = mcuboot_wrap.laid_over(SHARED, [patch])
    assert one.deliver([patch])[0] == DELIVERED
    assert one.slot(1) == view
    assert [i for i, (a, b) in enumerate(zip(SHARED, view)) if a != b][0] >= patch[0]
    ordered = one.daemon.activate(OLD, NEW)
    assert ordered[0] == ORDERED and one.running(ordered[3]) == NEW
    assert payload_of(one.slot(0)) == payload_of(PLAIN)
    sent = packets(one.child.state)
    assert uploaded(sent) == view and runs_of(payload_of(PLAIN), sent) == 0


@pytest.mark.parametrize("other", ["the gateway", "child2"])
def test_the_child_refuses_what_is_wrapped_for_another(bench, other):
    one = bench()
    one.start()
    assert one.deliver([] if other == "the gateway" else [patch_for(other)])[0] == DELIVERED
    ordered = one.daemon.activate(OLD, NEW)
    assert ordered[0] == ORDERED and one.running(ordered[3]) == OLD
    assert one.child.counter("refused") == 1 and "encrypted for another" in one.child.log()


def test_a_copy_for_another_key_is_not_taken_for_the_childs_own(bench):
    """The child lists both by the same hash: after its key was changed what stands there must go."""
    one = bench()
    one.start()
    before, after = patch_for("child2"), patch_for("child1")
    assert one.deliver([before])[0] == DELIVERED
    assert one.deliver([before])[0] == DELIVERED
    assert one.child.counter("uploads_started") == 1, "the same again stands there already"
    assert one.deliver([after])[0] == DELIVERED
    assert one.slot(1) == mcuboot_wrap.laid_over(SHARED, [after])
    assert one.running(one.daemon.activate(OLD, NEW)[3]) == NEW


@pytest.mark.parametrize("raw", [False, True])
def test_patches_reach_the_child_wherever_they_lie(bench, raw):
    """Each byte of the file once in a patch or beside one: in the first packet, over seams of packets of any size, at the
    very end. Such a file does not boot, but it is what the child holds."""
    one = bench(*(["--framing", "raw"] if raw else []))
    one.start(**({"framing": "raw"} if raw else {}))
    size = len(SHARED)
    patches = [(40, b"\x01"), (100, bytes(range(256)) * 3), (1000, b"\x02"), (1001, b"\x03" * 1500),
               (45_581, b"\x05" * 900), (size // 2, b"\x04"), (size - 1, bytes([SHARED[-1] ^ 0xff]))]
    view = mcuboot_wrap.laid_over(SHARED, patches)
    answer = one.deliver(patches)
    assert uploaded(packets(one.child.state)) == view == one.slot(1)
    assert answer[0] == DELIVERED


def begin_and_kill(one, patches):
    """A delivery whose plugin dies when the child has some of it; how much."""
    class Enough(Exception):
        pass

    def look(done):
        if done > 20000:
            raise Enough(done)

    with pytest.raises(Enough) as caught:
        one.deliver(patches, progress=look)
    one.daemon.stop_plugin(kill=True)
    return caught.value.args[0]


def test_after_a_restart_of_the_plugin_the_same_view_goes_on(bench):
    one = bench("--work-us", 3000)
    one.start()
    patch = patch_for("child1")
    had = begin_and_kill(one, [patch])
    one.start()
    told = []
    assert one.deliver([patch], progress=told.append)[0] == DELIVERED
    assert told[0] >= had
    assert one.child.counter("resumes") == 1 and one.child.counter("uploads_completed") == 1
    assert one.slot(1) == mcuboot_wrap.laid_over(SHARED, [patch])
    assert one.running(one.daemon.activate(OLD, NEW)[3]) == NEW


def test_another_view_begins_anew(bench):
    one = bench("--work-us", 3000)
    one.start()
    begin_and_kill(one, [patch_for("child1")])
    one.start()
    other = patch_for("child1")  # of the same key: a wrap differs each time
    assert one.deliver([other])[0] == DELIVERED
    assert one.child.counter("resumes") == 0 and one.child.counter("uploads_started") == 2
    assert one.slot(1) == mcuboot_wrap.laid_over(SHARED, [other])


def test_a_delivery_record_is_refused_by_name_and_nothing_is_sent(bench):
    one = bench()
    one.start()
    one.daemon.begin_deliver(SHARED, sha256(SHARED), NEW, record=b"x")
    failed = one.daemon.answer()
    assert failed[0] == FAILED and failed[3] == UNSUPPORTED and "delivery record" in failed[4]
    assert packets(one.child.state) == []
