# SPDX-License-Identifier: Apache-2.0
"""Whom a gateway believes, for what and until when: roots that follow each other, signers in and out of their rights,
permits, channel heads, grants, and a clock that is wrong. Real programs; the keys are the test's (vault.py)."""

import pytest
from gateway import APP_1_1_0, APP_2_0_0, SOON_S, Gateway
from vault import DAY, Vault, entry_of, now

OK, FAILED, NOTHING = 0, 1, 4


@pytest.fixture
def vault(gateway):
    return Vault(gateway)


def start_quietly(gateway):
    """Without child and broker: what comes in is asked for by headgatectl fetch."""
    gateway.add_child()
    gateway.child.start = lambda: None
    gateway.start(broker=False, plugin=False)


def fetched(gateway, thing):
    """What became of a URL, by headgatectl: exit status, and all that it wrote."""
    done = gateway.ctl_result("fetch", thing.url, "--wait")
    return done.returncode, done.stdout + done.stderr


def assert_fetched(gateway, thing):
    status, text = fetched(gateway, thing)
    assert status == OK, text


def assert_refused(gateway, thing, *words):
    status, text = fetched(gateway, thing)
    assert status == FAILED and all(word in text for word in words), text
    gateway.wait_for_journal(thing.url, "refused", *words)


def plain_root(vault, **more):
    """One key for each role; "chief" signs roots."""
    keys = [vault.key("chief", "root"), vault.key("anna", "author"), vault.key("hilda", "head"),
            vault.key("dirk", "director")]
    return {"keys": keys, "sign": ["chief"], **more}


# -------------------------------------------------------------------------------------------------------------- roots


def test_a_new_root_takes_keys_away_without_an_installation(gateway, vault):
    vault.install_root(keys=[vault.key("chief", "root"), vault.key("anna", "author")], sign=["chief"])
    start_quietly(gateway)
    assert_fetched(gateway, gateway.publish(APP_1_1_0, version="1.1.0", signer="anna"))
    assert gateway.sealed("1.1.0")["signers"] == ["anna"]

    second = vault.root(keys=[vault.key("chief", "root"), vault.key("bert", "author")], sign=["chief"], version=2)
    assert_fetched(gateway, gateway.publish_record("2.root", second))
    trust = gateway.ctl("trust", "show")
    assert trust["root_version"] == 2 and [key["name"] for key in trust["keys"]] == ["chief", "bert"]
    gateway.wait_for_journal("root version 2 is in force")
    assert fetched(gateway, gateway.publish_record("2.root", second))[0] == NOTHING

    for _ in ("at once", "after a restart, with the first root still in its file"):
        assert_refused(gateway, gateway.publish(APP_2_0_0, version="2.0.0", signer="anna"), "verify")
        gateway.daemon.kill()
        gateway.start_daemon()
    assert gateway.ctl("trust", "show")["root_version"] == 2
    assert_fetched(gateway, gateway.publish(APP_2_0_0, version="2.0.0", signer="bert"))
    sealed_before = gateway.sealed("1.1.0")["id"]
    refused = gateway.ctl_result("rollout", "start", sealed_before)
    assert refused.returncode != OK and "may no longer be released" in refused.stderr and "anna" in refused.stderr


def test_a_root_needs_the_old_and_the_new_threshold(gateway, vault):
    vault.install_root(**plain_root(vault))
    start_quietly(gateway)
    new = [vault.key("heir", "root"), vault.key("anna", "author")]
    for sign, word in ((["heir"], "new threshold only"), (["chief"], "present threshold only"), (["anna"], "neither")):
        status, text = vault.importing(vault.root(keys=new, sign=sign, version=2))
        assert status == FAILED and word in text, text
        gateway.wait_for_journal("trust record imported by uid", "refused", word)
    status, text = vault.importing(vault.root(keys=new, sign=["chief", "heir"], version=1))
    assert status == FAILED and "not after 1" in text, text
    assert gateway.ctl("trust")["root_version"] == 1
    assert vault.importing(vault.root(keys=new, sign=["chief", "heir"], version=2)) == (OK, "root accepted\n")
    assert gateway.ctl("trust")["root_version"] == 2


