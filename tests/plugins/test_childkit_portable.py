# SPDX-License-Identifier: Apache-2.0
"""The child kit as firmware compiles it: strict C99 without libc for 32 and 64 bits, the same answers on both, and no
more stack and flash than plugins/childkit/README.md says."""
import os
import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import cbor2
import pytest

SOURCE = Path(os.environ["HEADGATE_SOURCE_DIR"])
KIT = SOURCE / "plugins/childkit"
BARE = SOURCE / "tests/plugins/bare_kit"
UNITS = [KIT / "headgate_child.c", KIT / "headgate_cbor.c"]
STRICT = ("-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -Werror -ffreestanding -Os "
          "-fno-stack-protector").split()
LIBC = {"memcpy", "memmove", "memset", "memcmp", "strlen"}
STACK = {"-m32": 1024, "-m64": 1280}  # bytes, at most
CORTEX_M3_CODE = 7 * 1024
GATEWAY_NONCE = bytes(range(16, 32))


def gcc_include():
    return subprocess.run(["gcc", "-print-file-name=include"], check=True, capture_output=True, text=True).stdout.strip()


def compile_units(directory, compiler, *flags):
    """Object files, with no header in reach but the compiler's own and tests/plugins/bare_kit/string.h."""
    objects = []
    for unit in UNITS:
        objects.append(directory / f"{unit.stem}.o")
        subprocess.run([*compiler, *STRICT, "-isystem", BARE, *flags, "-c", unit, "-o", objects[-1]], check=True)
    return objects


@pytest.fixture(params=["-m32", "-m64"])
def built(request, tmp_path):
    flags = [request.param, "-nostdinc", "-isystem", gcc_include(), "-fcallgraph-info=su"]
    return request.param, tmp_path, compile_units(tmp_path, ["gcc"], *flags)


def test_nothing_of_libc_is_used_but_string_h(built):
    _, _, objects = built
    listed = subprocess.run(["nm", *objects], check=True, capture_output=True, text=True).stdout
    defined = set(re.findall(r" [TtDdRrBb] (\S+)", listed))
    wanted = set(re.findall(r" U (\S+)", listed)) - defined - {"_GLOBAL_OFFSET_TABLE_"}
    wanted = {name for name in wanted if not name.startswith("__x86.get_pc_thunk")}
    assert wanted <= LIBC, wanted
    assert not re.findall(r" [DdBbCc] (?!\.data\.rel\.ro)(\S+)", re.sub(r".* [Dd] fields\S*\n", "", listed)), "state"


def test_stack_is_bounded_and_as_the_page_says(built):
    """The deepest path through the kit's own functions: what the platform's functions take comes on top."""
    width, directory, _ = built
    own, calls = {}, {}
    for graph in directory.glob("*.ci"):
        for title, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]+)"', graph.read_text()):
            if frame := re.search(r"(\d+) bytes \((static|dynamic,bounded)\)", label):
                own[title.rpartition(":")[2]] = int(frame[1])
            else:
                assert "bytes (dynamic)" not in label, f"{title} has no bound"
        for caller, callee in re.findall(r'sourcename: "([^"]+)" targetname: "([^"]+)"', graph.read_text()):
            calls.setdefault(caller.rpartition(":")[2], set()).add(callee.rpartition(":")[2])

    def deepest(name, path):
        assert name not in path, f"recursion: {path} {name}"
        below = [deepest(callee, [*path, name]) for callee in calls.get(name, ()) if callee in own]
        return own[name] + max(below, default=0) + (4 if width == "-m32" else 8)  # and the return address

    stack = deepest("hg_child_handle", [])
    print(f"stack {width}: {stack} bytes")
    assert 200 < stack <= STACK[width]
    said = re.search(r"below (\d+) bytes of stack on 32 bits", (KIT / "README.md").read_text())
    assert int(said[1]) == STACK["-m32"]


