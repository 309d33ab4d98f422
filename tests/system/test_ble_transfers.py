# SPDX-License-Identifier: Apache-2.0
"""What --transfers is worth: four children are updated over an air on which a packet takes 2.5 ms of one shared medium, and
what a child says waits for its next connection event, every 30 ms. It prints figures, and asserts no times."""

import pytest
from air_box import AirChild

MEDIUM = {"packet_ms": 2.5, "interval_ms": 30}
CHILDREN = 4
UPDATED_WITHIN_S = 120


def seconds(air, child, what):
    """When the child's log says this first."""
    log = [line.split(" ", 1) for line in air.machine.check(f"cat {child.state}/log").splitlines()]
    return next(float(at) for at, said in log if said.startswith(what))


def update_with(air, transfers, options):
    """(seconds from the first byte to the last of all images, and of each)"""
    children = [AirChild(f"child{number}", identity=f"C0:FF:EE:00:00:0{number}", link="internal", options=options)
                for number in range(1, CHILDREN + 1)]
    air.begin(*children, transfers=transfers, medium=MEDIUM)
    for child in children:
        air.wait_until_served(child)
    air.begin_update()
    for child in children:
        assert air.wait_until_updated(child, UPDATED_WITHIN_S)["uploads_started"] == 1
    spans = [(seconds(air, child, "upload: image 0"), seconds(air, child, "upload: complete")) for child in children]
    return max(end for _, end in spans) - min(begin for begin, _ in spans), [end - begin for begin, end in spans]


@pytest.mark.parametrize("options", [("--buf-size", "2475", "--buf-count", "4"), ("--buf-size", "512", "--buf-count", "1")],
                         ids=["large-packets", "small-packets"])
def test_how_long_four_children_take(own_air, options):
    times = {}
    for transfers in range(1, CHILDREN + 1):
        times[transfers], each = update_with(own_air, transfers, options)
        print(f"\n--transfers {transfers}: {times[transfers]:.1f} s, {times[transfers] / times[1]:.2f} of that with 1; "
              f"of the children {', '.join(f'{spent:.1f}' for spent in each)} s")
