# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a compiler does not know: which way includes may point, and how sources are written.

violations(root) names each breach as "path:line: what is wrong", so that an editor can jump to it. tests/rules/run.py
checks the tree with it; tests/rules/test_house_rules.py proves that each rule can fail.
"""

import os
import re

# What each layer may include beside itself. Dependencies point one way (docs/architecture.md).
MAY_INCLUDE = {
    "base": set(),
    "bus": {"base"},
    "core": {"base"},
    "cose": {"base"},
    "suit": {"cose", "base"},
    "trust": {"cose", "base"},
    "images": {"base"},
    "wire": {"base"},
    "ports": {"core", "base"},
    "service": {"ports", "core", "suit", "trust", "cose", "images", "base"},
    "adapters": {"ports", "core", "base"},  # files that several adapters share
    "adapters/cloud": {"ports", "core", "base"},
    "adapters/crypto": {"ports", "core", "base", "cose", "images"},
    "adapters/dbus": {"ports", "core", "base", "bus", "adapters/crypto"},
    "adapters/inspection": {"ports", "core", "base", "images", "adapters/crypto"},
    "adapters/storage": {"ports", "core", "base", "adapters/crypto"},
    "adapters/system": {"ports", "core", "base"},
    "adapters/transport": {"ports", "core", "base", "wire"},
    "ctl": {"base"},
    "pack": {"base", "cose", "suit", "trust", "images", "adapters/crypto"},
    "app": {"base", "core", "cose", "suit", "trust", "images", "wire", "bus", "ports", "service", "adapters/*"},
    "plugins/sdk": {"wire", "base"},
    "plugins/smp": {"plugins/sdk", "wire", "base"},
    "plugins/ble": {"plugins/sdk", "plugins/smp", "wire", "bus", "base"},
    "plugins/*": {"plugins/sdk", "plugins/smp", "wire", "base"},
}

# core is pure: no I/O, clock, chance, threads, and no order that hangs on a hash.
IMPURE_HEADERS = re.compile(
    r"boost/asio|boost/process|openssl/|sqlite3|curl/|systemd/|unistd\.h|sys/|fcntl\.h|iostream|fstream|filesystem|"
    r"random|thread|mutex|future|condition_variable|unordered_map|unordered_set|ctime|time\.h"
)
IMPURE_WORDS = re.compile(r"\b(?:system_clock|steady_clock|high_resolution_clock)::now\b|\bco_await\b|\brand\(|\bgetenv\(")

SLEEPS = re.compile(
    r"\bthis_thread::sleep_(?:for|until)\b|\b(?:u|nano)sleep\s*\(|\btime\.sleep\s*\(|^\s*(?:[;&|]\s*)?sleep\s+[\d.$]"
)
# Where sleeping is the point: path -> why.
SLEEPS_ALLOWED = {
    "tests/rules/test_house_rules.py": "shows the rule its prey",
    "tests/adapters/servers/https.py": "a server that is slow or silent is what it is there for",
}

LONGEST_FILE = 500
LONGEST_TEST = 700  # tables are long
SOURCE_ENDINGS = (".cpp", ".hpp", ".py", ".cmake", ".sh", ".service", ".conf")
SKIPPED_DIRECTORIES = {"build", ".git", "__pycache__", "vectors", "seeds", ".cache"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Source:
    """One file: its text, and for C++ the text without comments and literals (same length, same lines)."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            self.text = file.read()
        self.lines = self.text.splitlines()
        self.is_cpp = path.endswith((".cpp", ".hpp"))
        self.code = without_comments_and_literals(self.text) if self.is_cpp else self.text

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


