#!/bin/bash
# Rehearses a command of this repository on a machine that has nothing but Debian 12's base system and its npm: a new tree made
# by debootstrap, a clean clone of the last commit in it, the host's network. Root on a Debian host with debootstrap.
#
#     scripts/rehearse-fresh-machine.sh [--keep] [COMMAND…]       default: npm test
#
# --keep leaves the tree for a look. STATION_REHEARSAL_DIR: where trees are kept (default /var/tmp/station-rehearsal); the base
# system is made once and copied. STATION_REHEARSAL_CLONE: where the clone lies inside (default /srv/signing-station).
# Prints times, what was installed, and ends with the command's own exit code.
set -euo pipefail

keep=no
if [ "${1:-}" = --keep ]; then keep=yes; shift; fi
if [ $# -eq 0 ]; then set -- npm test; fi
if [ "$(id -u)" != 0 ]; then echo 'rehearse: needs root, for debootstrap and mounts' >&2; exit 2; fi

repository=$(cd "$(dirname "$0")/.." && pwd)
store=${STATION_REHEARSAL_DIR:-/var/tmp/station-rehearsal}
place=${STATION_REHEARSAL_CLONE:-/srv/signing-station}
release=bookworm
mkdir -p "$store"

say() { printf 'rehearse: %s\n' "$*"; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }

# The host's own Debian sources for that release, so that a mirror or a proxy of the site is used here too.
sources=$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)' |
  awk -F'|' -v r="$release" '$1 == "Debian" && $3 ~ "^" r && $4 == "main" { print "deb", $2, $3, "main" }' | sort -u)
[ -n "$sources" ] || { say "this machine's apt has no source for Debian $release; add one and run apt-get update"; exit 2; }
mirror=$(awk -v r="$release" '$3 == r { print $2; exit }' <<<"$sources")

base=$store/base
if [ ! -e "$base/.complete" ]; then
  started=$(now)
  rm -rf "$base"
  debootstrap --variant=minbase --include=ca-certificates "$release" "$base" "$mirror" >"$store/debootstrap.log"
  printf '%s\n' "$sources" >"$base/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' >"$base/etc/apt/apt.conf.d/99site" || true
  touch "$base/.complete"
  say "base system made, $(since "$started")"
fi

tree=$(mktemp -d "$store/tree-XXXXXX")
chmod 755 "$tree"
dispose() { if [ "$keep" = yes ]; then say "the tree is kept: $tree"; else rm -rf --one-file-system "$tree"; fi; }
trap dispose EXIT
cp -a "$base/." "$tree"
cp --remove-destination -L /etc/resolv.conf "$tree/etc/resolv.conf"
cp -L /etc/hosts "$tree/etc/hosts"
# Certificates that the site has added to the system's, for its proxy.
if [ -d /usr/local/share/ca-certificates ]; then cp -a /usr/local/share/ca-certificates/. "$tree/usr/local/share/ca-certificates/"; fi
cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$(dirname "$tree$place")"
git clone -q --no-hardlinks "$repository" "$tree$place"
say "clean clone of $(git -C "$tree$place" rev-parse --short HEAD) at $place"

# npm's settings that concern the network; never a file that could hold a password.
settings=()
for name in registry cafile proxy https-proxy; do
  value=$(npm config get "$name" 2>/dev/null || true)
  case $value in '' | null | undefined) ;; *) settings+=("npm_config_${name//-/_}=$value") ;; esac
done
case "$(npm config get cafile 2>/dev/null)" in /*) settings+=("NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt") ;; esac

# Inside: a mount and pid namespace of its own. pivot_root, not chroot: the kernel gives no user namespace to a program in a
# chroot, and without one Chromium has no sandbox.
cat >"$tree/rehearse" <<'INSIDE'
#!/bin/bash
set -euo pipefail
place=$1; shift
say() { printf 'rehearse: %s\n' "$*"; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }
export DEBIAN_FRONTEND=noninteractive
started=$(now)
apt-get update -q >/dev/null
apt-get install -q -y --no-install-recommends npm >/dev/null
say "npm $(npm --version) and Node $(node --version) of Debian installed, $(since "$started")"
dpkg-query -W -f='${Package}\n' | sort >/before
cd "$place"
started=$(now)
code=0
"$@" </dev/null || code=$?
say "$* ended with $code, $(since "$started")"
dpkg-query -W -f='${Package}\n' | sort >/after
say "Debian packages that it installed: $(comm -13 /before /after | wc -l)"
left=$(ps -eo pid=,args= 2>/dev/null | awk -v me=$$ '$1 != me && $1 != 1 && $2 !~ /^(ps|awk)$/' | grep -v -e '/rehearse' || true)
if [ -n "$left" ]; then say "processes left behind:"; printf '%s\n' "$left"; fi
exit "$code"
INSIDE
chmod +x "$tree/rehearse"

export tree place
set +e
unshare --mount --pid --fork --kill-child --uts --ipc --propagation private bash -c '
  set -euo pipefail
  hostname fresh-machine
  mount --bind "$tree" "$tree"
  mount -t proc proc "$tree/proc"
  mount -t sysfs -o ro sysfs "$tree/sys"
  mount -t tmpfs -o mode=755 tmpfs "$tree/dev"
  mkdir "$tree/dev/pts" "$tree/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$tree/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$tree/dev/shm"
  for device in null zero full random urandom tty; do touch "$tree/dev/$device"; mount --bind "/dev/$device" "$tree/dev/$device"; done
  ln -s pts/ptmx "$tree/dev/ptmx"
  ln -s /proc/self/fd "$tree/dev/fd"
  ln -s fd/0 "$tree/dev/stdin"; ln -s fd/1 "$tree/dev/stdout"; ln -s fd/2 "$tree/dev/stderr"
  mkdir -p "$tree/.host"
  cd "$tree"
  pivot_root . .host
  umount -l /.host
  exec env -i "$@"
' rehearse HOME=/root LANG=C.UTF-8 TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  "${settings[@]}" /rehearse "$place" "$@"
code=$?
set -e
changed=$(git -C "$tree$place" status --porcelain)
if [ -n "$changed" ]; then say "changed in the clone:"; printf '%s\n' "$changed"; fi
exit "$code"
