# SPDX-License-Identifier: Apache-2.0
"""headgate from its packages, under systemd, with a real USB serial line: sandbox, hot-plug, exclusiveness, power."""

import pytest
from box import LINE

RULE = "/usr/share/doc/headgate-plugin-serial/examples/70-headgate-lines.rules"
BY_PROPERTIES = "udev:ID_SERIAL_SHORT=1234,ID_USB_INTERFACE_NUM=00"
UDEV_EVENTS = 15  # NETLINK_KOBJECT_UEVENT, linux/netlink.h
TAKEN = {  # how programs keep others off a line; descriptor 3 is the line ($$ is systemd's $)
    "flock": "flock --nonblock 3",
    "TIOCEXCL": 'python3 -c "import fcntl, termios; fcntl.ioctl(3, termios.TIOCEXCL)"',
    "lock-file": "echo $$BASHPID > /run/lock/LCK..ttyACM0",
}


def main_pid(box, unit):
    return int(box.machine.check(f"systemctl show -P MainPID {unit}"))


def status_of(box, pid):
    lines = box.machine.check(f"cat /proc/{pid}/status").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def opening(box, user_and_groups, node=LINE):
    """Exit status and words of a shell that opens the line as somebody."""
    return box.machine.run(f"setpriv {user_and_groups} bash -c 'exec 3<>{node}'")


def test_the_daemon_comes_up_at_once_when_it_is_installed(installed_box):
    """The bus, which runs already, has to learn that there is a user headgate now."""
    assert installed_box.starts_of_installation == 1
    for unit in ("headgated", "headgate-serial"):
        is_active = f"systemctl is-active {unit}"
        installed_box.wait_for(lambda: installed_box.machine.run(is_active)[0] == 0, f"{unit} to run")


def test_the_line_is_reached_by_the_plugin_alone_through_its_group(box):
    """It was plugged in after the start of the services, the first tty of its kind since the machine was started."""
    assert box.machine.check("systemctl is-system-running") == "running"
    assert box.machine.check(f"stat -L -c '%U %G %a' {LINE}") == "root dialout 660"

    plugin, daemon = main_pid(box, "headgate-serial"), main_pid(box, "headgated")
    groups = box.machine.check(f"stat -c %U /proc/{plugin}; id -Gn headgate-serial").split()
    assert sorted(groups) == ["dialout", "headgate-plugin", "headgate-serial", "headgate-serial"]
    dialout = box.machine.check("getent group dialout | cut -d: -f3")
    for pid, is_in_dialout in ((plugin, True), (daemon, False)):
        status = status_of(box, pid)
        assert (dialout in status["Groups"].split()) == is_in_dialout
        assert set(status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")) == {"0" * 16}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        holds_line = box.machine.run(f"ls -l /proc/{pid}/fd | grep -q ttyACM")[0] == 0
        assert holds_line == is_in_dialout

    heard = box.machine.check(f"awk '$2 == {UDEV_EVENTS} {{ print $10 }}' /proc/net/netlink; ls -l /proc/{plugin}/fd | "
                              "sed -n 's/.*socket:.\\([0-9]*\\).*/\\1/p'").split()
    assert len(set(heard)) < len(heard), "none of the plugin's sockets hears udev"

    status, said = opening(box, "--reuid=headgate-serial --regid=headgate-serial --clear-groups")
    assert status != 0 and "Permission denied" in said


def test_a_child_on_a_usb_line_is_updated(box):
    box.begin_update()
    counters = box.wait_until_confirmed()
    assert (counters["uploads_started"], counters["tests"], counters["resets"], counters["confirms"]) == (1, 1, 1, 1)


@pytest.mark.parametrize("box", [LINE, BY_PROPERTIES], indirect=True, ids=["by-id", "by-properties"])
def test_the_cable_is_pulled_in_a_transfer_and_the_line_comes_back_under_another_name(box):
    assert box.node() == "/dev/ttyACM0"
    box.begin_update()
    box.wait_for_middle_of_transfer()
    box.hold()  # a terminal program that does not let go of the dead tty
    box.unplug()
    cause = box.wait_for_offline()
    assert "tty" in cause or "/dev/" in cause, cause
    assert box.child_says()["phase"] not in ("confirmed", "refused", "reverted")

    assert box.plug() == "/dev/ttyACM1"
    counters = box.wait_until_confirmed()
    assert counters["uploads_started"] == 1, "the child was asked what it has, and the rest was sent"
    assert counters["resumes"] >= 1
    assert counters["resets"] == 1


def test_no_other_program_can_open_the_line(box):
    someone = "--reuid=nobody --regid=dialout --clear-groups"
    status, said = opening(box, someone)
    assert status != 0 and "Device or resource busy" in said
    process, program = box.machine.check("cat /run/lock/LCK..ttyACM0").split()
    assert (int(process), program) == (main_pid(box, "headgate-serial"), "headgate")

    box.machine.check("systemctl stop headgate-serial")
    status, said = opening(box, someone)
    assert status == 0, f"the line is not free when nobody has it: {said}"
    assert box.machine.check("ls /run/lock").find("LCK") < 0


@pytest.mark.parametrize("way", TAKEN)
def test_a_line_that_another_program_has_is_named_and_waited_for(box, way):
    box.machine.check("systemctl stop headgate-serial")
    box.hold(TAKEN[way])
    box.machine.check("systemctl start headgate-serial")
    cause = box.wait_for_child(lambda seen: not seen["online"] and "in use" in seen["link_text"],
                               "to be offline because its line is in use")["link_text"]
    assert LINE in cause or "ttyACM0" in cause, cause
    if way == "lock-file":
        assert box.machine.check("systemctl show -P MainPID held-line") in cause, cause
    box.release()
    box.wait_for_child(lambda seen: seen["online"], "to be online when the line is free")


def test_the_example_rule_keeps_modemmanager_off_the_line(box):
    def marks():
        return box.machine.run(f"udevadm info --query=property {LINE} | grep ^ID_MM_")[1].split()

    assert marks() == []
    box.unplug()
    box.machine.check(f"cp {RULE} /etc/udev/rules.d/ && udevadm control --reload")
    box.plug()
    assert sorted(marks()) == ["ID_MM_DEVICE_IGNORE=1", "ID_MM_PORT_IGNORE=1"]
    box.wait_for_child(lambda seen: seen["online"], "to be online again")


def test_the_plugin_is_killed_in_a_transfer(box):
    box.begin_update()
    box.wait_for_middle_of_transfer()
    before = main_pid(box, "headgate-serial")
    box.machine.check("systemctl kill --kill-who=main --signal=KILL headgate-serial")
    box.wait_for(lambda: main_pid(box, "headgate-serial") not in (0, before), "systemd to start the plugin again")
    counters = box.wait_until_confirmed()
    assert counters["uploads_started"] == 1
    assert counters["resumes"] >= 1
    assert counters["resets"] == 1


def test_the_power_is_cut_in_a_transfer(box):
    """The gateway's; the child has its own."""
    box.begin_update()
    box.wait_for_middle_of_transfer()
    box.machine.cut_power()
    box.machine.start()
    box.connect_child()
    box.plug()
    counters = box.wait_until_confirmed()
    assert counters["uploads_started"] == 1
    assert counters["resumes"] >= 1
    assert counters["resets"] == 1
