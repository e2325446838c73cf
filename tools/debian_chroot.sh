# shellcheck shell=bash
#
# To be sourced by scripts that check the library within a Debian of its own (a chroot). They set `suite`, its name;
# `work`, the folder where Debians are kept; `root`, the folder of this one; and `mirror`.

fail() { echo "$*" >&2; exit 2; }

make_debian() {
  [ -e "$root/made" ] && return
  command -v debootstrap > /dev/null || fail "Please install debootstrap."
  echo "== making a Debian $suite in $root"
  # A debootstrap that is older than the release makes it as it makes sid.
  local script=/usr/share/debootstrap/scripts/$suite
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  debootstrap --variant=minbase "$suite" "$root" "$mirror" "$script" > "$work/debootstrap.log" 2>&1 || {
    tail "$work/debootstrap.log"
    fail "debootstrap could not make a Debian $suite."
  }
  # A mirror may lag behind: what it has of testing is valid for a week only.
  echo 'Acquire::Check-Valid-Until "false";' > "$root/etc/apt/apt.conf.d/99-lagging-mirror"
  touch "$root/made"
}

# The files of the work tree, with changes that are not committed.
copy_sources() {
  rm -rf "$root/source"
  mkdir "$root/source"
  (cd "$(dirname "$0")/.." && git ls-files -z -co --exclude-standard |
    tar --null --ignore-failed-read -cf - -T - 2> /dev/null) | tar -xf - -C "$root/source"
}

# Runs a command in the chroot. Its mounts vanish with it.
in_debian() {
  # shellcheck disable=SC2016
  unshare --mount -- sh -ec 'root=$1; shift; mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"; exec chroot "$root" "$@"' sh "$root" "$@"
}