def test_a_root_file_that_does_not_follow_is_named_and_left(gateway, vault):
    vault.install_root(**plain_root(vault))
    start_quietly(gateway)
    strangers = vault.root(keys=[vault.key("mallory", "root", "author")], sign=["mallory"], version=7)
    vault.root_file.write_bytes(strangers)
    gateway.daemon.stop()
    gateway.start_daemon()
    gateway.wait_for_journal("root file", "refused, root version 1 stays in force", "sign it, too")
    assert_refused(gateway, gateway.publish(APP_1_1_0, signer="mallory"), "verify")

    vault.root_file.write_bytes(vault.root(**plain_root(vault, version=2)))
    gateway.daemon.signal(1)  # SIGHUP
    gateway.wait_for_journal("root version 2 is in force, from")
    assert_fetched(gateway, gateway.publish(APP_1_1_0, version="1.1.0", signer="anna"))


def test_a_daemon_without_any_good_root_does_not_start(gateway, vault):
    vault.install_root(**plain_root(vault, damage="wrong-signature"))
    gateway.start_bus()
    daemon = gateway.launch_daemon()
    gateway.wait_for(lambda: not daemon.is_running(), SOON_S, "the daemon to end")
    assert gateway.journal_lines("cannot start", str(vault.root_file), "root")


# ------------------------------------------------------------------------------------------------------------- rights


def test_signers_in_and_out_of_their_rights(gateway, vault):
    vault.install_root(keys=[
        vault.key("chief", "root"), vault.key("hilda", "head"), vault.key("anna", "author", prefixes=["boiler"]),
        vault.key("paul", "author", prefixes=["pump/"]), vault.key("past", "author", not_after=now() - DAY),
        vault.key("soon", "author", not_before=now() + DAY)], sign=["chief"])
    start_quietly(gateway)
    for signer, words in (("hilda", ["for head, not for author"]), ("paul", ["may sign pump/"]),
                          ("past", ["past is valid until"]), ("soon", ["soon is valid from"]), ("chief", ["for root"])):
        assert_refused(gateway, gateway.publish(APP_1_1_0, signer=signer), "0 of 1 author keys", *words)
    assert not gateway.ctl("deliverables")
    assert_fetched(gateway, gateway.publish(APP_1_1_0, version="1.1.0", signer="anna"))


def test_two_signatures_mean_two_keys(gateway, vault):
    vault.install_root(keys=[vault.key("chief", "root"), vault.key("anna", "author"),
                             vault.key("bert", "author", offline=True)],
                       products=[{"prefix": "boiler", "threshold": 2, "offline": 1}], sign=["chief"])
    start_quietly(gateway)
    assert_refused(gateway, gateway.publish(APP_1_1_0, signer="anna"), "1 of 2 author keys")
    assert_refused(gateway, gateway.publish(APP_1_1_0, signer="anna", change=vault.signing_too("anna")), "1 of 2")
    both = gateway.publish(APP_1_1_0, version="1.1.0", signer="anna", change=vault.signing_too("bert"))
    assert_fetched(gateway, both)
    assert gateway.sealed("1.1.0")["signers"] == ["anna", "bert"]
    cosigned = gateway.publish(APP_2_0_0, version="2.0.0", signer="anna",
                               more=("--cosigner", f"{vault.pem('bert')}:ESP256"))
    assert_fetched(gateway, cosigned)
    assert gateway.sealed("2.0.0")["signers"] == ["anna", "bert"]
    gateway.wait_for_journal("signature of anna, bert verified")


# ------------------------------------------------------------------------------------------------------------ permits


def confirmed(gateway, deliverable, version):
    """A rollout to the one child, to its good end."""
    gateway.start_rollout(gateway.wait_until_sealed(deliverable.version))
    gateway.wait_for_child("boiler", lambda seen: seen["phase"] == "confirmed" and seen["version"] == version,
                           f"to run {version}", deadline_s=2 * SOON_S)


def refused_because(gateway, deliverable, reason):
    gateway.start_rollout(gateway.sealed(deliverable.version))
    gateway.wait_for_child("boiler", lambda seen: seen["phase"] == "refused" and seen["reason"] == reason,
                           f"to be refused because of {reason}")


def on_the_newer_one(gateway, vault):
    """A gateway whose child runs sequence 9 and is refused 5: those two deliverables."""
    vault.install_root(**plain_root(vault))
    gateway.start(broker=False)
    old = gateway.publish(APP_1_1_0, version="1.1.0", signer="anna", sequence=5)
    new = gateway.publish(APP_2_0_0, version="2.0.0", signer="anna", sequence=9)
    for deliverable in (old, new):
        assert_fetched(gateway, deliverable)
    confirmed(gateway, new, "2.0.0")
    refused_because(gateway, old, "not-newer")
    return old, new


