//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line of lowbit-run.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TOOLS_LOWBIT_RUN_OPTIONS_H
#define LOWBIT_TOOLS_LOWBIT_RUN_OPTIONS_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lowbit {

struct Options {
  std::string model;
  /// Empty: the default one, all where they are described.
  std::string entry;
  /// Pairs of a tensor's name and a file.
  std::vector<std::pair<std::string, std::string>> inputs, expected;
  std::string outputDir;
  double atol = 1e-5;
  double rtol = 1e-4;
  int32_t repeat = 0;
  int32_t threads = 1;
  bool describe = false;
  bool report = false;
};

/// Reads the command line; prints help, the version or a complaint and exits
/// where there is nothing else to do.
Options parseOptions(int argc, char **argv);

} // namespace lowbit

#endif // LOWBIT_TOOLS_LOWBIT_RUN_OPTIONS_H
