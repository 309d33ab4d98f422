# SPDX-License-Identifier: Apache-2.0
"""AgentManager1, and a pairing as bluetoothd and the kernel lead it with the agent of whoever asked for it.

As 5.66 does for a pairing that this side begins: a passkey is asked of the agent (RequestPasskey) if the child shows
one and the agent has a keyboard; just-works asks nobody. A child that only takes just-works ends in a bond whatever the
agent could do; one with a passkey refuses an agent without a keyboard.
"""
import dbus

import stand_in_errors as errors
from stand_in_bus import Exported
from stand_in_peripheral import AUTHENTICATED, ENCRYPTED

AGENT = "org.bluez.Agent1"
CAPABILITIES = ("", "DisplayOnly", "DisplayYesNo", "KeyboardOnly", "NoInputNoOutput", "KeyboardDisplay")
WITH_KEYBOARD = ("KeyboardOnly", "KeyboardDisplay")
AGENT_PATIENCE = 60  # seconds
LAST_PASSKEY = 999999


class Agent:
    def __init__(self, owner, path, capability):
        self.owner, self.path, self.capability = owner, path, capability


class AgentRegistry(Exported):
    """org.bluez.AgentManager1: one agent per client, gone with it."""

    INTERFACE = "org.bluez.AgentManager1"

    def __init__(self, exports):
        super().__init__(exports, "/org/bluez")
        self.agents, self.watches, self.defaults = {}, {}, []

    def of(self, client):
        """The client's own agent, else the default one, else None."""
        return self.agents.get(client) or (self.defaults[0] if self.defaults else None)

    def register(self, call):
        path, capability = call.arguments
        if capability not in CAPABILITIES:
            raise errors.invalid_arguments()
        if call.sender in self.agents:
            raise errors.already_exists()
        self.agents[call.sender] = Agent(call.sender, path, capability)
        self.watches[call.sender] = self.exports.bus.watch_name_owner(
            call.sender, lambda owner, name=call.sender: owner or self.forget(name))
        call.reply()

    def unregister(self, call):
        self.own_agent(call)
        self.forget(call.sender)
        call.reply()

    def request_default(self, call):
        agent = self.own_agent(call)
        self.defaults = [agent, *(other for other in self.defaults if other is not agent)]
        call.reply()

    def own_agent(self, call):
        agent = self.agents.get(call.sender)
        if agent is None or agent.path != call.arguments[0]:
            raise errors.does_not_exist()
        return agent

    def forget(self, client):
        agent = self.agents.pop(client, None)
        watch = self.watches.pop(client, None)
        if watch:
            watch.cancel()
        self.defaults = [other for other in self.defaults if other is not agent]

    def close(self):
        for client in list(self.agents):
            self.forget(client)

    METHODS = {
        "RegisterAgent": ("os", register),
        "UnregisterAgent": ("o", unregister),
        "RequestDefaultAgent": ("o", request_default),
    }


class Pairing:
    """One call of Pair, until it is answered."""

    def __init__(self, device, call):
        self.device, self.call = device, call
        self.bus = device.exports.bus
        self.agent = device.adapter.agents.of(call.sender)
        self.asking = False
        self.watch = self.bus.watch_name_owner(call.sender, lambda owner: owner or self.caller_gone())

    def begin(self):
        if self.device.connected:
            return self.exchange(None)
        return self.device.begin_connecting(self.exchange)

    def exchange(self, error):
        """There is a link: the two ends compare what they can do."""
        if self.device.pairing is not self:
            return
        if error:
            return self.end(errors.connection_attempt_failed())
        wanted = self.device.peripheral.pairing
        if wanted == "just-works":
            self.device.later("pair", self.device.adapter.times.answer_ms, lambda: self.end(None, ENCRYPTED))
        elif wanted == "passkey" and self.agent and self.agent.capability in WITH_KEYBOARD:
            self.ask_passkey()
        else:
            self.device.later("pair", self.device.adapter.times.answer_ms,
                              lambda: self.end(errors.authentication_failed()))

    def ask_passkey(self):
        self.asking = True
        self.bus.call_async(self.agent.owner, self.agent.path, AGENT, "RequestPasskey", "o",
                            (dbus.ObjectPath(self.device.path),), self.passkey, lambda _: self.passkey(None),
                            timeout=AGENT_PATIENCE)

    def passkey(self, passkey=None):
        self.asking = False
        right = passkey is not None and passkey <= LAST_PASSKEY and passkey == self.device.peripheral.passkey
        self.end(None if right else errors.authentication_failed(), AUTHENTICATED)

    def cancel(self):
        if self.asking:
            call = dbus.lowlevel.MethodCallMessage(self.agent.owner, self.agent.path, AGENT, "Cancel")
            call.set_no_reply(True)
            self.bus.send_message(call)
        self.end(errors.authentication_canceled())

    def lost(self):
        self.cancel()

    def caller_gone(self):
        self.end(errors.authentication_canceled())
        self.device.later("drop", self.device.adapter.times.disconnect_ms, self.device.drop)

    def end(self, error, level=0):
        if self.device.pairing is not self:
            return
        self.device.pairing = None
        self.device.forget("pair")
        self.watch.cancel()
        if not error:
            self.device.bonded(level)
            self.call.reply()
        else:
            self.call.fail(error)
            if error.name == errors.authentication_failed().name:
                self.device.later("drop", self.device.adapter.times.answer_ms, self.device.drop)
