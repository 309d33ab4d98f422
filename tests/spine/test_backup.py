# SPDX-License-Identifier: Apache-2.0
"""The configuration of a child is saved before an update, and written back as its profile says."""

from gateway import APP_1_1_0, PROFILE, SOON_S

KEYS = ("--settings", "net", "--setting", "net/ssid=well", "--setting", "net/key=secret")


def profile(restore, health_ms=0):
    text = PROFILE.replace("health_ms  = 0", f"health_ms  = {health_ms}")
    return text + f'backup_settings = ["net/ssid", "net/key"]\n[backup]\nrestore = "{restore}"\n'


def start(gateway, *options):
    gateway.add_child(options=(*KEYS, *options))
    gateway.start(broker=False)
    deliverable = gateway.publish(APP_1_1_0, version="1.1.0")
    assert gateway.ctl_result("fetch", deliverable.url, "--wait").returncode == 0
    gateway.start_rollout(gateway.sealed("1.1.0"))


def settings_of(child):
    file = child.state / "settings"
    return dict(line.split("=") for line in file.read_text().splitlines()) if file.exists() else {}


def wrecks_its_settings(gateway):
    """What a new firmware with another idea of its settings may do; and a power cut."""
    child = gateway.child
    child.stop()
    assert settings_of(child)["net/ssid"] == b"well".hex()
    (child.state / "settings").write_text(f'net/key={b"other".hex()}\n')
    child.start()


def test_what_the_new_firmware_lost_is_written_back_after_a_revert(gateway):
    gateway.profile = profile("after-revert", health_ms=600000)
    start(gateway)
    testing = gateway.wait_for_phase("testing", deadline_s=2 * SOON_S)
    assert len(testing["backup"]) == 64
    wrecks_its_settings(gateway)  # unconfirmed: the bootloader goes back to the old image
    reverted = gateway.wait_for_child("boiler", lambda seen: seen["phase"] != "testing" and seen["version"] == "1.0.0"
                                      and not seen["restore_due"] and seen["reason"] != "none",
                                      "to be as before", deadline_s=2 * SOON_S)
    assert settings_of(gateway.child) == {"net/ssid": b"well".hex(), "net/key": b"secret".hex()}, reverted


def test_what_was_lost_is_written_back_after_an_update_that_wants_it(gateway):
    gateway.profile = profile("after-update")
    start(gateway, "--baud", 115200)  # time to lose something on the way
    gateway.wait_for_child("boiler", lambda seen: (seen["progress"] or 0) > 0.05, "to receive", deadline_s=2 * SOON_S)
    wrecks_its_settings(gateway)
    gateway.wait_for_child("boiler", lambda seen: seen["phase"] == "confirmed" and not seen["restore_due"],
                           "to be confirmed and restored", deadline_s=5 * SOON_S)
    assert settings_of(gateway.child) == {"net/ssid": b"well".hex(), "net/key": b"secret".hex()}


def test_nothing_is_written_back_unless_the_profile_says_so(gateway):
    gateway.profile = profile("never", health_ms=600000)
    start(gateway)
    assert len(gateway.wait_for_phase("testing", deadline_s=2 * SOON_S)["backup"]) == 64
    wrecks_its_settings(gateway)
    gateway.wait_for_child("boiler", lambda seen: seen["phase"] != "testing" and seen["version"] == "1.0.0",
                           "to be as before", deadline_s=2 * SOON_S)
    assert settings_of(gateway.child) == {"net/key": b"other".hex()}


def test_an_update_goes_on_without_a_backup(gateway):
    """A key that the child does not have, or a group that it does not know, stops no update."""
    gateway.profile = profile("always").replace('"net/ssid", "net/key"', '"no/such/key"')
    gateway.add_child()
    gateway.start(broker=False)
    deliverable = gateway.publish(APP_1_1_0, version="1.1.0")
    assert gateway.ctl_result("fetch", deliverable.url, "--wait").returncode == 0
    gateway.start_rollout(gateway.sealed("1.1.0"))
    gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S)
