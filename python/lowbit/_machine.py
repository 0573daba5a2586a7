# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
import re
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

#: Names in /proc/cpuinfo of the instructions that kernels are chosen by.
_FEATURES = re.compile(r"avx|fma|ssse3|sse4|popcnt|amx|gfni")


def describe_machine() -> dict[str, Any]:
    """The CPU, its vector features, cores, system and today's date; what /proc does not tell
    is empty."""
    fields: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    flags = fields.get("flags", "").split()
    return {
        "cpu": fields.get("model name", ""),
        "family": fields.get("cpu family", ""),
        "model": fields.get("model", ""),
        "features": sorted(flag for flag in flags if _FEATURES.search(flag)),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "date": time.strftime("%Y-%m-%d"),
    }


def installed_versions(*packages: str) -> dict[str, str]:
    """The versions of those of the packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
