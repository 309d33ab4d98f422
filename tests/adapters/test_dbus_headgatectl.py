# SPDX-License-Identifier: Apache-2.0
"""headgatectl against the real face on a private bus: what it prints, and each of its exit codes (5, not authorized, is
in test_dbus_polkit.py, because it takes a bus that has somebody to refuse)."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "bus"))
import private_bus  # noqa: E402

OK, FAILED, USAGE, NOT_FOUND, NOTHING, _, TIMED_OUT, SOME_FAILED, NOT_RUNNING = range(9)
ONE, TWO, NINE = "a1" + "0" * 62, "a2" + "0" * 62, "b0" + "0" * 62


@pytest.fixture
def gateway():
    processes = private_bus.Processes()
    try:
        address = private_bus.session_bus(processes)
        processes.server = private_bus.face_server(processes, address)
        processes.address = address
        yield processes
    finally:
        processes.close()


@pytest.fixture
def ctl(gateway):
    def run(*arguments, code=OK):
        done = subprocess.run([f"{private_bus.BIN}/headgatectl", "--bus", gateway.address, *arguments],
                              capture_output=True, text=True, timeout=private_bus.DEADLINE, check=False)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "AddressSanitizer" not in done.stderr
        return done.stdout if code in (OK, SOME_FAILED) else done.stderr
    return run


def rows(text):
    """A table as lists of cells."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip()]


# ------------------------------------------------------------------------------------------------------------ reading


def test_status(ctl):
    text = ctl("status")
    assert re.search(r"^headgated:\s+0\.1\.0-test, ready$", text, re.M)
    assert re.search(r"^Children:\s+5, 4 online, 1 discovered$", text, re.M)
    assert re.search(r"^Cache:\s+1000 B of 3\.8 MiB$", text, re.M)
    shown = json.loads(ctl("status", "--json"))
    assert shown["version"] == "0.1.0-test" and shown["state"] == "ready" and shown["cloud_connected"] is True
    assert (shown["children"], shown["children_online"], shown["deliverables"], shown["jobs"]) == (5, 4, 3, 0)
    assert shown["arrivals"] == [] and shown["trouble"] == ""


def test_children(ctl):
    table = rows(ctl("children"))
    assert table[0] == ["CHILD", "TRANSPORT", "ONLINE", "VERSION", "STATE", "PROGRESS", "REASON", "ENROLLED BY"]
    assert [row[0] for row in table[1:]] == ["bad-1", "ok-1", "ok-2", "slow-1", "two-1", "met-1"]
    assert table[2] == ["ok-1", "serial", "yes", "1.0.0", "idle", "-", "-", "configuration"]
    children = {child["id"]: child for child in json.loads(ctl("--json", "children"))}
    ok = children["ok-1"]
    assert ok["address"] == "/dev/ok-1" and ok["online"] is True and ok["job"] is None and ok["progress"] is None
    assert ok["until"] is None and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", ok["last_seen"])
    assert ok["slots"][0]["active"] is True and ok["revert_class"] == "self-reverting"


def test_one_child(ctl):
    assert re.search(r"^Way back:\s+self-reverting$", ctl("children", "show", "ok-1"), re.M)
    assert json.loads(ctl("children", "show", "ok-1", "--json"))["id"] == "ok-1"
    assert "no child" in ctl("children", "show", "nobody", code=NOT_FOUND)


# ---------------------------------------------------------------------------------------------- who is a child, and keys


PLACE = ("--transport", "serial", "--address", "/dev/x", "--vendor", "vendor.example", "--class", "meter-v1")


def test_a_stranger_is_listed_and_enrolled(ctl):
    row = next(row for row in rows(ctl("children")) if row[0] == "met-1")
    assert row == ["met-1", "serial", "yes", "-", "discovered", "-", "SMP ?[2J1.4", "-"]
    shown = {child["id"]: child for child in json.loads(ctl("children", "--json"))}["met-1"]
    assert (shown["phase"], shown["address"]) == ("discovered", "/dev/ttyACM9")
    assert shown["vendor_id"] == "11000000-0000-0000-0000-000000000000" and shown["class_id"] == ""
    assert "no child" in ctl("children", "show", "met-1", code=NOT_FOUND)
    assert "--class must be said: it does not claim one" in ctl("children", "enroll", "met-1", "--discovered", code=USAGE)
    assert ctl("children", "enroll", "met-1", "--discovered", "--class", "meter-v1", "--target", "app", "--target",
               "radio:1") == "child met-1 enrolled\n"
    text = ctl("children", "show", "met-1")
    assert re.search(r"^Enrolled by:\s+uid \d+$", text, re.M), text
    met = [child for child in json.loads(ctl("children", "--json")) if child["id"] == "met-1"]
    assert len(met) == 1 and met[0]["origin"] == "command" and met[0]["phase"] == "idle"