WAY_BACK = {"product": "boiler", "from_": 9, "to": 5}


def test_a_permit_for_somebody_else_is_no_help(gateway, vault):
    old, _ = on_the_newer_one(gateway, vault)
    status, text = vault.importing(vault.permit(["anna"], **WAY_BACK, child="boiler", not_after=now() - 1))
    assert status == FAILED and "valid until" in text, text
    status, text = vault.importing(vault.permit(["hilda"], **WAY_BACK, child="boiler"))
    assert status == FAILED and "for head, not for author" in text, text
    assert vault.importing(vault.permit(["anna"], **{**WAY_BACK, "from_": 8}, child="boiler"))[0] == OK
    refused_because(gateway, old, "not-newer")
    assert vault.importing(vault.permit(["anna"], **WAY_BACK, child="another"))[0] == OK
    refused_because(gateway, old, "permit-not-for-child")


def test_a_permit_takes_one_child_back_once(gateway, vault):
    old, new = on_the_newer_one(gateway, vault)
    permit = vault.permit(["anna"], **WAY_BACK, child="boiler")
    assert vault.importing(permit) == (OK, "permit accepted\n")
    gateway.wait_for_journal("permit", "boiler from 9 to 5 accepted for child boiler", "signed by anna")
    confirmed(gateway, old, "1.1.0")
    gateway.wait_for_journal("permit", "used by child boiler")
    assert [each["used_by"] for each in gateway.ctl("permits")] == [["boiler"]]

    confirmed(gateway, new, "2.0.0")
    refused_because(gateway, old, "permit-used")
    assert vault.importing(permit)[0] == NOTHING
    gateway.daemon.kill()
    gateway.start_daemon()
    gateway.wait_for_child("boiler", lambda seen: seen["online"], "to be online")
    assert vault.importing(permit)[0] == NOTHING, "replayed after a restart"
    refused_because(gateway, old, "permit-used")


# -------------------------------------------------------------------------------------------------------------- heads


def rollout_refused(gateway, deliverable, *options):
    done = gateway.ctl_result("rollout", "start", gateway.sealed(deliverable.version)["id"], *options)
    return done.returncode, done.stderr


def test_a_head_says_what_is_current_together(gateway, vault):
    vault.install_root(**plain_root(vault))
    gateway.start(broker=False)
    old = gateway.publish(APP_1_1_0, version="1.1.0", signer="anna", sequence=5)
    new = gateway.publish(APP_2_0_0, version="2.0.0", signer="anna", sequence=9)
    for deliverable in (old, new):
        assert_fetched(gateway, deliverable)
    fourth = vault.head(["hilda"], [entry_of(new, minimum=3)], version=4, issued=now() - DAY, expires=now() + DAY)
    assert_fetched(gateway, gateway.publish_record("4.head", fourth))
    gateway.wait_for_journal("head of channel stable: version 4 accepted")

    for record, word in ((vault.head(["hilda"], [entry_of(old)], version=3, issued=now() - DAY), "older"),
                         (vault.head(["hilda"], [entry_of(old)], version=4, issued=now() - DAY), "another version 4"),
                         (vault.head(["anna"], [entry_of(old)], version=5), "for author, not for head")):
        status, text = vault.importing(record)
        assert status == FAILED and word in text, text
    status, text = rollout_refused(gateway, old)
    assert status == FAILED and "mix and match" in text, text
    trust = gateway.ctl("trust")
    assert trust["floors"] == [{"product": "boiler", "sequence": 3}]
    assert trust["heads"][0]["version"] == 4 and not trust["heads"][0]["expired"]
    confirmed(gateway, new, "2.0.0")


