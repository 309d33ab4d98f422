# SPDX-License-Identifier: Apache-2.0
"""Looks for byte strings in the memory of another process: in all that the kernel could write to swap or to a core
dump, so not in locked pages. To show that keys are nowhere else.

    assert not memory_search.find(daemon.pid, {"store key": key})      # nothing outside of locked pages
    assert memory_search.find(daemon.pid, {"planted": copy})           # and a control that is found

The process must be ours (ptrace(2) access); it goes on running, so ask when it is idle.
"""

import re
import struct
from typing import NamedTuple

PIECE = 1 << 20
PAGE = 4096
# The shadow memory of AddressSanitizer is larger, and holds no data of the program.
LARGEST_REGION = 1 << 34
PRESENT, SWAPPED = 1 << 63, 1 << 62
HEAD = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s*(.*)$")


class Region(NamedTuple):
    begin: int
    end: int
    name: str
    is_locked: bool


class Hit(NamedTuple):
    what: str
    address: int
    region: str


def regions(pid):
    """The readable ones, with whether their pages are locked."""
    found, head = [], None
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as smaps:
        for line in smaps:
            match = HEAD.match(line)
            if match:
                head = match
            elif line.startswith("VmFlags:") and "r" in head[3]:
                begin, end = int(head[1], 16), int(head[2], 16)
                if end - begin <= LARGEST_REGION and head[4] not in ("[vvar]", "[vsyscall]"):
                    found.append(Region(begin, end, head[4] or "anonymous", " lo" in line))
    return found


def resident(pid, region):
    """Runs of pages that have content, in memory or in swap."""
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        at, run = region.begin, None
        while at < region.end:
            pagemap.seek(at // PAGE * 8)
            wanted = min((region.end - at) // PAGE, PIECE // 8)
            data = pagemap.read(wanted * 8)
            if not data:
                break
            for (entry,) in struct.iter_unpack("<Q", data):
                has_content = bool(entry & (PRESENT | SWAPPED))
                if has_content and run is None:
                    run = at
                elif not has_content and run is not None:
                    yield run, at
                    run = None
                at += PAGE
        if run is not None:
            yield run, at


def find(pid, wanted, locked=False):
    """Where each of `wanted` (name -> bytes) stands outside of locked pages; with `locked` inside of them."""
    longest = max(map(len, wanted.values()))
    hits = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for region in regions(pid):
            if region.is_locked != locked:
                continue
            for begin, end in resident(pid, region):
                hits += _find_in(memory, begin, end, region.name, wanted, longest)
    return hits


def _find_in(memory, begin, end, name, wanted, longest):
    hits, tail, at = set(), b"", begin
    while at < end:
        memory.seek(at)
        try:
            data = memory.read(min(PIECE, end - at))
        except OSError:  # unmapped meanwhile
            break
        if not data:
            break
        window, start = tail + data, at - len(tail)
        for what, value in wanted.items():
            place = window.find(value)
            while place >= 0:
                hits.add(Hit(what, start + place, name))
                place = window.find(value, place + 1)
        tail, at = window[-(longest - 1):], at + len(data)
    return sorted(hits)
