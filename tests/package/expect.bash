# SPDX-License-Identifier: Apache-2.0
# What a script says that runs in a booted root, as root (root.bash). Sourced first; `conclude` comes last.
exec > /result 2>&1
set -u
wrong=0

expect() { # WHAT WANTED FOUND
  if [ "$2" = "$3" ]; then echo "ok: $1 ($3)"; else echo "WRONG: $1: '$3', not '$2'"; wrong=1; fi
}

expect_soon() { # WHAT WANTED COMMAND...
  local what=$1 wanted=$2
  shift 2
  for _ in $(seq 2000); do [ "$("$@")" != "$wanted" ] || break; done
  expect "$what" "$wanted" "$("$@")"
}

property() { systemctl show -P "$2" "$1"; }

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

conclude() {
  if [ "$wrong" = 0 ]; then echo "all is well"; else journalctl -b --no-pager -u 'headgate*' | tail -n 60; fi
}
