# SPDX-License-Identifier: Apache-2.0
"""What an lwm2m_child does with images: takes them, puts off, installs, reboots, and remembers over a kill (--state)."""

import asyncio
import json
import os
import re

import lwm2m_firmware as firmware
from coap_endpoint import Lost
from lwm2m_device import answer_of, links
from lwm2m_firmware import Firmware
from lwm2m_transfer import Pull, Push


def pairs(texts):
    """["0=1,2"] -> {0: [1, 2]}"""
    return {int(one.split("=")[0]): [int(each) for each in one.split("=")[1].split(",")] for one in texts}


class Updates:
    def __init__(self, child):
        self.child, options = child, child.options
        self.plain = Firmware(0, None, options.version, options, self._changed) if options.object5 != "none" else None
        self.advanced = [Firmware(number, *each.split(":"), options, self._changed)
                         for number, each in enumerate(options.component)]
        self.main = self.advanced[0] if self.advanced else self.plain
        if not self.main:
            raise ValueError("--object5 none needs a --component")
        self.linked, self.conflicting = pairs(options.linked), pairs(options.conflicting)
        for unit in self.advanced:
            unit.linked = links(33629, self.linked.get(unit.instance, []))
            unit.conflicting = links(33629, self.conflicting.get(unit.instance, []))
            unit.is_blocked = lambda unit=unit: any(
                self.advanced[each].state != firmware.IDLE for each in self.conflicting.get(unit.instance, []))
        self.pushes = {unit: Push(unit, options, child.counts, child.report) for unit in self.all}
        self.pulls, self.tasks, self.deferred = {}, set(), None
        self.saved_pull = None

    @property
    def all(self):
        return [unit for unit in (self.plain, *self.advanced) if unit]

    @property
    def is_pulling(self):
        return bool(self.pulls)

    def unit(self, path):
        """Of (object, instance), or None"""
        if path == (5, 0):
            return self.plain
        return self.advanced[path[1]] if path[0] == 33629 and path[1] < len(self.advanced) else None

    def resources(self, unit):
        number = self.child.options.object5
        package = (unit.pending or unit.version) if self.child.options.package_version else None
        return unit.resources(lambda least: number >= least, package)

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.child.report("failed", why=repr(task.exception()))

    def _changed(self, unit, names):
        self.child.report("state", object=5 if unit.name is None else 33629, instance=unit.instance, state=unit.state,
                          result=unit.result)
        self.child.device.notify(unit, names)
        self.save()
        if unit.state == firmware.DOWNLOADED and "state" in names and unit.auto_install:
            self.spawn(self._install([unit]))

    # ---------------------------------------------------------------------------------------------------- transfers

    def write_package(self, unit, message):
        push = self.pushes[unit]
        self._stop_pull(unit)
        answer = push.write(message)
        self.child.endpoint.is_silent_to_duplicates = self.child.options.ignore_resent_block
        if push.is_open:
            self.spawn(self._watch(push, push.touched))
        return answer

    async def _watch(self, push, touched):
        """Breaks a push off that nothing comes for."""
        await asyncio.sleep(self.child.options.push_patience)
        if push.is_open and push.touched == touched:
            push.break_off()
            self.child.sulk()

    def write_uri(self, unit, uri):
        options = self.child.options
        self.child.report("uri", uri=uri, instance=unit.instance)
        if unit.state == firmware.DOWNLOADING and options.uri_no_cancel:
            return answer_of("2.04")
        if unit.state == firmware.UPDATING:
            return answer_of("4.05")
        self._stop_pull(unit)
        unit.reset()
        if len(uri) > 255:
            return answer_of("4.00")
        unit.uri = uri
        if uri and not options.never_pull:
            unit.begin()
            self._pull(unit)
        return answer_of("2.04")

    def _pull(self, unit, saved=None):
        child = self.child
        scheme, _, rest = unit.uri.partition("://")
        is_there = rest.split("/")[0].rsplit(":", 1) == list(map(str, child.server))
        same = child.endpoint if child.options.same_socket and is_there and child.is_secured == (
            scheme == "coaps") else None
        pull = Pull(unit, child.options, child.counts,
                    lambda uri: child.open_line(uri.host, uri.port, uri.scheme == "coaps"), same, child.report, self._keep)
        child.counts["asked_at"] = set()
        if saved:
            pull.resume(saved)
        self.pulls[unit] = pull
        child.report("pull", uri=unit.uri, start=len(pull.data), instance=unit.instance)
        self.spawn(self._run(unit, pull))

    async def _run(self, unit, pull):
        try:
            await asyncio.sleep(self.child.options.pull_delay)
            await pull.run()
        except Lost:
            unit.reset(firmware.CONNECTION_LOST)
        finally:
            if self.pulls.get(unit) is pull:
                del self.pulls[unit]
            self.save()

    def _stop_pull(self, unit):
        pull = self.pulls.pop(unit, None)
        if pull:
            pull.is_cancelled = True
            self.child.counts["restarts"] += 1

    def cancel(self, unit):
        """Resource 10"""
        if unit.state in (firmware.IDLE, firmware.UPDATING):
            return answer_of("4.05")
        self._stop_pull(unit)
        unit.reset(firmware.CANCELLED)
        return answer_of("2.04")

    # ---------------------------------------------------------------------------------------------------- installing

    def execute(self, unit, arguments):
        options = self.child.options
        self.child.report("execute", instance=unit.instance, arguments=arguments)
        if options.refuse_execute or unit.state != firmware.DOWNLOADED:
            return answer_of("4.05")
        units = self._named(unit, arguments)
        if units is None:
            unit.set(result=firmware.DEPENDENCY)
            return answer_of("2.04")
        longest = options.defer if options.defer_anyhow else min(options.defer, unit.max_defer)
        if longest and not self.deferred:
            for each in units:
                each.set(result=firmware.DEFERRED)
            self.deferred = asyncio.Event()
            self.spawn(self._put_off(units, longest))
        elif not self.deferred:
            self.spawn(self._install(units))
        return answer_of("2.04")

    def _named(self, unit, arguments):
        """The instances of 33629 to update together; None: they cannot be."""
        if unit.name is None:
            return [unit]
        named = [int(each) for each in re.findall(r"</33629/(\d+)>", arguments)]
        if not arguments:
            named = [each for each in self.linked.get(unit.instance, [])
                     if self.advanced[each].state == firmware.DOWNLOADED]
        if any(each >= len(self.advanced) for each in named):
            return None
        units = [unit] + [self.advanced[each] for each in named if each != unit.instance]
        return units if all(each.state == firmware.DOWNLOADED for each in units) else None

    async def _put_off(self, units, seconds):
        self.child.report("deferred", seconds=seconds)
        try:
            await asyncio.wait_for(self.deferred.wait(), seconds)
        except asyncio.TimeoutError:
            pass
        self.deferred = None
        if all(unit.state == firmware.DOWNLOADED for unit in units):
            await self._install(units)

    def stop_deferring(self):
        if self.deferred:
            self.deferred.set()

    async def _install(self, units):
        """All or none of them."""
        child, options = self.child, self.child.options
        await asyncio.sleep(0)  # after the answer to Execute
        for unit in units:
            unit.set(firmware.UPDATING, firmware.INITIAL)
        await asyncio.sleep(options.install_s)
        if options.fail_result:
            for unit in units:
                unit.fail_install(options.fail_result)
            child.report("install_failed", result=options.fail_result)
        elif any(unit.instance == 0 for unit in units):
            await child.reboot(options.reboot_s, lambda: self._boot(units))
        else:
            self._run_new(units)

    def _boot(self, units):
        """What the bootloader does. Whether the child runs again."""
        options = self.child.options
        if options.never_back:
            self.child.report("gone")
            return False
        if not options.revert:
            self._run_new(units)
            return True
        for unit in units:
            unit.fail_install(firmware.FAILED)
        self.child.report("reverted", version=self.main.version)
        return True

    def _run_new(self, units):
        for unit in units:
            unit.install()
            unit.set(firmware.IDLE, firmware.SUCCESS)
        self.child.report("installed", instances=[unit.instance for unit in units],
                          version=[unit.version for unit in units])

    # ---------------------------------------------------------------------------------------------------- power

    def power_off(self):
        """What a reboot does to what is under way; the task that calls this goes on."""
        for task in self.tasks - {asyncio.current_task()}:
            task.cancel()
        self.deferred = None
        for unit, pull in list(self.pulls.items()):
            self.saved_pull = None if self.child.options.forget_download else (unit, pull.saved())
        self.pulls.clear()
        for unit in self.all:
            self.pushes[unit].data = None
            if unit.state == firmware.DOWNLOADED and self.child.options.forget_download:
                unit.reset()
            elif unit.state == firmware.DOWNLOADING and not (self.saved_pull and self.saved_pull[0] is unit):
                unit.reset()

    def resume(self):
        """Goes on with a download that a reboot or a kill broke."""
        if self.saved_pull:
            (unit, saved), self.saved_pull = self.saved_pull, None
            self._pull(unit, saved)

    def save(self):
        file = self.child.state_file
        if not file:
            return
        pull = next(((position, pull.saved_head()) for position, unit in enumerate(self.all)
                     for pull in [self.pulls.get(unit)] if pull), None)
        with open(file + ".new", "w", encoding="ascii") as new:
            json.dump({"units": [unit.saved() for unit in self.all], "pull": pull}, new)
        os.replace(file + ".new", file)

    def _keep(self, pull, offset, payload):
        """A block more of a download, on its way to flash."""
        if not self.child.state_file:
            return
        with open(self.child.state_file + ".part", "r+b" if offset else "wb") as part:
            part.seek(offset)
            part.truncate()
            part.write(payload)
        if not offset:
            self.save()

    def load(self):
        file = self.child.state_file
        if not file or not os.path.exists(file):
            return
        with open(file, encoding="ascii") as old:
            saved = json.load(old)
        for unit, each in zip(self.all, saved["units"]):
            unit.restore(each)
            if unit.state == firmware.UPDATING:  # power was cut in State 3: the bootloader finished it
                unit.install()
                unit.state, unit.result = firmware.IDLE, firmware.SUCCESS
            elif unit.state == firmware.DOWNLOADING and not saved["pull"]:
                unit.state = firmware.IDLE
        if saved["pull"] and not self.child.options.forget_download:
            position, head = saved["pull"]
            with open(file + ".part", "rb") as part:
                self.saved_pull = (self.all[position], {**head, "data": part.read()})

    def stats(self):
        counts = self.child.counts
        plain = {name: value for name, value in counts.items() if name != "asked_at"}
        if self.child.endpoint:
            plain["resends"] += self.child.endpoint.resends
        tokens = {token for push in self.pushes.values() for token in push.tokens}
        return {**plain, "push_tokens": len(tokens), "location": self.child.location,
                "units": [[unit.instance, unit.state, unit.result, unit.version] for unit in self.all]}
