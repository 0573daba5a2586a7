//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs a compiled model on arrays in .npy files: writes its outputs, compares
// them with expected ones, measures. Needs the runtime alone.
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include "Describe.h"
#include "Npy.h"
#include "Options.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <stdexcept>

using namespace lowbit;

namespace {

struct Destroy {
  void operator()(LowbitModel *model) const { lowbitModelDestroy(model); }
  void operator()(LowbitResult *result) const { lowbitResultDestroy(result); }
};
using ModelPtr = std::unique_ptr<LowbitModel, Destroy>;
using ResultPtr = std::unique_ptr<LowbitResult, Destroy>;

} // namespace

static void check(LowbitError *error) {
  if (!error)
    return;
  std::string message = lowbitErrorGetMessage(error);
  lowbitErrorDestroy(error);
  throw std::runtime_error(message);
}

static ResultPtr runOnce(LowbitEntry *entry,
                         const std::vector<LowbitTensor> &inputs) {
  LowbitResult *result = nullptr;
  check(lowbitEntryRun(entry, inputs.data(),
                       static_cast<int32_t>(inputs.size()), nullptr, nullptr,
                       &result));
  return ResultPtr(result);
}

/// The most memory that was resident, in MiB. Not what getrusage tells: that
/// counts the process that started this one too.
static double getPeakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, 6, "VmHWM:") == 0)
      return std::stod(line.substr(6)) / 1024;
  return 0;
}

static void measure(LowbitEntry *entry, const std::vector<LowbitTensor> &inputs,
                    int32_t repeat, int32_t threads) {
  std::vector<double> times;
  for (int32_t i = 0; i < repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    runOnce(entry, inputs);
    const std::chrono::duration<double, std::milli> time =
        std::chrono::steady_clock::now() - start;
    times.push_back(time.count());
  }
  std::sort(times.begin(), times.end());
  std::printf("time: min %.3f ms, median %.3f ms, %d runs, %d threads\n",
              times.front(), times[times.size() / 2], repeat, threads);
  std::printf("peak memory: %.1f MiB\n", getPeakMemory());
}

/// Writes each output to a file named after it. A name may hold anything, a
/// path separator too: what is unusual in a file name becomes '_'.
static void writeOutputs(const LowbitResult *result, const std::string &dir) {
  std::filesystem::create_directories(dir);
  std::set<std::string> used;
  for (int32_t i = 0; i < lowbitResultGetNumOutputs(result); ++i) {
    const LowbitTensor &output = *lowbitResultGetOutput(result, i);
    std::string file = output.name;
    for (size_t at = 0; at < file.size(); ++at)
      if (!std::isalnum(static_cast<unsigned char>(file[at])) &&
          (at == 0 || !std::strchr("-._", file[at])) && file[at] != '_')
        file[at] = '_';
    if (!used.insert(file).second)
      used.insert(file += "_" + std::to_string(i));
    writeNpy(dir + "/" + file + ".npy", output);
  }
}

/// Prints a line for each expected output; returns whether all are as expected.
static bool compareOutputs(const LowbitResult *result, const Options &options) {
  bool good = true;
  for (const auto &[name, file] : options.expected) {
    const Array expected = readNpy(file);
    const LowbitTensor *output = nullptr;
    for (int32_t i = 0; i < lowbitResultGetNumOutputs(result); ++i)
      if (name == lowbitResultGetOutput(result, i)->name)
        output = lowbitResultGetOutput(result, i);
    if (!output)
      throw std::runtime_error("--expect: the model has no output '" + name +
                               "'");
    const Comparison comparison =
        compare(*output, expected, options.atol, options.rtol);
    std::printf("%s %s: %s\n", comparison.isEqual ? "pass" : "FAIL",
                name.c_str(), comparison.text.c_str());
    good &= comparison.isEqual;
  }
  return good;
}

/// The entry to run; null when nothing but a description is wanted.
static LowbitEntry *findEntry(LowbitModel *model, const Options &options) {
  if (options.entry.empty())
    return options.describe || options.report ? nullptr
                                              : lowbitModelGetEntry(model, 0);
  if (LowbitEntry *entry = lowbitModelFindEntry(model, options.entry.c_str()))
    return entry;
  std::string names;
  for (int32_t i = 0; i < lowbitModelGetNumEntries(model); ++i)
    names += (i ? ", '" : "'") +
             std::string(lowbitEntryGetName(lowbitModelGetEntry(model, i))) +
             "'";
  throw std::runtime_error("no entry '" + options.entry +
                           "', expected one of " + names);
}

static int run(const Options &options) {
  LowbitModel *loaded = nullptr;
  check(lowbitModelLoad(options.model.c_str(), options.threads, &loaded));
  const ModelPtr model(loaded);
  LowbitEntry *entry = findEntry(loaded, options);
  if (options.describe)
    describe(loaded, entry);
  if (options.report) {
    const char *report = lowbitModelGetReport(loaded);
    if (!report)
      throw std::runtime_error("the artifact holds no report");
    std::printf("%s\n", report);
  }
  if (options.describe || options.report)
    return 0;

  std::vector<Array> arrays;
  for (const auto &input : options.inputs)
    arrays.push_back(readNpy(input.second));
  std::vector<LowbitTensor> inputs;
  for (size_t i = 0; i < arrays.size(); ++i)
    inputs.push_back({options.inputs[i].first.c_str(), arrays[i].dtype,
                      static_cast<int32_t>(arrays[i].dims.size()),
                      arrays[i].dims.data(), arrays[i].getData()});
  const ResultPtr result = runOnce(entry, inputs);
  for (int32_t i = 0; i < lowbitResultGetNumOutputs(result.get()); ++i) {
    const LowbitTensor &output = *lowbitResultGetOutput(result.get(), i);
    std::printf("output %s: %s\n", output.name, formatTensor(output).c_str());
  }
  if (options.repeat)
    measure(entry, inputs, options.repeat, lowbitModelGetNumThreads(loaded));
  if (!options.outputDir.empty())
    writeOutputs(result.get(), options.outputDir);
  return compareOutputs(result.get(), options) ? 0 : 1;
}

int main(int argc, char **argv) {
  const Options options = parseOptions(argc, argv);
  try {
    return run(options);
  } catch (const std::exception &exception) {
    std::fprintf(stderr, "lowbit-run: error: %s\n", exception.what());
    return 1;
  }
}