def test_a_child_is_enrolled_and_forgotten(ctl):
    assert json.loads(ctl("children", "enroll", "new-1", *PLACE, "--json")) == {"child": "new-1", "result": "enrolled"}
    assert "there is a child new-1" in ctl("children", "enroll", "new-1", *PLACE, code=FAILED)
    assert "no transport" in ctl("children", "enroll", "n", "--transport", "pigeon", *PLACE[2:], code=NOT_FOUND)
    assert "--address must be said, or --discovered" in ctl("children", "enroll", "n", *PLACE[:2], code=USAGE)
    assert "not NAME or NAME:IMAGE" in ctl("children", "enroll", "n", *PLACE, "--target", "app:x", code=USAGE)
    assert "no plugin has met n" in ctl("children", "enroll", "n", "--discovered", code=NOT_FOUND)
    assert ctl("children", "forget", "new-1") == "child new-1 forgotten\n"
    assert "the configuration names child ok-1" in ctl("children", "forget", "ok-1", code=FAILED)
    assert ctl("children", "replace-board", "ok-1") == "child ok-1 replaced\n"
    assert "no child" in ctl("children", "replace-board", "nobody", code=NOT_FOUND)


def test_keys_go_in_and_never_come_out(ctl, gateway, tmp_path):
    secret = "00112233445566778899aabbccddeeff"
    (tmp_path / "psk").write_text(secret)
    assert ctl("children", "set-key", "ok-1", "link", str(tmp_path / "psk"), "--kid", "boiler-1") == f"key {'6' * 64} set\n"
    done = subprocess.run([f"{private_bus.BIN}/headgatectl", "--bus", gateway.address, "children", "set-key", "ok-1",
                           "wrap", "-", "--json"], input="-----BEGIN PUBLIC KEY-----", capture_output=True, text=True,
                          timeout=private_bus.DEADLINE, check=True)
    assert json.loads(done.stdout) == {"child": "ok-1", "use": "wrap", "id": "5" * 64}
    text = ctl("children", "show", "ok-1")
    assert re.search(r"^link\s+psk\s+666666666666\s+boiler-1\s+20\S+Z\s+uid \d+$", text, re.M), text
    assert re.search(r"^wrap\s+p256\s+555555555555\s+-\s", text, re.M), text
    shown = ctl("children", "show", "ok-1", "--json")
    assert {key["use"]: key["kind"] for key in json.loads(shown)["keys"]} == {"link": "psk", "wrap": "p256"}
    assert secret not in text + shown + ctl("children", "--json")
    assert ctl("children", "revoke-key", "ok-1", "link") == "child ok-1 has lost its key\n"
    assert "no key for this use" in ctl("children", "revoke-key", "ok-1", "link", code=NOT_FOUND)
    assert "No such file" in ctl("children", "set-key", "ok-1", "wrap", str(tmp_path / "none"), code=NOT_FOUND)
    assert "neither a regular file nor a pipe" in ctl("children", "set-key", "ok-1", "wrap", "/dev/null", code=USAGE)
    (tmp_path / "large").write_bytes(bytes(16 * 1024 + 1))
    assert "more than 16384 bytes" in ctl("children", "set-key", "ok-1", "wrap", str(tmp_path / "large"), code=FAILED)
    ctl("children", "set-key", "ok-1", "sign", str(tmp_path / "psk"), code=USAGE)


def test_what_protects_a_child(ctl):
    text = ctl("children", "show", "two-1")
    for line in (r"Protected by:\s+link \(claimed\)", r"Link security:\s+claimed", r"Enrolled by:\s+configuration"):
        assert re.search(f"^{line}$", text, re.M), (line, text)
    assert re.search(r"^Protected by:\s+internal-link$", ctl("children", "show", "ok-1"), re.M)


def test_what_is_held_in_the_clear(ctl):
    text = ctl("cache")
    assert re.search(r"^Cache:\s+1000 B of 3\.8 MiB$", text, re.M)
    assert re.search(r"^Plain:\s+1 image, 97\.7 KiB$", text, re.M), text
    assert re.search(r"^Ciphertext:\s+0 images, 0 B$", text, re.M), text
    assert json.loads(ctl("cache", "--json")) == {
        "cache_used": 1000, "cache_limit": 4000000, "plain_images": 1, "plain_bytes": 100000, "encrypted_images": 0,
        "encrypted_bytes": 0}


