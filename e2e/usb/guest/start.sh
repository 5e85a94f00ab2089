#!/bin/sh
# Process 1 of the guest: what a system's start would have done, the scenario, and the end. Argument: the folder of the project.
station=$1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mkdir -p /dev/pts /dev/shm /out /srv/station
mount -t devpts devpts /dev/pts
for folder in /dev/shm /run /tmp; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
chmod 755 /run
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none out /out
# Below a folder that is open to everybody: the project's own may lie in somebody's home.
mount --bind "$station" /srv/station
ip link set lo up
/lib/systemd/systemd-udevd --daemon
udevadm trigger --type=subsystems --action=add
udevadm trigger --type=devices --action=add
udevadm settle
cd /srv/station || exit 1
cp -r /out/program /srv/guest
timeout -k 5 "$(cat /out/seconds)" node_modules/.bin/node /srv/guest/main.js > /out/scenario.log 2>&1
code=$?
dmesg > /out/kernel.log
echo $code > /out/code
sync
echo o > /proc/sysrq-trigger
# Process 1 never ends.
while :; do sleep 60; done
