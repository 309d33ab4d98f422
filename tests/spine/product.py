# SPDX-License-Identifier: Apache-2.0
"""A product of several serial children that are updated together, for tests/spine and tests/demo."""

import struct

from gateway import APP_1_0_0, SOON_S

LAYOUT = "conveyor"
GROUP = "line-1"
ENDS = ("confirmed", "reverted", "resting", "refused", "cancelled", "split")


def add_product(gateway, members, order=None, options=(), image=APP_1_0_0):
    """`members`: a child's name to its options; the name is its role as well. `order`: a role to its place."""
    roles = ""
    for name, more in members.items():
        gateway.add_child(name, image=image, options=(*options, *more),
                          targets=f'target = "app"\nimage = 0\ngroup = "{GROUP}"\nrole = "{name}"\n')
        place = (order or {}).get(name, 0)
        roles += (f'[[layouts.{LAYOUT}.roles]]\nname = "{name}"\nvendor = "vendor.example"\nclass = "boiler-v1"\n'
                  f'order = {place}\n')
    gateway.more_configuration += f'[layouts.{LAYOUT}]\n{roles}\n[groups.{GROUP}]\nlayout = "{LAYOUT}"\n'


def start_rollout(gateway, deliverable):
    return gateway.ctl("rollout", "start", deliverable["id"], "--group", GROUP)


def phases(gateway):
    return {child["id"]: child["phase"] for child in gateway.ctl("children")}


def wait_for_end(gateway, names, deadline_s=3 * SOON_S):
    """Until each member's update has ended, or rests between two attempts with what ran before."""
    def ended():
        seen = {child["id"]: child for child in gateway.ctl("children") if child["id"] in names}
        return seen if all(child["phase"] in ENDS and child["online"] for child in seen.values()) else None

    return gateway.wait_for(ended, deadline_s, f"{', '.join(names)} to come to their ends")


def flash_runs(child):
    """The version in the child's primary slot, and whether no test or mark is left: from its own flash."""
    header = (child.state / "slot0.bin").read_bytes()[:28]
    major, minor, revision = struct.unpack_from("<BBH", header, 20)
    return f"{major}.{minor}.{revision}", "mark none testing 0" in (child.state / "boot").read_text()