def test_metrics(ctl):
    text = ctl("metrics")
    assert "# TYPE headgate_signatures_verified_total counter\nheadgate_signatures_verified_total 7\n" in text
    for name, value in (("images_hashed", 6), ("image_heads_hashed", 5), ("content_keys_opened", 4), ("keys_wrapped", 3)):
        assert f"\nheadgate_{name}_total {value}\n" in text
    assert text.count("# HELP ") == 5
    assert json.loads(ctl("metrics", "--json"))["keys_wrapped"] == 3


def test_a_child_with_two_images_that_tells_everything(ctl):
    text = ctl("children", "show", "two-1")
    for line in (r"Version:\s+app 1\.0\.0, radio 2\.0\.0", r"New images:\s+impossible: MCUboot mode 4 \(direct-XIP\)",
                 r"Way back:\s+swap-back, it confirms itself", r"Identity:\s+claimed: acme/0017",
                 r"Power:\s+battery, 40 %", r"Radio:\s+hci0, -71 dBm, MTU 247, 12345 ms of air, 2 broken connections", r"Busy:\s+yes, for 90 s", r"Starts:\s+12",
                 r"Backup:\s+eeeeeeeeeeee, to be written back", r"radio\s+1\s+2\.0\.0\s+dddddddddddd"):
        assert re.search(f"^{line}$", text, re.M), (line, text)
    shown = json.loads(ctl("children", "show", "two-1", "--json"))
    assert shown["targets"] == [{"name": "app", "image": 0, "version": "1.0.0", "digest": "a" * 64},
                                {"name": "radio", "image": 1, "version": "2.0.0", "digest": "d" * 64}]
    assert (shown["version"], shown["battery"], shown["boots"], shown["busy_for"]) == ("1.0.0", 40, 12, 90_000_000)
    assert (shown["identity_state"], shown["staging"], shown["restore_due"]) == ("claimed", "impossible", True)
    assert (shown["adapter"], shown["rssi"], shown["mtu"], shown["airtime"]) == ("hci0", -71, 247, 12_345_000)
    assert shown["link_breaks"] == 2
    assert ["two-1", "serial", "yes", "app 1.0.0, radio 2.0.0"] in [row[:4] for row in rows(ctl("children"))]


def test_a_child_that_tells_little(ctl):
    text = ctl("children", "show", "ok-1")
    assert re.search(r"^New images:\s+aside$", text, re.M) and "TARGET" not in text
    for line in ("Identity:", "Power:", "Busy:", "Starts:", "Backup:", "Radio:"):
        assert line not in text
    shown = json.loads(ctl("children", "show", "ok-1", "--json"))
    assert (shown["adapter"], shown["rssi"], shown["mtu"], shown["airtime"]) == ("", None, None, 0)
    assert shown["battery"] is None and shown["identity_state"] == "none" and shown["backup"] == ""


def test_text_from_outside_cannot_steer_a_terminal(ctl):
    ctl("rollout", "start", ONE, "bad-1", "--wait", code=SOME_FAILED)
    for text in (ctl("children"), ctl("children", "show", "bad-1"), ctl("history", "bad-1")):
        assert "\x1b" not in text
    assert "cable ?[2Jout" in ctl("children", "show", "bad-1")
    assert "no ?[31mroom?[0m" in ctl("children")


def test_deliverables(ctl):
    table = rows(ctl("deliverables"))
    assert [row[0] for row in table[1:]] == [ONE[:12], TWO[:12], NINE[:12]]
    assert [row["id"] for row in json.loads(ctl("deliverables", "--json"))] == [ONE, TWO, NINE]
    shown = json.loads(ctl("deliverables", "show", "b", "--json"))
    assert shown["images"][0]["class_id"] == "09000000-0000-0000-0000-000000000000"
    assert re.search(r"^Id:\s+" + NINE, ctl("deliverables", "show", "b0"), re.M)
    ctl("deliverables", "show", "c", code=NOT_FOUND)
    assert "more than one" in ctl("deliverables", "show", "a", code=USAGE)


