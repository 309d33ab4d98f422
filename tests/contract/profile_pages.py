# SPDX-License-Identifier: Apache-2.0
"""docs/profiles.md says of every key what the schema says, and the schema has every key that the plugins read.

    profile_pages.py            checks
    profile_pages.py --rows T   writes the rows of the table of transport T
"""

import os
import pathlib
import re
import sys
import tomllib

SOURCE = pathlib.Path(os.environ.get("HEADGATE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
PROFILES = SOURCE / "config/profiles"
PAGE = SOURCE / "docs/profiles.md"


def schema(transport):
    return tomllib.loads((PROFILES / f"schema/{transport}.toml").read_text())


def shown(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "none" if not value else ", ".join(value)
    return f'"{value}"' if isinstance(value, str) else str(value)


def values_of(rule):
    match rule["type"]:
        case "integer":
            beside = f'{rule["or"]}, or ' if "or" in rule else ""
            return f'{beside}{rule["least"]} to {rule["most"]} {rule.get("unit", "")}'.strip()
        case "boolean":
            return "true or false"
        case "text":
            if "choices" not in rule:
                return f'text of up to {rule["longest"]} bytes'
            return " or ".join(f'"{choice}"' for choice in rule["choices"])
    return f'list of at most 64 texts of up to {rule["longest"]} bytes'


def rows(transport):
    return [f'| `{key}` | {values_of(rule)} | {shown(rule["default"])} | {rule["meaning"]} |'
            for key, rule in schema(transport).items()]


def table_of_page(name):
    """The rows under the heading of that table."""
    _, _, after = PAGE.read_text().partition(f"## `[{name}]`")
    assert after, f"{PAGE}: no heading for [{name}]"
    section = after.split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def read_by_daemon():
    """Keys of [patience] as daemon/app/profile.cpp reads them."""
    code = (SOURCE / "daemon/app/profile.cpp").read_text()
    body = code[code.index("Duration read_stall"):code.index("read_restore")]
    return set(re.findall(r'"(\w+)"', body))


def protections_read_by_daemon():
    """Keys of [protection] as daemon/app/profile.cpp reads them."""
    code = (SOURCE / "daemon/app/profile.cpp").read_text()
    body = code[code.index("ProtectionPolicy read_protection"):code.index("bool fits_a_frame")]
    return set(re.findall(r'section\.(?:text|integer|boolean)\("(\w+)"', body))


def read_by(layer):
    """Keys that the plugins made of that layer read: smp, coap or ble."""
    code = (SOURCE / f"plugins/{layer}/profile.cpp").read_text()
    return set(re.findall(r'\bread\.\w+\(\s*"(\w+)"', code))


ONLY_SERIAL = {"framing", "raw_silence_ms", "line_gap_ms"}


def read_by_plugin(transport):
    """Keys that the plugin of that transport reads, or must at least know."""
    if transport == "coap":
        return read_by("coap")
    if transport == "serial":
        return read_by("smp")
    return (read_by("smp") - ONLY_SERIAL) | (read_by("ble") if transport == "ble" else set())


def complaints():
    for file in sorted((PROFILES / "schema").glob("*.toml")):
        transport = file.stem
        if table_of_page(transport) != rows(transport):
            yield f"{PAGE}: the rows of [{transport}] must be:\n" + "\n".join(rows(transport))
        missing = read_by_plugin(transport) - set(schema(transport))
        if missing:
            yield f"{file}: the plugin reads keys that it does not have: {sorted(missing)}"
    documented = {re.match(r"\| `(\w+)`", line).group(1) for line in table_of_page("patience")}
    if documented != read_by_daemon():
        yield f"{PAGE}: [patience] differs from daemon/app/profile.cpp in {sorted(documented ^ read_by_daemon())}"
    documented = {re.match(r"\| `(\w+)`", line).group(1) for line in table_of_page("protection")}
    if documented != protections_read_by_daemon():
        yield f"{PAGE}: [protection] has {sorted(documented)}, profile.cpp reads {sorted(protections_read_by_daemon())}"
    complete = tomllib.loads((PROFILES / "mcuboot-swap.toml").read_text())
    for transport, name in (("serial", "mcuboot-swap"), ("udp", "mcuboot-swap"), ("coap", "lwm2m"),
                            ("ble", "mcuboot-ble")):
        defaults = {key: rule["default"] for key, rule in schema(transport).items()}
        if tomllib.loads((PROFILES / f"{name}.toml").read_text())[transport] != defaults:
            yield f"{name}.toml: [{transport}] is not every key with its default"
    for transport in ("coap", "ble"):
        unread = set(schema(transport)) - read_by_plugin(transport)
        if unread:
            yield f"{transport}.toml: keys that the plugin does not read: {sorted(unread)}"
    if set(complete["patience"]) != read_by_daemon():
        yield "mcuboot-swap.toml: [patience] is not every key"
    if set(complete["protection"]) != protections_read_by_daemon():
        yield "mcuboot-swap.toml: [protection] is not every key"


def main():
    if sys.argv[1:2] == ["--rows"]:
        print("\n".join(rows(sys.argv[2])))
        return 0
    counts = len(read_by("smp")), len(read_by("coap")), len(read_by_daemon())
    assert min(counts) >= 9, "the sources are not written as this test reads them"
    found = list(complaints())
    print("\n".join(found) or "profiles, their schema and their page say the same")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