def test_code_for_a_cortex_m3_is_small(tmp_path):
    clang = shutil.which("clang-16") or shutil.which("clang")
    if not clang:
        pytest.skip("NO CLANG: the size of the code for a Cortex-M3 is not measured (tests/run fuzz installs it)")
    objects = compile_units(tmp_path, [clang], "--target=thumbv7m-none-eabi", "-mcpu=cortex-m3")
    sizes = subprocess.run(["size", *objects], check=True, capture_output=True, text=True).stdout
    code = sum(int(line.split()[0]) for line in sizes.splitlines()[1:])
    data = sum(int(line.split()[1]) + int(line.split()[2]) for line in sizes.splitlines()[1:])
    print(f"Cortex-M3: {code} bytes of code and constants")
    assert 0 < code <= CORTEX_M3_CODE and data == 0


# --- the same answers everywhere ---

def page_requests():
    page = (SOURCE / "docs/child-protocol.md").read_text()
    shown = {name: bytes.fromhex(digits.replace("\n", ""))
             for name, digits in re.findall(r"```hex ([^\n]+)\n([^`]*)```", page)}
    names = ["identify request", "prove request", "status request", "offer request", "notice request",
             "confirm_all request"]
    return [(0 if command == 2 else 2, command, shown[name]) for command, name in enumerate(names)]


def valid_session(random_start):
    """identify, a proof that holds (the MAC is a sum), and a confirm_all of what runs."""
    nonce = bytes((random_start + i) & 0xFF for i in range(16))
    message = cbor2.dumps(["headgate gateway 1", b"k1", GATEWAY_NONCE, nonce, "a child"])
    running = [{"image": number, "hash": bytes([0xA0 + number]) * 32} for number in (0, 1)]
    return [(2, 0, cbor2.dumps({"nonce": GATEWAY_NONCE})),
            (2, 1, cbor2.dumps({"kid": b"k1", "mac": bytes([sum(message) & 0xFF]) * 32})),
            (2, 5, cbor2.dumps({"hashes": running}))]


def many_requests(seed):
    chance = random.Random(seed)
    requests = [(*request, 512) for request in valid_session(0) + page_requests()]
    for op, command, body in page_requests():
        requests += [(op, command, body[:size], 512) for size in range(len(body))]
        requests += [(op, command, body, room) for room in range(0, 300, 7)]
    for _ in range(2000):
        op, command, body = chance.choice(page_requests())
        changed = bytearray(body)
        for _ in range(chance.randrange(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        requests.append((op, command, bytes(changed), chance.choice([144, 512, 2048])))
    return requests


def run_bare(directory, width, requests):
    program = directory / f"bare{width}"
    units = [*UNITS, BARE / "bare_device.c"]
    subprocess.run(["gcc", width, "-nostdinc", "-isystem", gcc_include(), *STRICT, "-fno-pie", "-no-pie", "-isystem",
                    BARE, "-I", KIT, "-fno-tree-loop-distribute-patterns", "-static", "-nostdlib", *units, "-o",
                    program], check=True)
    packed = b"".join(struct.pack(">BBHH", op, command, room, len(body)) + body for op, command, body, room in requests)
    output = subprocess.run([program], input=packed, check=True, capture_output=True, timeout=60).stdout
    answers = []
    while output:
        rc, error, image, length = struct.unpack(">HHhH", output[:8])
        answers.append((rc, error, image, output[8:8 + length]))
        output = output[8 + length:]
    return answers


def test_32_and_64_bits_answer_alike(tmp_path):
    requests = many_requests(seed=4847)
    narrow, wide = (run_bare(tmp_path, width, requests) for width in ("-m32", "-m64"))
    assert len(narrow) == len(requests)
    for request, one, other in zip(requests, narrow, wide):
        assert one == other, request
    identified, proven, confirmed = narrow[:3]
    assert cbor2.loads(cbor2.loads(identified[3])["says"])["boots"] == 2**32 - 1
    assert proven == (0, 0, -1, b"\xa0") and confirmed == (0, 0, -1, b"\xa0")
    assert {answer[1] for answer in narrow} >= {0, 2, 6, 7, 9}