def test_rollouts_jobs_and_history(ctl):
    assert json.loads(ctl("rollout", "start", TWO[:2], "--json")) == {"rollout": 1}
    jobs = json.loads(ctl("jobs", "--json"))
    assert [(job["id"], job["child"], job["rollout"], job["operation"]) for job in jobs] == [(1, "slow-1", 1, "update")]
    assert rows(ctl("jobs"))[1][:3] == ["1", "slow-1", "1"]
    rollout = json.loads(ctl("rollout", "show", "1", "--json"))
    assert rollout["deliverable"] == TWO and rollout["children"] == ["slow-1"] and rollout["state"] == "running"
    assert rollout["started_by_uid"] == os.getuid() and rollout["pending"] == 1
    assert rows(ctl("rollout", "list"))[1][0:2] == ["1", TWO[:12]]
    assert json.loads(ctl("rollout", "list", "--json"))[0]["id"] == 1
    assert "slow-1" in ctl("rollout", "show", "1")
    ctl("rollout", "show", "2", code=NOT_FOUND)
    ctl("jobs", "cancel", "1")
    ctl("jobs", "cancel", "1", code=NOT_FOUND)
    ctl("jobs", "cancel", "9", code=NOT_FOUND)
    lines = json.loads(ctl("history", "slow-1", "--json"))
    assert lines[0]["phase"] == "cancelled" and lines[0]["epoch"] == 1 and lines[0]["deliverable"] == TWO
    assert rows(ctl("history", "slow-1", "-n", "1"))[1][3] == "cancelled"
    assert len(json.loads(ctl("history", "slow-1", "--count", "1", "--json"))) == 1
    ctl("history", "nobody", code=NOT_FOUND)


def test_trust(ctl):
    text = ctl("trust")
    assert text == ctl("trust", "show")
    assert re.search(r"^Root:\s+version 3$", text, re.M) and re.search(r"^Time:\s+known$", text, re.M)
    assert re.search(r"^anna\s+root author\s+acme/\s+-\s+-\s+yes$", text, re.M)
    assert re.search(r"^stable\s+4\s+-\s+1970-01-02T00:00:00Z", text, re.M)
    shown = json.loads(ctl("trust", "--json"))
    assert shown["root_version"] == 3 and shown["time_known"] is True
    assert shown["keys"] == [{"name": "anna", "roles": ["root", "author"], "prefixes": ["acme/"], "not_before": None,
                              "not_after": None, "offline": True}]
    assert shown["head_entries"] == [{"channel": "stable", "product": "boiler", "sequence": 7, "minimum": 5,
                                      "deliverable": "a1"}]


def test_permits(ctl):
    table = rows(ctl("permits"))
    assert table[1][:5] == ["e" * 32, "boiler", "9", "7", "ok-1"]
    assert table[1][-2:] == ["anna, ?[2Jbert", "ok-1"]
    permit, = json.loads(ctl("permits", "--json"))
    assert permit["child"] == "ok-1" and permit["used_by"] == ["ok-1"] and permit["expired"] is False


def test_version_needs_no_daemon(gateway, ctl):
    gateway.end(gateway.server)
    assert ctl("version").startswith("headgatectl ")
    assert set(json.loads(ctl("version", "--json"))) == {"version"}


# ------------------------------------------------------------------------------------------------------------ writing


def test_a_rollout_that_succeeds(ctl):
    text = ctl("rollout", "start", ONE, "ok-1", "ok-2", "--wait")
    assert text.splitlines() == ["rollout 1", "rollout 1: 2 of 2 confirmed"]
    assert rows(ctl("children"))[2][3:5] == ["2.0.0", "confirmed"]


def test_a_rollout_to_all_where_some_fail(ctl):
    rollout = json.loads(ctl("rollout", "start", "a1", "--wait", "--json", code=SOME_FAILED))
    assert (rollout["total"], rollout["confirmed"], rollout["failed"], rollout["state"]) == (3, 2, 1, "finished")


def test_a_rollout_to_nobody(ctl):
    assert "nothing to do" in ctl("rollout", "start", NINE, code=NOTHING)


def test_a_rollout_that_is_forced(ctl):
    ctl("rollout", "start", ONE, "ok-1", "--force")
    assert json.loads(ctl("rollout", "show", "1", "--json"))["forced"] is True


def test_a_rollout_that_is_approved_and_closed(ctl):
    ctl("rollout", "start", ONE, "ok-1", "--approve")
    assert json.loads(ctl("rollout", "show", "1", "--json"))["approved"] is True
    assert json.loads(ctl("rollout", "show", "1", "--json"))["forced"] is False
    ctl("rollout", "close", "1")
    ctl("rollout", "close", "2", code=NOT_FOUND)


