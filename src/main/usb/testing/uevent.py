# Sends one message as udevd does (libudev's monitor format, group 2 of NETLINK_KOBJECT_UEVENT) in the network namespace it runs in.
# Arguments: ACTION PORT BUS ADDRESS VENDOR PRODUCT (the last two hex).
import socket
import struct
import sys


def murmur2(data: bytes) -> int:
    """libudev hashes subsystem and device type with MurmurHash2, seed 0; listeners filter by it."""
    m, h = 0x5BD1E995, len(data)
    i = 0
    while len(data) - i >= 4:
        k = struct.unpack_from("=I", data, i)[0] * m & 0xFFFFFFFF
        k = (k ^ (k >> 24)) * m & 0xFFFFFFFF
        h = (h * m & 0xFFFFFFFF) ^ k
        i += 4
    rest = data[i:]
    if rest:
        for n, byte in enumerate(rest):
            h ^= byte << (8 * n)
        h = h * m & 0xFFFFFFFF
    h = (h ^ (h >> 13)) * m & 0xFFFFFFFF
    return h ^ (h >> 15)


action, port, bus, address, vendor, product = sys.argv[1:]
fields = [
    f"ACTION={action}",
    f"DEVPATH=/bus/usb/devices/{port}",
    "SUBSYSTEM=usb",
    "DEVTYPE=usb_device",
    f"DEVNAME=/dev/bus/usb/{int(bus):03}/{int(address):03}",
    f"BUSNUM={int(bus):03}",
    f"DEVNUM={int(address):03}",
    f"PRODUCT={int(vendor, 16):x}/{int(product, 16):x}/240",
    "SEQNUM=1",
]
properties = b"".join(field.encode() + b"\0" for field in fields)
header = (
    b"libudev\0"
    + struct.pack(">I", 0xFEEDCAFE)
    + struct.pack("=III", 40, 40, len(properties))
    + struct.pack(">IIII", murmur2(b"usb"), murmur2(b"usb_device"), 0, 0)
)
sender = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
sender.sendto(header + properties, (0, 2))