def without_comments_and_literals(text):
    """C++ with the contents of comments, strings and characters blanked out, newlines kept."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^()\s\\]{0,16})\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"'
        r"|(?<![0-9A-Fa-f])'(?:[^'\\\n]|\\.)+'",
        re.DOTALL,
    )
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def source_paths(root):
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in SKIPPED_DIRECTORIES)
        for name in sorted(files):
            path = os.path.relpath(os.path.join(directory, name), root)
            if name.endswith(SOURCE_ENDINGS) or name == "CMakeLists.txt" or is_script(os.path.join(root, path)):
                yield path


def is_script(path):
    if "." in os.path.basename(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def layer_of(path):
    """The layer that a source belongs to; None for what is no part of the product (tests)."""
    parts = path.split("/")
    if parts[0] == "daemon" and len(parts) > 1:
        if len(parts) == 2:
            return "app"
        return f"adapters/{parts[2]}" if parts[1] == "adapters" and len(parts) > 3 else parts[1]
    if parts[0] == "plugins" and len(parts) > 2:
        return f"plugins/{parts[1]}"
    return None


def allowed_from(layer):
    if layer in MAY_INCLUDE:
        return MAY_INCLUDE[layer]
    if layer.startswith("plugins/"):
        return MAY_INCLUDE["plugins/*"]
    return None


def includes(source, product_paths):
    """(line, path) of each include of a file of the product, however it is spelled."""
    for number, line in enumerate(source.lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        beside = os.path.normpath(os.path.join(os.path.dirname(source.path), found.group(2)))
        for candidate in (beside, f"daemon/{found.group(2)}", f"plugins/{found.group(2)}"):
            if candidate in product_paths:
                yield number, candidate
                break


def direction_violations(sources):
    for source in sources.values():
        layer = layer_of(source.path)
        allowed = allowed_from(layer)
        if allowed is None:
            yield f"{source.path}:1: the layer '{layer}' is not known to tests/rules/house_rules.py"
            continue
        for number, target in includes(source, sources):
            other = layer_of(target)
            shared = other == "adapters" and layer.startswith("adapters/")
            wired = other.startswith("adapters") and "adapters/*" in allowed
            if other != layer and other not in allowed and not shared and not wired:
                yield f"{source.path}:{number}: {layer} must not include {other} ({target})"


def circle_violations(sources):
    """Each circle of includes once, by the file of it that comes first."""
    edges = {path: [target for _, target in includes(source, sources)] for path, source in sources.items()}
    done, on_path, reported = set(), [], set()

    def visit(path):
        on_path.append(path)
        for target in edges[path]:
            if target in on_path:
                circle = on_path[on_path.index(target):]
                first = circle.index(min(circle))
                circle = tuple(circle[first:] + circle[:first])
                if circle not in reported:
                    reported.add(circle)
                    yield f"{circle[0]}:1: a circle of includes: {' -> '.join(circle + circle[:1])}"
            elif target not in done:
                yield from visit(target)
        on_path.pop()
        done.add(path)

    for path in sorted(edges):
        if path not in done:
            yield from visit(path)


def purity_violations(sources):
    for source in sources.values():
        if layer_of(source.path) != "core":
            continue
        for number, line in enumerate(source.lines, 1):
            found = INCLUDE.match(line)
            if found and found.group(1) == "<" and IMPURE_HEADERS.match(found.group(2)):
                yield f"{source.path}:{number}: core is pure and must not include <{found.group(2)}>"
        for number, line in enumerate(source.code.splitlines(), 1):
            found = IMPURE_WORDS.search(line)
            if found:
                yield f"{source.path}:{number}: core is pure: no {found.group().strip('(')}"


def awaited_lambda_violations(source):
    """g++ 12 miscompiles a capturing lambda inside a co_await expression: name it first, or call a function."""
    for found in re.finditer(r"\bco_await\b", source.code):
        end = end_of_expression(source.code, found.end())
        expression = source.code[found.end():end]
        for bracket in re.finditer(r"\[", expression):
            before = expression[: bracket.start()].rstrip()[-1:]
            attribute = expression[bracket.start():].startswith("[[") or expression[: bracket.start()].endswith("[")
            if not attribute and not re.match(r"[\w\])]", before):
                line = source.line_of(found.end() + bracket.start())
                yield f"{source.path}:{line}: a lambda inside a co_await expression (g++ 12 miscompiles it): name it first"
                break


def awaited_condition_violations(source):
    """g++ 12 resumes `if (co_await f())` in the wrong place when the coroutine has no local: name the value first."""
    for found in re.finditer(r"\b(?:if|while)\s*\(\s*!?\s*\(?\s*co_await\b", source.code):
        line = source.line_of(found.start())
        yield f"{source.path}:{line}: a co_await as the condition (g++ 12 miscompiles it): name its value first"


def end_of_expression(code, start):
    depth = 0
    for offset in range(start, len(code)):
        character = code[offset]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                return offset
        elif character == ";" and depth == 0:
            return offset
    return len(code)


def writing_violations(source):
    """What holds for each source by itself."""
    head = source.lines[:3]
    if source.text and not any("SPDX-License-Identifier: Apache-2.0" in line for line in head):
        yield f"{source.path}:1: the SPDX line is missing"
    longest = LONGEST_TEST if source.path.startswith("tests/") else LONGEST_FILE
    if source.path.endswith((".cpp", ".hpp", ".py")) and len(source.lines) > longest:
        yield f"{source.path}:{longest + 1}: {len(source.lines)} lines; more than {longest} hold more than one concept"
    if source.is_cpp:
        yield from cpp_violations(source)
    if source.path.startswith("tests/") and source.path not in SLEEPS_ALLOWED:
        code = source.code if source.is_cpp else source.text
        for number, line in enumerate(code.splitlines(), 1):
            if SLEEPS.search(line) and not line.lstrip().startswith("#"):
                yield f"{source.path}:{number}: a test waits for an event, it does not sleep"


def cpp_violations(source):
    for number, line in enumerate(source.code.splitlines(), 1):
        strange = next((character for character in line if ord(character) > 127), None)
        if strange:
            yield f"{source.path}:{number}: '{strange}' outside comments and literals"
    if layer_of(source.path) not in (None, "base"):
        for number, line in enumerate(source.code.splitlines(), 1):
            if re.match(r"\s*#\s*(?:if|ifdef|ifndef|elif)\b", line):
                yield f"{source.path}:{number}: conditional compilation outside base/: choose an object at run time"
    yield from awaited_lambda_violations(source)
    yield from awaited_condition_violations(source)


def violations(root):
    sources = [Source(root, path) for path in source_paths(root)]
    product = {source.path: source for source in sources if source.is_cpp and layer_of(source.path)}
    found = []
    found += direction_violations(product)
    found += circle_violations(product)
    found += purity_violations(product)
    for source in sources:
        found += writing_violations(source)
    return found
