"""What the killed process of a test does."""

import ctypes
import os
import threading
import time

from shared.errors import Conflict, Invalid


def add(one: int, other: int) -> int:
    return one + other


def refuse() -> None:
    raise Conflict("Eso ya está.")


def refuse_field() -> None:
    raise Invalid.field("html", "No es HTML.")


def fail(secret: str) -> None:
    raise KeyError(secret)


def sleep() -> None:
    time.sleep(60)


def spin() -> None:
    while True:
        pass


def eat() -> None:
    parts = []
    while True:
        parts.append(bytearray(50 << 20))


def take(megabytes: int) -> int:
    return len(bytearray(megabytes << 20)) >> 20


def fall() -> None:
    ctypes.string_at(0)


def recurse() -> None:
    recurse()


def leave() -> None:
    os._exit(3)


def tell_id() -> int:
    return os.getpid()


def go_afterwards() -> None:
    threading.Timer(0.05, os._exit, (0,)).start()
