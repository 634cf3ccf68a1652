"""Freed memory stays with the process."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from pathlib import Path
import torch
from okapi_kedro.training.freed_memory import keep_freed_memory

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

if sys.argv[1] == "kept":
    keep_freed_memory()
before = held()
[torch.ones(4_000_000) for _ in range(6)]
print(held() - before)
"""
TENSORS = 6 * 16_000_000


def held_after_six_tensors(memory: str) -> int:
    run = subprocess.run([sys.executable, "-c", PROGRAM, memory], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory")
def test_the_memory_of_tensors_stays_for_the_next_step() -> None:
    assert held_after_six_tensors("kept") > 0.9 * TENSORS
    assert held_after_six_tensors("given back") < 0.2 * TENSORS
