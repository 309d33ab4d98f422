# SPDX-License-Identifier: Apache-2.0
"""smp_child's settings, files and enumeration (smp.md 7), and the group that must not be called."""
import binascii
import hashlib

import pytest

from smp_client import OS, READ, WRITE
from smp_table import error_of, reset, silent

SETTINGS, FS, ENUMERATION, BASIC = 3, 8, 10, 63
APP = ("--settings", "app", "--settings", "net", "--setting", "app/name=alpha", "--setting", "net/ssid=home")
CONTENT = bytes(range(256)) * 20


def read(client, name, **more):
    return client.request(SETTINGS, 0, {"name": name} | more)["val"]


def write(client, name, value):
    return client.request(SETTINGS, 0, {"name": name, "val": value}, WRITE)


def save(client):
    return client.request(SETTINGS, 3, {}, WRITE)


# --- settings ---

def test_a_write_is_in_ram_and_a_save_survives_a_reset(start):
    child = start(*APP)
    with child.client() as client:
        write(client, "app/name", b"beta")
        assert read(client, "app/name") == b"beta"
        reset(child, client)
        assert read(client, "app/name") == b"alpha"
        write(client, "app/name", b"beta")
        write(client, "net/new", b"\x00\xff")
        assert save(client) == {}
        reset(child, client)
        assert (read(client, "app/name"), read(client, "net/new")) == (b"beta", b"\x00\xff")
    child.kill()
    with start(*APP).client() as client:
        assert read(client, "app/name") == b"beta"


def test_load_brings_back_what_is_saved(start):
    with start(*APP).client() as client:
        write(client, "app/name", b"beta")
        assert client.request(SETTINGS, 3) == {}
        assert read(client, "app/name") == b"alpha"
        assert client.request(SETTINGS, 2, {}, WRITE) == {}  # commit


def test_delete(start):
    child = start(*APP)
    with child.client() as client:
        assert client.request(SETTINGS, 1, {"name": "app/name"}, WRITE) == {}
        assert error_of(read, client, "app/name") == (SETTINGS, 3)
        reset(child, client)
        assert error_of(read, client, "app/name") == (SETTINGS, 3)


def test_errors_of_settings(start):
    with start(*APP, "--settings-veto", "net/ssid").client() as client:
        assert error_of(read, client, "other/name") == (SETTINGS, 5)
        assert error_of(read, client, "app/none") == (SETTINGS, 3)
        assert error_of(read, client, "app/" + "x" * 29) == (SETTINGS, 2)
        assert error_of(read, client, "net/ssid") == (None, 11)
        assert error_of(write, client, "net/ssid", b"x") == (None, 11)
        assert error_of(write, client, "app/name", b"x" * 33) == (SETTINGS, 1)
        client.version = 0
        assert error_of(read, client, "app/none") == (None, 5)


def test_a_value_is_cut_without_telling(start):
    with start(*APP, "--settings-value-len", 4).client() as client:
        assert read(client, "app/name", max_size=2) == b"al"
        assert client.request(SETTINGS, 0, {"name": "app/name", "max_size": 4}) == {"val": b"alph"}
        assert client.request(SETTINGS, 0, {"name": "app/name", "max_size": 64}) == {"val": b"alph", "max_size": 4}


# --- files ---

def upload(client, name, content, chunk=500):
    offset = 0
    while offset < len(content):
        first = {"len": len(content)} if offset == 0 else {}
        part = content[offset:offset + chunk]
        offset = client.request(FS, 0, {"off": offset, "name": name, "data": part} | first, WRITE)["off"]


def download(client, name):
    answer = client.request(FS, 0, {"off": 0, "name": name})
    content, length = answer["data"], answer["len"]
    while len(content) < length:
        content += client.request(FS, 0, {"off": len(content), "name": name})["data"]
    return content


def test_files_go_up_and_down_and_survive_a_reset(start):
    child = start("--fs", "/lfs")
    with child.client() as client:
        upload(client, "/lfs/a", b"longer than what follows" * 100)
        upload(client, "/lfs/a", CONTENT)
        assert (child.state / "fs/a").read_bytes() == CONTENT
        reset(child, client)
        assert download(client, "/lfs/a") == CONTENT
        assert client.request(FS, 1, {"name": "/lfs/a"}) == {"len": len(CONTENT)}
        assert client.request(FS, 4, {}, WRITE) == {}


