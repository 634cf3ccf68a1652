"""Freed memory is used again without asking the system."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from okapi_kedro.training.freed_memory import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
torch.ones(4_000_000), torch.ones(4_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    torch.ones(4_000_000), torch.ones(4_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(memory: str) -> int:
    run = subprocess.run([sys.executable, "-c", PROGRAM, memory], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory")
def test_tensors_of_the_next_step_take_the_memory_of_the_last():
    assert page_faults("kept") < page_faults("given back") / 5