def test_import_of_a_record(ctl, tmp_path):
    record = tmp_path / "stable.head"
    record.write_bytes(b"head")
    assert ctl("trust", "import", str(record)) == "head accepted\n"
    assert json.loads(ctl("trust", "import", str(record), "--json")) == {"kind": "head"}
    ctl("trust", "import", str(tmp_path / "none"), code=NOT_FOUND)
    record.write_bytes(bytes(70_000))
    assert "larger than any" in ctl("trust", "import", str(record), code=USAGE)


def test_rollouts_that_cannot_start(ctl):
    ctl("rollout", "start", "c0", code=NOT_FOUND)
    ctl("rollout", "start", ONE, "nobody", code=NOT_FOUND)
    assert "more than one" in ctl("rollout", "start", "a", code=USAGE)


def test_waiting_ends_at_the_timeout(ctl):
    assert "time is over" in ctl("--timeout", "0.5", "rollout", "start", TWO, "--wait", code=TIMED_OUT)


def test_fetch(ctl):
    ctl("fetch", "https://vendor.example/x")
    assert ctl("fetch", "https://vendor.example/y", "--wait") == "sealed " + "f" * 64 + "\n"
    assert "signed by nobody" in ctl("fetch", "https://vendor.example/refused", "--wait", code=FAILED)
    assert "too many" in ctl("fetch", "https://vendor.example/busy", code=FAILED)
    assert "https" in ctl("fetch", "http://vendor.example/x", code=USAGE)
    assert rows(ctl("status"))[-3][0] == "https://vendor.example/refused"


# ------------------------------------------------------------------------------------------------------------- groups


@pytest.fixture
def house(ctl):
    ctl("groups", "create", "house", "--layout", "pair", "left=ok-1", "right=ok-2")
    return "house"


@pytest.fixture
def split(ctl):
    """A group of three whose member bad-1 can reach neither."""
    ctl("groups", "create", "farm", "--layout", "trio", "all=ok-1", "all=ok-2", "all=bad-1")
    ctl("rollout", "start", ONE, "--group", "farm", "--wait", code=SOME_FAILED)
    return "farm"


def test_groups_that_come_and_go(ctl):
    assert json.loads(ctl("groups", "--json")) == []
    created = ctl("groups", "create", "house", "--layout", "pair", "left=ok-1", "right=ok-2")
    assert created == "group house created\n"
    assert ctl("groups") == ctl("groups", "list")
    assert rows(ctl("groups"))[1] == ["house", "pair", "2", "-", "idle", "-", "-"]
    group, = json.loads(ctl("groups", "list", "--json"))
    assert group == json.loads(ctl("groups", "show", "house", "--json"))
    assert group["members"] == [{"role": "left", "child": "ok-1", "id": "ok-1"},
                                {"role": "right", "child": "ok-2", "id": "ok-2"}]
    assert (group["name"], group["layout"], group["configured"], group["phase"]) == ("house", "pair", False, "idle")
    assert (group["rollout"], group["until"], group["waiting_for"]) == (None, None, [])
    assert re.search(r"^left\s+ok-1\s+yes\s+1\.0\.0\s+idle", ctl("groups", "show", "house"), re.M)
    assert re.search(r"^Member of:\s+house as left$", ctl("children", "show", "ok-1"), re.M)
    assert json.loads(ctl("children", "show", "ok-1", "--json"))["group"] == "house"
    assert json.loads(ctl("groups", "dissolve", "house", "--json")) == {"group": "house", "result": "dissolved"}
    ctl("groups", "dissolve", "house", code=NOT_FOUND)
    ctl("groups", "show", "house", code=NOT_FOUND)


def test_groups_that_cannot_be_made(ctl, house):
    ctl("groups", "create", "shed", "--layout", "nothing", "one=slow-1", code=NOT_FOUND)
    ctl("groups", "create", "shed", "--layout", "lone", "one=nobody", code=NOT_FOUND)
    assert "not whole" in ctl("groups", "create", "shed", "--layout", "pair", "left=bad-1", code=FAILED)
    assert "member of group house" in ctl("groups", "create", "shed", "--layout", "trio", "all=ok-1", code=FAILED)
    ctl("groups", "create", "sh/ed", "--layout", "lone", "one=slow-1", code=USAGE)
    for member in ("slow-1", "=slow-1", "one="):
        assert "ROLE=CHILD" in ctl("groups", "create", "shed", "--layout", "lone", member, code=USAGE)


