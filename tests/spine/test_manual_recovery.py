# SPDX-License-Identifier: Apache-2.0
"""docs/recovery.md, "By hand, for a child that nobody can reach": its steps, one by one."""

import hashlib
import pathlib
import re
import shutil

from gateway import APP_1_1_0, SOON_S, SOURCE
from product import GROUP, add_product, flash_runs, start_rollout, wait_for_end

MEMBERS = ("left", "right")
STEPS = (SOURCE / "docs/recovery.md").read_text().split("## By hand")[1]


def stored(gateway, digest):
    """The file that the page names, where this gateway has its cache."""
    named = re.search(r"sha256sum /var/cache/headgate/(\S+)", STEPS)[1]
    return gateway.directory / "cache" / named.replace("DIGEST", digest)


def test_an_offline_child_gets_the_last_working_image_by_hand(gateway):
    add_product(gateway, dict.fromkeys(MEMBERS, ()))
    gateway.start(broker=False)
    deliverable = gateway.publish(APP_1_1_0, version="1.1.0")
    assert gateway.ctl_result("fetch", deliverable.url, "--wait").returncode == 0
    start_rollout(gateway, gateway.sealed("1.1.0"))
    wait_for_end(gateway, MEMBERS)
    board = gateway.children["left"]
    board.stop()
    shutil.rmtree(board.state)  # its flash is gone
    gateway.wait_for_child("left", lambda seen: not seen["online"], "to be offline")

    assert "headgatectl children show CHILD --json" in STEPS
    committed = gateway.ctl("children", "show", "left")["committed"]
    assert committed == gateway.ctl("groups", "show", GROUP)["committed"]
    assert "headgatectl deliverables show DELIVERABLE --json" in STEPS
    image, = gateway.ctl("deliverables", "show", committed)["images"]
    assert image["component"] == "app"

    file = stored(gateway, image["digest"])
    assert hashlib.sha256(file.read_bytes()).hexdigest() == image["digest"]

    board._image = pathlib.Path(shutil.copy(file, gateway.directory / "by-hand.bin"))
    board.start()
    seen = gateway.wait_for_child("left", lambda seen: seen["online"] and seen["version"] == "1.1.0", "to be back",
                                  deadline_s=2 * SOON_S)
    assert seen["phase"] == "confirmed"
    assert flash_runs(board) == ("1.1.0", True)
    assert gateway.ctl_result("groups", "repair", GROUP).returncode == 4, "nothing is to be done"
