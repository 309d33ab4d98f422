# SPDX-License-Identifier: Apache-2.0
"""Three boards that say which product they are built into: they become a group by themselves, are updated together, and
nobody is moved, and nothing updated, once one of them says something else."""

from gateway import APP_1_1_0, SOON_S
from product import flash_runs

BOARDS = ("left", "middle", "right")
UNIT = "CNV-0007"
OTHER = "CNV-0008"

LAYOUT = """[layouts.conveyor]
form_by = "unit"
[[layouts.conveyor.roles]]
name = "belt"
vendor = "vendor.example"
class = "boiler-v1"
count = 3
"""


def start_boards(gateway, units):
    for name, unit in zip(BOARDS, units):
        gateway.add_child(name, options=("--kit", "--kit-id", name, "--kit-unit", unit))
    gateway.more_configuration += LAYOUT
    gateway.start(broker=False)
    for name, unit in zip(BOARDS, units):
        wait_for_unit(gateway, name, unit)


def wait_for_unit(gateway, name, unit):
    gateway.wait_for_child(name, lambda seen: seen["online"] and seen["unit"] == unit, f"to report unit {unit}")


def change_board(gateway, name, unit):
    gateway.children[name].stop()
    gateway.children[name].start("--kit-unit", unit)
    wait_for_unit(gateway, name, unit)


def fetch(gateway):
    """The id of a deliverable with 1.1.0 for all of them."""
    done = gateway.ctl_result("fetch", gateway.publish(APP_1_1_0).url, "--wait")
    assert done.returncode == 0, done.stderr
    return gateway.sealed("1.1.0")["id"]


def groups(gateway):
    return {group["name"]: group for group in gateway.ctl("groups")}


def wait_for_group(gateway):
    def formed():
        return groups(gateway).get(UNIT)

    return gateway.wait_for(formed, SOON_S, "the group to be formed")


def test_boards_of_one_unit_find_each_other(gateway):
    start_boards(gateway, (UNIT, UNIT, OTHER))
    assert groups(gateway) == {}
    why = gateway.ctl("why", "left")
    assert why["unit"] == f"waits for others of unit {UNIT}: 2 of 3 as belt", why

    change_board(gateway, "right", UNIT)
    group = wait_for_group(gateway)
    assert (group["reported"], group["configured"], group["layout"]) == (True, False, "conveyor")
    assert [member["id"] for member in group["members"]] == list(BOARDS)
    refused = gateway.ctl_result("groups", "dissolve", UNIT)
    assert refused.returncode == 1 and "formed again" in refused.stderr, refused

    gateway.daemon.kill()
    gateway.start_daemon()
    for name in BOARDS:
        gateway.wait_for_child(name, lambda seen: seen["online"] and seen["group"] == UNIT, "to be in its group again")
    gateway.ctl("rollout", "start", fetch(gateway), "--group", UNIT)
    for name in BOARDS:
        gateway.wait_for_child(name, lambda seen: seen["phase"] == "confirmed", "to be updated", deadline_s=3 * SOON_S)
        assert flash_runs(gateway.children[name]) == ("1.1.0", True)


def test_a_board_that_says_otherwise_holds_its_group_until_it_is_settled(gateway):
    start_boards(gateway, (UNIT, UNIT, UNIT))
    wait_for_group(gateway)
    deliverable = fetch(gateway)
    change_board(gateway, "middle", OTHER)
    assert f"middle: it reports unit {OTHER}" in gateway.ctl("why", UNIT)["unit"]
    said = [line["reason_text"] for line in gateway.ctl("history", "middle") if OTHER in line["reason_text"]]
    assert len(said) == 1, said
    refused = gateway.ctl_result("rollout", "start", deliverable, "--group", UNIT)
    assert refused.returncode != 0 and f"child middle reports unit {OTHER}" in refused.stderr, refused
    assert [member["id"] for member in groups(gateway)[UNIT]["members"]] == list(BOARDS)

    assert gateway.ctl_result("groups", "dissolve", UNIT).returncode == 0
    assert groups(gateway) == {}
    change_board(gateway, "middle", UNIT)
    wait_for_group(gateway)
    gateway.ctl("rollout", "start", deliverable, "--group", UNIT)
    for name in BOARDS:
        gateway.wait_for_child(name, lambda seen: seen["phase"] == "confirmed", "to be updated", deadline_s=3 * SOON_S)
