# SPDX-License-Identifier: Apache-2.0
"""One thread that waits for descriptors and for times: for children of the tests that are several things at once."""
import heapq
import itertools
import selectors
import time


class EventLoop:
    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._timers, self._order = [], itertools.count()

    def watch(self, source, readable):
        """`readable` is called whenever there is something to read, or an end to see."""
        self._selector.register(source, selectors.EVENT_READ, readable)

    def leave(self, source):
        self._selector.unregister(source)

    def at(self, moment, then):
        """Of several at one moment: in the order in which they were asked for."""
        heapq.heappush(self._timers, (moment, next(self._order), then))

    def after(self, seconds, then):
        self.at(time.monotonic() + seconds, then)

    def every(self, seconds, then):
        def again():
            then()
            self.after(seconds, again)

        self.after(seconds, again)

    def step(self):
        """What is due, or the next thing that happens."""
        patience = max(0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for key, _ in self._selector.select(patience):
            key.data()
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()

    def run(self):
        while True:
            self.step()