def test_a_rollout_to_a_group(ctl, house):
    assert ctl("rollout", "start", ONE, "--group", house, "--wait").splitlines()[-1] == "rollout 1: 2 of 2 confirmed"
    assert json.loads(ctl("rollout", "show", "1", "--json"))["children"] == ["ok-1", "ok-2"]
    group = json.loads(ctl("groups", "show", house, "--json"))
    assert (group["phase"], group["decision"], group["deliverable"], group["rollout"]) == ("updated", "commit", ONE, 1)
    ctl("rollout", "start", ONE, "--group", "nobody", code=NOT_FOUND)


def test_a_rollout_to_a_group_and_a_child(ctl, house):
    ctl("rollout", "start", ONE, "bad-1", "--group", house)
    assert json.loads(ctl("rollout", "show", "1", "--json"))["total"] == 3


def test_why(ctl, house):
    text = ctl("why", "ok-1")
    for line in (r"Child:\s+ok-1", r"Member of:\s+house as left", r"State:\s+idle", r"What to do:\s+Nothing is wrong\."):
        assert re.search(f"^{line}$", text, re.M), (line, text)
    shown = json.loads(ctl("why", house, "--json"))
    assert shown == {"kind": "group", "name": house, "phase": "idle", "decision": "none", "reason": "none", "text": "",
                     "until": None, "unit": "", "waiting_for": [], "advice": "Nothing is wrong.", "failing_member": ""}
    ctl("why", "nobody", code=NOT_FOUND)
    ctl("why", "ok-1", "--group", code=NOT_FOUND)


def test_why_of_a_refusal(ctl):
    ctl("rollout", "start", ONE, "bad-1", "--wait", code=SOME_FAILED)
    why = json.loads(ctl("why", "bad-1", "--json"))
    assert (why["reason"], why["phase"], why["group"]) == ("child-refused", "refused", "")
    assert "firmware" in why["advice"]
    assert "\x1b" not in ctl("why", "bad-1")


def test_why_a_group_waits(ctl):
    ctl("groups", "create", "shed", "--layout", "lone", "one=slow-1")
    ctl("rollout", "start", TWO, "--group", "shed")
    why = json.loads(ctl("why", "shed", "--json"))
    assert (why["phase"], why["waiting_for"]) == ("preparing", ["slow-1"])
    assert "links" in why["advice"]
    assert re.search(r"^Waits for:\s+slow-1$", ctl("why", "shed"), re.M)


def test_a_split_and_its_ways_out(ctl, split):
    group = json.loads(ctl("groups", "show", split, "--json"))
    assert (group["phase"], group["failing_member"], group["reason"]) == ("split", "bad-1", "third-version")
    why = json.loads(ctl("why", split, "--json"))
    assert f"groups resolve {split} bad-1 retry|drop|replace|accept" in why["advice"]
    other = json.loads(ctl("why", "ok-1", "--json"))
    assert other["reason"] == "other-member" and "why MEMBER" in other["advice"]
    assert "bad-1: third-version: it runs ?[31m9.9.9" in ctl("groups")
    ctl("groups", "resolve", split, "ok-1", "accept", code=NOTHING)
    ctl("groups", "resolve", split, "slow-1", "accept", code=NOT_FOUND)
    ctl("groups", "resolve", "nobody", "bad-1", "accept", code=NOT_FOUND)
    ctl("groups", "resolve", split, "bad-1", "replace", code=USAGE)
    ctl("groups", "resolve", split, "bad-1", "accept", "--with", "slow-1", code=USAGE)
    ctl("groups", "resolve", split, "bad-1", "forget", code=USAGE)
    ctl("groups", "resolve", split, "bad-1", "replace", "--with", "slow-1", code=FAILED)  # of another class
    assert "past ACTIVATE" in ctl("groups", "dissolve", split, code=FAILED)
    assert ctl("groups", "resolve", split, "bad-1", "accept") == "group farm resolved\n"
    assert json.loads(ctl("groups", "show", split, "--json"))["phase"] == "reverted"


def test_repair(ctl, house):
    assert "committed nothing" in ctl("groups", "repair", house, code=NOT_FOUND)
    ctl("deliverables", "import", "https://vendor.example/factory", "--baseline")
    assert "nothing to do" in ctl("groups", "repair", house, code=NOTHING)
    ctl("groups", "repair", "nobody", code=NOT_FOUND)


