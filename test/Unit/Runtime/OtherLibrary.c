//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A shared library that is no artifact.
//
//===----------------------------------------------------------------------===//

int someFunction(void);

int someFunction(void) { return 1; }
