# SPDX-License-Identifier: Apache-2.0
"""The example of headgate-pack(1) is what it says: its commands are taken from the page and run."""

import os
import re
import subprocess
from pathlib import Path

import suit_verifier

PAGE = Path(os.environ["HEADGATE_SOURCE_DIR"]) / "docs/man/headgate-pack.1"


def commands():
    """The text of all .EX blocks, as a reader sees it."""
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^\.EX\n(.*?)^\.EE$", page, re.DOTALL | re.MULTILINE)
    return "".join(blocks).replace(r"\-", "-").replace(r"\e", "\\")


def test_the_example(workshop):
    (workshop.path(workshop.image("app-2.0.0.bin"))).rename(workshop.path("app.bin"))
    (workshop.path(workshop.image("radio-2.0.0-needs-app-2.bin"))).rename(workshop.path("radio.bin"))
    boiler, gateway = workshop.recipient("boiler"), workshop.recipient("gateway")
    environment = {**os.environ, "PATH": os.environ["HEADGATE_BIN"] + ":" + os.environ["PATH"]}
    done = subprocess.run(["bash", "-eu"], input=commands(), cwd=workshop.directory, env=environment,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "signed by build.pub, safe.pub" in done.stdout and "verified: false" in done.stdout

    keys = [suit_verifier.load_public(workshop.path(name)) for name in ("build.pub", "safe.pub")]
    release = suit_verifier.read(workshop.read("boiler.suit"), keys)
    assert release.authenticated.signers == [0, 1]
    app, radio = release.images
    plaintext, sealed = workshop.read("app.bin"), workshop.read("app.enc")
    assert suit_verifier.decrypt(app.encryption_info, sealed, boiler) == plaintext
    assert radio.content == workshop.read("radio.bin")
    _, grant, _ = suit_verifier.open_record(workshop.read("gateway.grant"), keys)
    assert suit_verifier.decrypt(grant[4], sealed, gateway) == plaintext


def test_the_page_names_every_command(workshop):
    usage = workshop.pack("--help")
    commands_shown = re.findall(r"^  ([a-z]+) +[A-Z]", usage, re.MULTILINE)
    assert len(commands_shown) == 10, usage
    for command in commands_shown:
        assert re.search(rf"^\\fB{command}\b", PAGE.read_text(encoding="utf-8"), re.MULTILINE), command