def test_an_expired_head_holds_rollouts_until_somebody_approves(gateway, vault):
    vault.install_root(**plain_root(vault))
    gateway.start(broker=False)
    new = gateway.publish(APP_2_0_0, version="2.0.0", signer="anna")
    assert_fetched(gateway, new)
    expired = vault.head(["hilda"], [entry_of(new)], issued=now() - 2 * DAY, expires=now() - DAY)
    assert vault.importing(expired)[0] == OK
    assert gateway.ctl("trust")["heads"][0]["expired"]
    status, text = rollout_refused(gateway, new)
    assert status == FAILED and "expired" in text and "approve" in text, text
    result = gateway.ctl("rollout", "start", gateway.sealed("2.0.0")["id"], "--approve")
    assert gateway.ctl("rollout", "show", result["rollout"])["approved"]
    gateway.wait_for_phase("confirmed", deadline_s=2 * SOON_S)
    assert gateway.ctl_result("rollout", "close", result["rollout"]).returncode == OK
    assert gateway.ctl("trust")["floors"] == [{"product": "boiler", "sequence": new.sequence}]
    gateway.wait_for_journal("no child goes below sequence", "of boiler")


def test_require_head(gateway, vault):
    vault.install_root(**plain_root(vault))
    gateway.trust += "require_head = true\n"
    start_quietly(gateway)
    new = gateway.publish(APP_2_0_0, version="2.0.0", signer="anna")
    assert_fetched(gateway, new)
    status, text = rollout_refused(gateway, new, "boiler")
    assert status == FAILED and "no channel lists product boiler" in text, text


# ------------------------------------------------------------------------------------------------------------- grants


def test_a_grant_is_for_one_gateway(gateway, vault):
    vault.install_root(**plain_root(vault))
    gateway.give_key(vault.pem("own"))
    start_quietly(gateway)
    what = {"image": "ab" * 32, "content_key": "cd" * 16}
    for record, word in (
            (vault.grant(["dirk"], "another", **what), "for the gateway with the key"),
            (vault.grant(["anna"], "own", **what), "for author, not for director"),
            (vault.grant(["dirk"], "own", **what, not_after=now() - 1), "valid until"),
            (vault.grant(["dirk"], "own", **what, damage="tampered"), "")):
        status, text = vault.importing(record)
        assert status == FAILED and word in text, text
    assert vault.importing(vault.grant(["dirk"], "own", **what)) == (OK, "grant accepted\n")
    assert [grant["image"] for grant in gateway.ctl("trust")["grants"]] == ["ab" * 32]


def test_a_gateway_without_a_key_takes_no_grants(gateway, vault):
    vault.install_root(**plain_root(vault))
    start_quietly(gateway)
    status, text = vault.importing(vault.grant(["dirk"], "own", image="ab" * 32, content_key="cd" * 16))
    assert status == FAILED and "gateway_credential" in text, text


# --------------------------------------------------------------------------------------------------------------- time


def test_a_clock_that_is_wrong_makes_what_expires_wait(gateway, vault):
    """The root was issued the day after tomorrow, says the clock: so it is the clock that is wrong."""
    keys = [vault.key("chief", "root"), vault.key("anna", "author"), vault.key("hilda", "head"),
            vault.key("brief", "author", not_after=now() + 9 * DAY)]
    vault.install_root(keys=keys, sign=["chief"], issued=now() + 2 * DAY)
    start_quietly(gateway)
    gateway.wait_for_journal("the time is not known")
    assert not gateway.ctl("trust")["time_known"]
    new = gateway.publish(APP_2_0_0, version="2.0.0", signer="anna")
    assert_fetched(gateway, new)

    status, text = vault.importing(vault.permit(["anna"], product="boiler", from_=9, to=5, child="boiler"))
    assert status == FAILED and "time is not known" in text, text
    gateway.ctl_result("fetch", gateway.publish(APP_1_1_0, signer="brief", name="brief").url)
    gateway.wait_for_journal("brief.suit", "tried again at", "time is not known")
    assert vault.importing(vault.head(["hilda"], [entry_of(new)], issued=now(), expires=now() + 5 * DAY))[0] == OK
    status, text = rollout_refused(gateway, new, "boiler")
    assert status == FAILED and "time is not known" in text, text
    assert "rollout" in gateway.ctl("rollout", "start", gateway.sealed("2.0.0")["id"], "boiler", "--approve")


def test_pem_keys_alone_go_on_working(directory):
    """Without a root file: as before, and no root can be brought in from outside."""
    with Gateway(directory) as gateway:
        vault = Vault(gateway)
        start_quietly(gateway)
        assert_fetched(gateway, gateway.publish(APP_1_1_0, version="1.1.0"))
        status, text = vault.importing(vault.root(keys=[vault.key("mallory", "root", "author")], sign=["mallory"]))
        assert status == FAILED, text
        assert gateway.ctl("trust")["root_version"] == 0
