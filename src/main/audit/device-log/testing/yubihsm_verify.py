"""Asks libyubihsm, the maker's own library, whether entries of a YubiHSM's log are a chain.

Logs on standard input, an empty line between two: one entry of 64 hex digits a line, oldest first. Prints "chained" or "not chained" for
each; exits 77 where the library is not installed (Debian: libyubihsm2).
"""

import ctypes
import sys


class LogEntry(ctypes.LittleEndianStructure if sys.byteorder == "little" else ctypes.BigEndianStructure):
    """yh_log_entry of lib/yubihsm.h, which the library wants in the byte order of the machine."""

    _pack_ = 1
    _fields_ = [
        ("number", ctypes.c_uint16),
        ("command", ctypes.c_uint8),
        ("length", ctypes.c_uint16),
        ("session_key", ctypes.c_uint16),
        ("target_key", ctypes.c_uint16),
        ("second_key", ctypes.c_uint16),
        ("result", ctypes.c_uint8),
        ("systick", ctypes.c_uint32),
        ("digest", ctypes.c_uint8 * 16),
    ]


def entry(raw: bytes) -> LogEntry:
    made, at = LogEntry(), 0
    for name, kind in LogEntry._fields_:
        part = raw[at : at + ctypes.sizeof(kind)]
        at += ctypes.sizeof(kind)
        setattr(made, name, (ctypes.c_uint8 * 16)(*part) if name == "digest" else int.from_bytes(part, "big"))
    return made


def main() -> int:
    try:
        library = ctypes.CDLL("libyubihsm.so.2")
    except OSError:
        return 77
    library.yh_verify_logs.restype = ctypes.c_bool
    library.yh_verify_logs.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    for log in sys.stdin.read().split("\n\n"):
        entries = [entry(bytes.fromhex(line)) for line in log.split()]
        whole = library.yh_verify_logs((LogEntry * len(entries))(*entries), len(entries), None)
        print("chained" if whole else "not chained")
    return 0


sys.exit(main())
