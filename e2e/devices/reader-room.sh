#!/bin/sh
# A room of its own for pcscd: private mounts, so that its socket in /run/pcscd is seen inside only, and a private network, so that
# the readers' ports are free and closed to everyone else. Arguments: reader configuration, node, agent, folder, ports...
set -eu
readers=$1
node=$2
shift 2

mount --make-rprivate /
# A new /run with everything of the old one but pcscd's folder.
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/old /mnt/new
mount --rbind /run /mnt/old
for entry in /mnt/old/*; do
  name=${entry##*/}
  [ "$name" != pcscd ] || continue
  if [ -L "$entry" ]; then cp -P "$entry" "/mnt/new/$name"
  elif [ -d "$entry" ]; then mkdir "/mnt/new/$name"; mount --rbind "$entry" "/mnt/new/$name" || true
  elif [ -e "$entry" ]; then : > "/mnt/new/$name"; mount --bind "$entry" "/mnt/new/$name" || true
  fi
done
mkdir -p /mnt/new/pcscd
mount --rbind /mnt/new /run
umount -l /mnt

ip link set lo up
# The driver writes a length and then the data. Without immediate acknowledgements each command costs 44 ms.
for destination in 127.0.0.0/8 127.0.0.1; do
  ip route replace local "$destination" dev lo table local proto kernel scope host src 127.0.0.1 quickack 1
done

options="--foreground --critical --config $readers"
# pcscd 2 asks polkit who may use a reader; in here there is none.
if pcscd --help 2>&1 | grep -q disable-polkit; then options="$options --disable-polkit"; fi
# shellcheck disable=SC2086
pcscd $options 3>&- &
exec "$node" --disable-warning=ExperimentalWarning "$@"
