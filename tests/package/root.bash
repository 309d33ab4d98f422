# SPDX-License-Identifier: Apache-2.0
# A bare Debian 12 with our packages in it, booted with its own systemd. Sourced by check-install and check-shutdown,
# with $1: the directory of build-deb. Needs root.
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
me=$(basename "$0")
out=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$out/root-$me
base=$out/base.tar

fail() { echo "$me: $*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "needs root: it makes a root file system"

# A bare Debian with an init; kept from run to run for a week.
make_base() {
  "$here/../lib/bare-debian" "$base.new" systemd,systemd-sysv,dbus --skip=cleanup/apt/lists --format=tar
  mv "$base.new" "$base"
}

unpack_base() {
  exec 9> "$out/.base.lock"
  flock 9 # two at once: the second finds what the first has made
  find "$out" -maxdepth 1 -name base.tar -mtime +7 -delete
  [ -e "$base" ] || make_base
  exec 9>&-
  rm -rf "$root"
  mkdir -p "$root"
  tar -C "$root" -xf "$base"
}

in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive "$@"; }

mount_proc() { mount -t proc proc "$root/proc"; }
unmount_proc() { if mountpoint -q "$root/proc"; then umount "$root/proc"; fi; }
trap unmount_proc EXIT

install_packages() { # NAME...
  local name
  mkdir -p "$root/debs"
  for name in "$@"; do cp "$out"/debs/"$name"_*.deb "$root/debs/"; done
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  mount_proc
  local debs=("$root"/debs/*.deb)
  in_root apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${debs[@]#"$root"}"
  unmount_proc
}

# Boots the root; SCRIPT of this directory runs in it when all is up, and writes /result, which ends in "all is well".
boot() { # SCRIPT [OPTION OF SYSTEMD-NSPAWN...]
  local script=$1 log=$out/$me.log
  shift
  install -m 755 "$here/$script" "$root/$script"
  install -m 644 "$here/expect.bash" "$root/expect.bash"
  cat > "$root/etc/systemd/system/headgate-check.service" <<UNIT
[Unit]
After=multi-user.target headgated.service headgate-serial.service headgate-udp.service headgate-coap.service headgate-ble.service
[Service]
Type=oneshot
ExecStart=/$script
ExecStopPost=/bin/systemctl poweroff --no-block
TimeoutStartSec=180
UNIT
  mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
  ln -sf ../headgate-check.service "$root/etc/systemd/system/multi-user.target.wants/headgate-check.service"
  rm -f "$root/result"
  timeout 300 systemd-nspawn --directory="$root" --boot --register=no --keep-unit --quiet --link-journal=no \
    --console=pipe "$@" > "$log" 2>&1 < /dev/null || true
  rm -f "$root/etc/systemd/system/headgate-check.service" \
    "$root/etc/systemd/system/multi-user.target.wants/headgate-check.service"
  [ -e "$root/result" ] || { tail -n 40 "$log"; fail "the root did not boot, or not as far as the check"; }
  cat "$root/result"
  tail -n 1 "$root/result" | grep -qx 'all is well' || fail "not all is well in the booted root"
}
