# SPDX-License-Identifier: Apache-2.0
"""The program key_probe, asked line by line."""

import os
import pathlib
import select
import subprocess

BIN = pathlib.Path(os.environ["HEADGATE_BIN"])
SOURCE = pathlib.Path(os.environ["HEADGATE_SOURCE_DIR"])
VECTORS = SOURCE / "tests/vectors/mcuboot"
ANSWER_DEADLINE_S = 60


class KeyProbe:
    def __init__(self, directory, environment=None, **settings):
        """`directory` has the credentials, and gets the state. `opened`: what it said first."""
        self.state = directory / "state"
        self.state.mkdir(exist_ok=True)
        command = [BIN / "key_probe", self.state, *(f"{name}={value}" for name, value in settings.items())]
        full = {**os.environ, "CREDENTIALS_DIRECTORY": str(directory), **(environment or {})}
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)], env=full,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.opened = self._answer()

    @property
    def pid(self):
        return self._process.pid

    def ask(self, *words):
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_DEADLINE_S)
        assert ready, "key_probe does not answer"
        return self._process.stdout.readline().rstrip("\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(20)
        finally:
            self._process.kill()
            self._process.stdout.close()
