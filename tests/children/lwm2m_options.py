# SPDX-License-Identifier: Apache-2.0
"""The options of lwm2m_child: what it is, how it updates, and how it misbehaves. All of a group "what it does" may be
changed while it runs, by the command "set"."""

import argparse

ROWS = {
    "where it is": [
        ("--server", str, "127.0.0.1:5683", "HOST:PORT of the LwM2M server; DTLS with --psk-key or --certificate, but for coap://HOST:PORT"),
        ("--name", str, "child", "endpoint name; with --children: name0, name1 ..."),
        ("--first", int, 0, "number of the first of several children"),
        ("--children", int, 0, "how many in this process; 0: one, by its plain name"),
        ("--stagger", float, 0.0, "seconds between the first registrations of two children"),
        ("--state", str, "", "file that outlives a kill: version, State, and a partial download"),
        ("--local-port", int, 0, "UDP port to speak from; 0: any"),
        ("--psk-identity", str, "{name}", "{name} stands for the endpoint name"),
        ("--psk-key", str, "", "in hexadecimal"),
        ("--cipher", str, "PSK-AES128-CCM8", "OpenSSL's cipher list; for certificates: ECDHE-ECDSA-AES128-CCM8 and others"),
        ("--certificate", str, "", "PEM with the client certificate and its chain"),
        ("--private-key", str, "", "PEM"),
        ("--authorities", str, "", "PEM; then the server must have a certificate of one of them"),
        ("--seed", int, 0, "for chance; 0: another one each time"),
    ],
    "what it is": [
        ("--lwm2m", str, "1.1", "1.0, 1.1 or 1.2: of the registration"),
        ("--lifetime", int, 300, "seconds, lt"),
        ("--update-every", float, 0.0, "seconds; 0: half the lifetime"),
        ("--queue", bool, False, "queue mode: Q, or b=UQ in 1.0; sleeps after --awake"),
        ("--binding", str, "", "b; empty: not said, in 1.0 with --queue UQ"),
        ("--root", str, "", "alternate root path, as lwm2m"),
        ("--quoted-ver", bool, False, 'ver="1.1" and not ver=1.1'),
        ("--no-name", bool, False, "does not say ep (1.1, where the identity gives it)"),
        ("--links", str, "", "this object list and no other"),
        ("--object5", str, "1.1", "version of object 5: 1.0, 1.1, 1.2, or none"),
        ("--component", list, [], "NAME:VERSION; an instance of object 33629, repeatable"),
        ("--linked", list, [], "0=1,2: instances linked to one of 33629"),
        ("--conflicting", list, [], "1=0: instance 1 takes nothing while 0 is not Idle (Result 12)"),
        ("--version", str, "1.0.0", "that runs at first"),
        ("--package-version", bool, False, "has PkgName and PkgVersion"),
        ("--vendor-class", str, "", "of images that it takes; empty: any"),
        ("--any-image", str, "", "takes any bytes, and runs this version then"),
        ("--manufacturer", str, "Acme", ""),
        ("--model", str, "Child", ""),
        ("--formats", str, "", "that it can say, as 0,11542; empty: text, opaque, TLV, SenML-CBOR"),
    ],
    "what it does": [
        ("--ack-timeout", float, 2.0, "seconds, ACK_TIMEOUT"),
        ("--retransmissions", int, 4, "MAX_RETRANSMIT"),
        ("--handshake-s", float, 20.0, "seconds until a DTLS handshake is given up"),
        ("--retry", float, 1.0, "seconds until it opens a new session when one was lost"),
        ("--awake", float, 93.0, "seconds in queue mode after the last exchange"),
        ("--power", list, [1], "kinds of power source, /3/0/6: 0 DC, 1 internal battery ...; repeatable"),
        ("--battery", int, 80, "/3/0/9, percent; -1: not there"),
        ("--battery-status", int, 0, "/3/0/20; -1: not there"),
        ("--error", list, [0], "/3/0/11; repeatable"),
        ("--protocols", list, [0, 1], "/5/0/8; repeatable; -1: not there"),
        ("--delivery", int, 2, "/5/0/9: 0 pull, 1 push, 2 both"),
        ("--block", int, 0, "size asked for in a pull; 0: as the server likes"),
        ("--block-gap", float, 0.0, "seconds between two blocks of a pull"),
        ("--pull-delay", float, 0.0, "seconds from the URI to the first block"),
        ("--same-socket", bool, False, "pulls in its own session where the URI leads to the LwM2M server"),
        ("--etag", str, "check", "check: a changed or missing one ends the pull; ignore"),
        ("--etag-result", int, 4, "Result then"),
        ("--push-block", int, 0, "size told in 2.31"),
        ("--push-refuse-over", int, 0, "answers bigger blocks with 4.13 and this size"),
        ("--push-patience", float, 30.0, "seconds without a block until a push is broken"),
        ("--flash", int, 0, "bytes; a larger image: Result 2"),
        ("--ram", int, 0, "bytes; a larger image: Result 3"),
        ("--verdict", int, 0, "Result for every image, 2 to 13; 0: as the image deserves"),
        ("--refuse-older", bool, False, "Result 8 for a version below its own"),
        ("--install-s", float, 0.1, "seconds in State 3"),
        ("--reboot-s", float, 0.3, "seconds of silence"),
        ("--fail-result", int, 0, "Result instead of an installation, 2 to 13"),
        ("--fail-state", int, 2, "State after that: 2, or 0"),
        ("--auto-install", bool, False, "installs when downloaded (/5/0/14 of 1.2)"),
        ("--defer", float, 0.0, "seconds that an Update is put off (Result 11), at most the Maximum Defer Period"),
        ("--defer-anyhow", bool, False, "whatever the Maximum Defer Period is"),
    ],
    "how it misbehaves": [
        ("--result-only", bool, False, "State stays 0 in a download; a failure is seen in Result alone"),
        ("--quiet-state", bool, False, "State is not notified (Wakaama)"),
        ("--no-notify", bool, False, "nothing is notified"),
        ("--notify-non", bool, False, "by NON and not by CON"),
        ("--no-observe", bool, False, "answers Observe without the option"),
        ("--silent-after-push", bool, False, "after a broken push sends nothing until it hears something, or lt ends"),
        ("--refuse-execute", bool, False, "4.05 to Execute of Update"),
        ("--deaf-until-registered", bool, False, "drops requests that come before its 2.01 (Wakaama)"),
        ("--never-pull", bool, False, "takes a Package URI and never asks for it"),
        ("--uri-no-cancel", bool, False, "a Package URI in State 1 is answered and changes nothing"),
        ("--ignore-block-0-again", bool, False, "zephyr#70591"),
        ("--ignore-resent-block", bool, False, "wakaama#555"),
        ("--match-token", bool, False, "zephyr#57165: a token that changes ends a push"),
        ("--keep-version", bool, False, "/3/0/3 never changes (Anjay's demo)"),
        ("--forget-download", bool, False, "a reboot makes State 0 of State 2"),
        ("--revert", bool, False, "runs the old version after the reboot, Result 8"),
        ("--never-back", bool, False, "does not come back from the reboot of an installation"),
        ("--no-answer", bool, False, "hears and sends nothing, as if dead"),
    ],
}
FIXED = {name for group in ("where it is", "what it is") for name, *_ in ROWS[group]}


def parser():
    found = argparse.ArgumentParser(description=__doc__)
    for title, rows in ROWS.items():
        group = found.add_argument_group(title)
        for name, kind, default, what in rows:
            if kind is bool:
                group.add_argument(name, action="store_true", help=what)
            elif kind is list:
                each = int if default and isinstance(default[0], int) else str
                group.add_argument(name, action="append", type=each, default=None, help=what)
            else:
                group.add_argument(name, type=kind, default=default, help=f"{what} [{default}]")
    return found


def parse(words):
    given = parser().parse_args(words)
    for rows in ROWS.values():
        for name, kind, default, _ in rows:
            field = name[2:].replace("-", "_")
            if kind is list and getattr(given, field) is None:
                setattr(given, field, list(default))
    given.protocols = [each for each in given.protocols if each >= 0]
    return given


def change(given, values):
    """The command "set": {"battery": 15, "no_notify": true}"""
    changeable = {name[2:].replace("-", "_") for rows in ROWS.values() for name, *_ in rows if name not in FIXED}
    for field, value in values.items():
        if field not in changeable:
            raise ValueError(f"cannot be changed: {field}")
        setattr(given, field, value)
