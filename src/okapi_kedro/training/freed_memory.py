"""Keeps the memory that a training step frees for the next one."""

import ctypes
import platform

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 1 << 25
_KEPT = 1 << 30


def keep_freed_memory() -> None:
    """Lets the C library hold up to 1 GiB of freed memory, where by default it gives tensors back one by one.

    Every step frees and allocates the same activations; having the system zero their pages anew takes an eighth of
    the time of the embedded models' reinforcement learning. Only glibc can be told so; others are left as they are.

    Raises:
        OSError: when the C library refuses.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    for option, value in ((_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD), (_TRIM_THRESHOLD, _KEPT)):
        if not libc.mallopt(option, value):
            raise OSError(f"mallopt({option}, {value}) was refused")
