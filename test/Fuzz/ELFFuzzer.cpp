//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Feeds arbitrary bytes to the check that precedes the dynamic loader: it must
// not read outside of them.
//
//===----------------------------------------------------------------------===//

#include "ELF.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  (void)lowbit::checkSharedLibrary(data, size);
  return 0;
}