def test_hashes_of_files(start):
    with start("--fs", "/lfs").client() as client:
        upload(client, "/lfs/a", CONTENT)
        assert client.request(FS, 2, {"name": "/lfs/a"}) == {
            "type": "crc32", "len": len(CONTENT), "output": binascii.crc32(CONTENT)}
        assert client.request(FS, 2, {"name": "/lfs/a", "type": "sha256", "off": 100, "len": 50}) == {
            "type": "sha256", "off": 100, "len": 50, "output": hashlib.sha256(CONTENT[100:150]).digest()}
        types = {"crc32": {"format": 0, "size": 4}, "sha256": {"format": 1, "size": 32}}
        assert client.request(FS, 3) == {"types": types}


def test_errors_of_files(start):
    child = start("--fs", "/lfs")
    (child.state / "fs/empty").write_bytes(b"")
    (child.state / "fs/directory").mkdir()
    with child.client() as client:
        for command, request, code in (
                (0, {"off": 0, "name": "/lfs/none"}, 3), (1, {"name": ""}, 2), (1, {"name": "/lfs/directory"}, 4),
                (1, {"name": "/other/a"}, 14), (1, {"name": "/lfs/../boot"}, 14), (2, {"name": "/lfs/empty"}, 16),
                (2, {"name": "/lfs/empty", "type": "md5"}, 13), (0, {"off": 1, "name": "/lfs/empty"}, 12)):
            assert error_of(client.request, FS, command, request) == (FS, code)


def test_a_wrong_offset_of_a_file_brings_the_right_one(start):
    with start("--fs", "/lfs").client() as client:
        upload(client, "/lfs/a", CONTENT[:500])
        answer = client.raw_request(client.packet(FS, 0, {"off": 700, "name": "/lfs/a", "data": b"x"}, WRITE))
        assert b"\x63len\x19\x01\xf4" in answer  # "len": 500
        assert error_of(client.request, FS, 0, {"off": 700, "name": "/lfs/a", "data": b"x"}, WRITE) == (FS, 11)


def test_a_large_buffer_over_udp_breaks_a_download(start):
    """zephyr#107815: the answer is as long as the buffer, and longer than a datagram."""
    child = start("--fs", "/lfs", "--udp", 0)
    (child.state / "fs/a").write_bytes(CONTENT)
    with child.client() as client:
        silent(client.request, FS, 0, {"off": 0, "name": "/lfs/a"}, READ, 0.3)
    child.stop()
    with start("--fs", "/lfs", "--udp", 0, "--fs-chunk", 1024).client() as client:
        assert download(client, "/lfs/a") == CONTENT


# --- groups ---

@pytest.mark.parametrize("options, groups", [((), [0, 1, 10, 63]), ((*APP, "--fs", "/lfs"), [0, 1, 3, 8, 10, 63])])
def test_enumeration(start, options, groups):
    with start("--enumeration", *options).client() as client:
        assert client.request(ENUMERATION, 0) == {"count": len(groups)}
        assert client.request(ENUMERATION, 1) == {"groups": groups}
        assert client.request(ENUMERATION, 2, {"index": 1}) == {"group": 1}
        assert client.request(ENUMERATION, 2, {"index": len(groups) - 1}) == {"group": 63, "end": True}
        assert error_of(client.request, ENUMERATION, 2, {"index": len(groups)}) == (ENUMERATION, 4)


def test_groups_that_are_not_there(start):
    with start().client() as client:
        for group in (SETTINGS, FS, ENUMERATION):
            assert error_of(client.request, group, 0) == (None, 8)
        assert client.request(OS, 0, {"d": "x"}, WRITE)


def test_the_erase_of_the_storage_partition_is_counted(start):
    child = start(*APP)
    with child.client() as client:
        client.request(BASIC, 0, {}, WRITE)
        reset(child, client)
        assert error_of(read, client, "app/name") == (SETTINGS, 3)
    assert child.counter("storage_erases") == 1