def test_baseline(ctl):
    ctl("deliverables", "import", "https://vendor.example/factory", "--baseline", code=OK)
    assert json.loads(ctl("children", "show", "ok-1", "--json"))["committed"] == "f" * 64
    assert json.loads(ctl("children", "show", "slow-1", "--json"))["committed"] == ""
    assert "nothing to do" in ctl("deliverables", "import", "https://vendor.example/factory", "--baseline", code=NOTHING)
    assert "signed by nobody" in ctl("deliverables", "import", "https://x/refused", "--baseline", code=FAILED)
    assert ctl("deliverables", "import", "https://vendor.example/y") == "sealed " + "f" * 64 + "\n"


def test_baseline_as_json(ctl):
    shown = json.loads(ctl("deliverables", "import", "https://vendor.example/factory", "--baseline", "--json"))
    assert shown == {"deliverable": "f" * 64, "state": "sealed", "children": ["bad-1", "ok-1", "ok-2"]}


def test_monitor_tells_of_groups(gateway, ctl, house):
    ctl("rollout", "start", TWO)  # so that it is not idle
    watch = start_watching(gateway, "--until-idle")
    assert watch.stdout.readline().startswith("slow-1: ")
    ctl("rollout", "start", ONE, "--group", house, "--wait")
    ctl("jobs", "cancel", "1")
    lines = watch.communicate(timeout=private_bus.DEADLINE)[0].splitlines()
    phases = [line.removeprefix("group house: ") for line in lines if line.startswith("group")]
    assert (phases[0], phases[-1]) == ("preparing", "updated") and "activating" in phases


# ---------------------------------------------------------------------------------------------------------- following


def start_watching(gateway, *options):
    return subprocess.Popen([f"{private_bus.BIN}/headgatectl", "--bus", gateway.address, "monitor", *options],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=private_bus.die_with_parent)


def test_monitor_until_idle(gateway, ctl):
    assert ctl("monitor", "--until-idle") == ""
    ctl("rollout", "start", TWO)  # job 1, so that it is not idle
    watch = start_watching(gateway, "--until-idle")
    assert watch.stdout.readline().startswith("slow-1: ")
    ctl("rollout", "start", ONE, "--wait", code=SOME_FAILED)
    ctl("jobs", "cancel", "1")
    lines = watch.communicate(timeout=private_bus.DEADLINE)[0].splitlines()
    assert watch.returncode == SOME_FAILED
    assert lines.count("ok-1: confirmed") == 1 and "bad-1: refused: child-refused: no ?[31mroom?[0m" in lines
    assert any(re.fullmatch(r"ok-2: \d0 %", line) for line in lines)
    assert lines.index("ok-2: preflight") < lines.index("ok-2: activating") < lines.index("ok-2: confirmed")
    assert lines.index("rollout 2: finished") < lines.index("slow-1: cancelled: aborted: withdrawn by the operator")


def test_monitor_as_json(gateway, ctl):
    watch = start_watching(gateway, "--json")
    present = [json.loads(watch.stdout.readline()) for _ in range(9)]
    assert [(event["event"], event["kind"]) for event in present] == [("present", "gateway")] + \
        [("present", "child")] * 5 + [("present", "deliverable")] * 3
    ctl("rollout", "start", ONE, "--wait", code=SOME_FAILED)
    events = []
    while not events or events[-1].get("properties", {}).get("state") != "finished":
        events.append(json.loads(watch.stdout.readline()))
    watch.terminate()
    watch.communicate()
    ends = {event["child"]: event for event in events if event["event"] == "job-ended"}
    assert ends["ok-1"]["result"] == "confirmed" and ends["bad-1"]["reason"] == "child-refused"
    assert all(event["rollout"] == 1 for event in ends.values())
    assert {event["kind"] for event in events if event["event"] == "added"} == {"rollout", "job"}
    changes = [event for event in events if event["event"] == "changed" and event["kind"] == "child"]
    assert any(event["properties"].get("version") == "2.0.0" for event in changes)
    assert any(event["properties"].get("job", 0) is None for event in changes)


def test_monitor_ends_with_the_daemon(gateway, ctl):
    watch = start_watching(gateway, "--json")
    assert watch.stdout.readline()  # it listens
    gateway.end(gateway.server)
    watch.communicate(timeout=private_bus.DEADLINE)
    assert watch.returncode == NOT_RUNNING


