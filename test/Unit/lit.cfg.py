# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
#
# Runs every gtest binary of the build: each is a file named *Tests in
# build/test/Unit.
#
# ===----------------------------------------------------------------------===#

import os

import lit.formats

config.name = "lowbit-unit"
config.test_exec_root = os.path.join(config.lowbit_obj_root, "test", "Unit")
config.test_source_root = config.test_exec_root
config.test_format = lit.formats.GoogleTest(".", "Tests")
# LLVM's allocators poison what they have not given out, which goes wrong where
# only half of the code is instrumented: ours, and not Debian's LLVM.
if config.sanitizer:
    config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"
for name in ("LOWBIT_CASES", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
