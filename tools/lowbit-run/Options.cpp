//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line of lowbit-run, without LLVM's option library: the tool runs
// where there is no LLVM.
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "lowbit-c/Runtime.h"

#include <cstdio>
#include <cstdlib>
#include <getopt.h>

using namespace lowbit;

static constexpr char kHelp[] =
    R"(usage: lowbit-run MODEL.so [options]

Runs a compiled model on arrays in .npy files and prints its outputs' shapes.

  --entry NAME             which of the artifact's models to run; the default is
                           the first
  --input NAME=FILE.npy    an input; once for each
  --output-dir DIR         write each output to DIR/NAME.npy
  --expect NAME=FILE.npy   compare an output with an array; exit status 1 when
                           it differs
  --atol X, --rtol X       floats may differ by atol + rtol * |expected|; the
                           defaults are 1e-5 and 1e-4; NaN equals NaN, and
                           integers must be equal
  --repeat N               run N times more and print times and peak memory
  --threads N              threads of a run, 0 for every core; the default is 1
  --describe               print the signature, target and CPU features; no run
  --report                 print the compile report, as JSON; no run
  --help, --version

Exit status: 0, 1 for an error or a difference, 2 for a bad command line.
)";

[[noreturn]] static void failUsage(const std::string &message) {
  std::fprintf(stderr, "lowbit-run: error: %s (see --help)\n", message.c_str());
  std::exit(2);
}

/// Splits NAME=FILE at the last '=' that a file name can follow: names of ONNX
/// tensors may hold any character, file names rarely hold a '='.
static std::pair<std::string, std::string> parsePair(const char *option,
                                                     const std::string &text) {
  const size_t split = text.rfind('=');
  if (split == std::string::npos || split == 0 || split + 1 == text.size())
    failUsage(std::string("--") + option + " wants NAME=FILE.npy, got '" +
              text + "'");
  return {text.substr(0, split), text.substr(split + 1)};
}

static int32_t parseCount(const char *option, const char *text) {
  char *end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end || value < 0 || value > 1000000000)
    failUsage(std::string("--") + option + " wants a count, got '" + text +
              "'");
  return static_cast<int32_t>(value);
}

static double parseTolerance(const char *option, const char *text) {
  char *end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end || !(value >= 0))
    failUsage(std::string("--") + option + " wants a number, got '" + text +
              "'");
  return value;
}

Options lowbit::parseOptions(int argc, char **argv) {
  enum {
    kEntry = 1,
    kInput,
    kOutputDir,
    kExpect,
    kAtol,
    kRtol,
    kRepeat,
    kThreads,
    kDescribe,
    kReport,
    kHelpFlag,
    kVersion
  };
  static const option table[] = {
      {"entry", required_argument, nullptr, kEntry},
      {"input", required_argument, nullptr, kInput},
      {"output-dir", required_argument, nullptr, kOutputDir},
      {"expect", required_argument, nullptr, kExpect},
      {"atol", required_argument, nullptr, kAtol},
      {"rtol", required_argument, nullptr, kRtol},
      {"repeat", required_argument, nullptr, kRepeat},
      {"threads", required_argument, nullptr, kThreads},
      {"describe", no_argument, nullptr, kDescribe},
      {"report", no_argument, nullptr, kReport},
      {"help", no_argument, nullptr, kHelpFlag},
      {"version", no_argument, nullptr, kVersion},
      {nullptr, 0, nullptr, 0}};
  Options options;
  for (int code; (code = getopt_long(argc, argv, "", table, nullptr)) != -1;) {
    switch (code) {
    case kEntry:
      options.entry = optarg;
      break;
    case kInput:
      options.inputs.push_back(parsePair("input", optarg));
      break;
    case kOutputDir:
      options.outputDir = optarg;
      break;
    case kExpect:
      options.expected.push_back(parsePair("expect", optarg));
      break;
    case kAtol:
      options.atol = parseTolerance("atol", optarg);
      break;
    case kRtol:
      options.rtol = parseTolerance("rtol", optarg);
      break;
    case kRepeat:
      options.repeat = parseCount("repeat", optarg);
      break;
    case kThreads:
      options.threads = parseCount("threads", optarg);
      break;
    case kDescribe:
      options.describe = true;
      break;
    case kReport:
      options.report = true;
      break;
    case kHelpFlag:
      std::fputs(kHelp, stdout);
      std::exit(0);
    case kVersion:
      std::printf("lowbit-run %s\n", lowbitRuntimeGetVersion());
      std::exit(0);
    default:
      std::exit(2); // getopt_long has complained
    }
  }
  if (optind == argc)
    failUsage("no model given");
  if (optind + 1 < argc)
    failUsage(std::string("one model at a time; unexpected '") +
              argv[optind + 1] + "'");
  options.model = argv[optind];
  return options;
}