def test_monitor_draws_bars_on_a_terminal(gateway):
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    watch = subprocess.Popen([f"{private_bus.BIN}/headgatectl", "--bus", gateway.address, "rollout", "start", ONE, "--wait"],
                             stdout=subprocess.DEVNULL, stderr=writer, env=dict(os.environ, TERM="xterm"),
                             preexec_fn=private_bus.die_with_parent)
    os.close(writer)
    text = ""
    while True:
        try:
            piece = os.read(reader, 4096).decode()
        except OSError:  # EIO: the other side closed
            break
        text += piece
    assert watch.wait(private_bus.DEADLINE) == SOME_FAILED
    assert re.search(r"ok-1 {1,3} transferring   \[#+\.*\] {1,3}\d+ %", text)
    assert "\x1b[2A\x1b[J" in text  # two bars are drawn over
    assert "\x1b[31m" not in text
    assert max(len(line) for line in re.sub(r"\x1b\[\d*[AJ]", "", text).splitlines()) < 60


# -------------------------------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize("arguments", [
    [], ["bogus"], ["children", "show"], ["rollout"], ["rollout", "show", "x"], ["jobs", "cancel", "-3"],
    ["groups", "show"], ["groups", "create", "x"], ["groups", "create", "x", "--layout", "pair"], ["why"],
    ["groups", "resolve", "x", "ok-1"], ["deliverables", "import"], ["history", "ok-1", "-n", "0"], ["status", "--nonsense"], ["--timeout", "-1", "status"], ["status", "extra"],
])
def test_usage_errors(ctl, arguments):
    ctl(*arguments, code=USAGE)


def test_help(ctl):
    assert "Exit status" in ctl("--help")
    assert "--wait" in ctl("rollout", "start", "--help")


def subcommands(text):
    """The words below "Subcommands:" of a help text."""
    words = []
    for line in text.partition("Subcommands:\n")[2].splitlines():
        if not line.startswith("  "):
            break
        if line[2] != " ":
            words.append(line.split()[0])
    return words


def test_man_page_and_completion_have_every_command(ctl):
    with open(f"{private_bus.SOURCE}/docs/man/headgatectl.1", encoding="utf-8") as file:
        page = re.sub(r"\\f[BIR]", "", file.read()).replace("\\-", "-")
    with open(f"{private_bus.SOURCE}/daemon/ctl/completion/headgatectl", encoding="utf-8") as file:
        completion = file.read()
    commands = subcommands(ctl("--help"))
    assert {"groups", "why", "rollout"} <= set(commands)
    for command in commands:
        assert re.search(rf"^{command}\b", page, re.M), command
        assert re.search(rf"choices\+='.*\b{command}\b", completion), command
        for word in subcommands(ctl(command, "--help")):
            assert re.search(rf"\b{command} \[?{word}\b", page), f"{command} {word}"
            assert re.search(rf"\b{word}\b", completion), f"{command} {word}"


@pytest.mark.parametrize("typed, offered", [
    ("groups re", "repair resolve"), ("groups resolve farm ok-1 re", "retry replace"), ("w", "why"),
    ("groups resolve farm ok-1 replace --w", "--with"), ("rollout start a1 --g", "--group"),
    ("deliverables im", "import"), ("deliverables import --ba", "--baseline"),
])
def test_completion_offers_what_comes_next(typed, offered):
    script = f"{private_bus.SOURCE}/daemon/ctl/completion/headgatectl"
    words = typed.split()
    program = f"""source {script}; COMP_WORDS=(headgatectl {typed}); COMP_CWORD={len(words)}; _headgatectl
      echo "${{COMPREPLY[*]}}" """
    path = f"{private_bus.BIN}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-u", "-c", program], capture_output=True, text=True, check=True,
                          env=dict(os.environ, PATH=path, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent"))
    assert done.stdout.strip() == offered and done.stderr == ""


def test_no_daemon(gateway, ctl):
    gateway.end(gateway.server)
    for command in (["status"], ["children"], ["fetch", "https://x/"], ["monitor"], ["rollout", "start", "a1"]):
        assert "not running" in ctl(*command, code=NOT_RUNNING)
    ctl("--bus", "unix:path=/nonexistent", "status", code=NOT_RUNNING)


def test_completion_is_a_script_that_bash_reads():
    script = f"{private_bus.SOURCE}/daemon/ctl/completion/headgatectl"
    program = f"""source {script}; COMP_WORDS=(headgatectl rollout st); COMP_CWORD=2; _headgatectl; echo "${{COMPREPLY[*]}}" """
    done = subprocess.run(["bash", "-u", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "start" and done.stderr == ""
