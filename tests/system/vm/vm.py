# SPDX-License-Identifier: Apache-2.0
"""Boots the image of build-image in an emulated machine and runs commands in it.

    with VirtualMachine(image, directory, share) as machine:
        machine.check("systemctl is-system-running")
        machine.cut_power()
        machine.start()          # the same disk, as the power cut left it

There is no network: commands go over a virtio port, `share` (a directory of the host) is /share in the machine, and
each of `ports` (name: path of a Unix socket that QEMU makes) is /dev/virtio-ports/NAME. QEMU emulates the processor,
so that no /dev/kvm is needed; it ends with the process that started it."""

import json
import os
import shutil
import socket
import subprocess
import time

QEMU = "qemu-system-x86_64"
BOOT_DEADLINE_S = 180
COMMAND_DEADLINE_S = 120


class MachineFailed(AssertionError):
    pass


class VirtualMachine:
    def __init__(self, image, directory, share, ports=None, memory_mib=1024, processors=2):
        self._image = image
        self._share = share
        self._ports = ports or {}
        self._size = ["-m", str(memory_mib), "-smp", str(processors)]
        self._disk = directory / "disk.qcow2"
        self._console = directory / "console.log"
        self._qemu = None
        self._line = None
        self._unread = b""
        self._asked = 0
        if not shutil.which(QEMU):
            raise MachineFailed(f"there is no {QEMU}: tests/install-packages system")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image / "rootfs.ext4",
                        self._disk], check=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.cut_power()

    def start(self):
        """Returns when the machine has booted."""
        self._line, theirs = socket.socketpair()
        with theirs:
            # setpriv: the kernel ends qemu when this process dies, however that comes about.
            self._qemu = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *self._command(theirs.fileno())],
                                          stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        self._unread = b""
        try:
            self._receive(time.monotonic() + BOOT_DEADLINE_S)
            self.check("mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share /share")
        except MachineFailed as failed:
            self.cut_power()
            raise MachineFailed(f"the machine does not boot: {failed}; its console:\n{self.console()}") from None

    def _command(self, port):
        command = [QEMU, "-M", "q35,usb=off,sata=off,smbus=off,vmport=off", "-accel", "tcg,thread=multi,tb-size=256",
                "-cpu", "Nehalem", *self._size, "-display", "none", "-vga", "none", "-nodefaults", "-nic", "none",
                "-no-reboot", "-serial", f"file:{self._console}", "-kernel", str(self._image / "vmlinux"),
                "-initrd", str(self._image / "initrd.img"), "-append", "console=ttyS0 quiet loglevel=4 panic=-1 "
                "mitigations=off no_timer_check systemd.show_status=0",
                "-drive", f"file={self._disk},if=none,id=disk,format=qcow2", "-device", "virtio-blk-pci,drive=disk",
                "-device", "virtio-rng-pci", "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,fd={port}",
                "-device", "virtserialport,chardev=agent,name=agent",
                "-virtfs", f"local,path={self._share},mount_tag=share,security_model=none,multidevs=remap"]
        for name, path in self._ports.items():
            command += ["-chardev", f"socket,id={name},path={path},server=on,wait=off",
                        "-device", f"virtserialport,chardev={name},name={name}"]
        return command

    def run(self, command, deadline_s=COMMAND_DEADLINE_S):
        """(exit status, what it printed) of a command for bash; 124: it was ended because it took too long."""
        self._asked += 1
        asked = {"id": self._asked, "command": command, "deadline_s": deadline_s}
        self._line.sendall(json.dumps(asked).encode() + b"\n")
        printed = []
        while True:
            answer = self._receive(time.monotonic() + deadline_s + 15)
            if "exit" in answer:
                return answer["exit"], "".join(printed)
            printed.append(answer["text"])

    def check(self, command, deadline_s=COMMAND_DEADLINE_S):
        """What the command printed; failing is the test's failure."""
        status, printed = self.run(command, deadline_s)
        if status:
            raise MachineFailed(f"exit {status}: {command}\n{printed}")
        return printed.strip()

    def _receive(self, end):
        while b"\n" not in self._unread:
            self._line.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self._line.recv(65536)
            except (TimeoutError, ConnectionError) as silence:
                raise MachineFailed(f"no answer: {silence}") from None
            if not data:
                raise MachineFailed("the machine ended")
            self._unread += data
        line, self._unread = self._unread.split(b"\n", 1)
        return json.loads(line)

    def cut_power(self):
        """As if the plug were pulled: what was not flushed to the disk is gone."""
        if self._qemu:
            self._qemu.kill()
            self._qemu.wait()
            self._line.close()
            self._qemu = None

    def console(self):
        return self._console.read_text(errors="replace")[-3000:] if os.path.exists(self._console) else ""
