# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
#
# The lit configuration: finds the tools of this build and of LLVM, names what
# the machine offers as features, and adds the round-trip mode.
#
# `lit build/test/Dialect` and `lit test/Dialect/Lowbit/IR/ops.mlir` both work;
# the second looks for the build in $LOWBIT_BUILD_DIR, else in ./build.
#
# Environment:
#   LOWBIT_TEST_ROUND_TRIP=1  every lowbit-opt also prints its input and parses it
#                             again, as text and as bytecode, and compares
#   LOWBIT_CASES=DIR          a folder of reference models; enables the tests
#                             that say "REQUIRES: cases"
#
# ===----------------------------------------------------------------------===#

import os
import platform
import re
import subprocess

import lit.formats

if not hasattr(config, "lowbit_obj_root"):
    # Called on the source tree: the build's configuration loads this file again.
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    build = os.environ.get("LOWBIT_BUILD_DIR", os.path.join(root, "build"))
    site = os.path.join(build, "test", "lit.site.cfg.py")
    if not os.path.exists(site):
        lit_config.fatal(f"no {site}: configure the build, or set LOWBIT_BUILD_DIR")
    lit_config.load_config(config, site)
    raise SystemExit

config.name = "lowbit"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".c"]
config.excludes = ["Emulation", "Inputs", "Unit", "python"]
config.test_source_root = os.path.dirname(os.path.abspath(__file__))
config.test_exec_root = os.path.join(config.lowbit_obj_root, "test")

bin_dir = os.path.join(config.lowbit_obj_root, "bin")
unit_dir = os.path.join(config.test_exec_root, "Unit")
lib_dir = os.path.join(config.lowbit_obj_root, "lib")
config.environment["PATH"] = os.pathsep.join(
    [bin_dir, config.llvm_tools_dir, os.environ.get("PATH", "")]
)
config.environment["PYTHONPATH"] = os.pathsep.join(
    filter(None, [os.path.join(config.lowbit_obj_root, "python"), os.environ.get("PYTHONPATH")])
)
# LLVM's allocators poison what they have not given out, which goes wrong where
# only half of the code is instrumented: ours, and not Debian's LLVM.
if config.sanitizer:
    config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"
for name in ("LOWBIT_CASES", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

round_trip = os.environ.get("LOWBIT_TEST_ROUND_TRIP", "0") not in ("", "0")


def add_tool(name, directory, extra=""):
    """Replaces the word `name` in RUN lines by the tool's path and `extra`."""
    word = r"(?<![-/.\w%])" + re.escape(name) + r"(?![-/.\w=])"
    path = os.path.join(directory, name)
    config.substitutions.append((word, f"{path} {extra}".strip()))


add_tool("lowbit-opt", bin_dir, "--verify-roundtrip" if round_trip else "")
for tool in ("translate", "compile", "run", "lsp-server", "capi-dialect", "capi-compile"):
    add_tool("lowbit-" + tool, bin_dir)
for tool in (
    "FileCheck",
    "not",
    "split-file",
    "mlir-opt",
    "mlir-runner",
    "mlir-translate",
    "llvm-readelf",
    "llvm-nm",
):
    add_tool(tool, config.llvm_tools_dir)

# C programs that link a sanitized library carry the sanitizers' runtime.
sanitize = [f"-fsanitize={name.lower()}" for name in config.sanitizer.split(";") if name]
config.substitutions += [
    ("%python", config.python),
    ("%shlibext", ".so"),
    ("%lowbit_libs", lib_dir),
    ("%test_artifact", os.path.join(unit_dir, "Runtime", "libLowbitTestArtifact.so")),
    ("%lowbit_src", os.path.dirname(config.test_source_root)),
    ("%lowbit_include", os.path.join(os.path.dirname(config.test_source_root), "include")),
    ("%mlir_libs", os.path.join(os.path.dirname(config.llvm_tools_dir), "lib")),
    ("%host_cc", " ".join([config.host_cc, *sanitize])),
    ("%cases", os.environ.get("LOWBIT_CASES", "LOWBIT_CASES-is-not-set")),
]

# Features: the machine (x86_64), what the CPU can do as /proc/cpuinfo spells it
# but without underscores (cpu-avx512vpopcntdq), Python packages (python-onnx).
config.available_features.add(platform.machine())
if round_trip:
    config.available_features.add("round-trip")
if config.sanitizer:
    config.available_features.add("sanitizer")
if os.path.isdir(os.environ.get("LOWBIT_CASES", "")):
    config.available_features.add("cases")
if os.path.exists("/proc/cpuinfo"):
    with open("/proc/cpuinfo") as cpuinfo:
        flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read(), re.M)
    for flag in flags.group(1).split() if flags else ():
        config.available_features.add("cpu-" + flag.replace("_", ""))
probe = "import importlib.util as u; print(*[p for p in ('numpy', 'onnx', 'onnxruntime') if u.find_spec(p)])"
found = subprocess.run([config.python, "-c", probe], capture_output=True, text=True)
for package in found.stdout.split():
    config.available_features.add("python-" + package)
