//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loaded artifact: its checked table of contents, its library, its threads
// and its scratch memory.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_MODEL_H
#define LOWBIT_RUNTIME_MODEL_H

#include "Library.h"
#include "Memory.h"
#include "ThreadPool.h"
#include "lowbit-c/Runtime.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace lowbit {
class CPU;

/// Throws Failure unless the table is one that this runtime understands and the
/// CPU offers what it demands.
void checkArtifact(const LowbitArtifact &artifact, const CPU &cpu);

} // namespace lowbit

/// One entry of a loaded artifact.
struct LowbitEntry {
  LowbitModel &model;
  const LowbitEntryPoint &point;
};

struct LowbitModel {
  /// Throws Failure when the artifact cannot run here.
  LowbitModel(std::unique_ptr<lowbit::Library> library,
              const LowbitArtifact &artifact, int32_t threads);
  ~LowbitModel();

  /// The worker threads, started at the first use in this process.
  lowbit::ThreadPool &getPool();

  /// The entry with that name, or null.
  LowbitEntry *findEntry(const std::string &name);

  const std::unique_ptr<lowbit::Library> library; ///< null when linked in
  const LowbitArtifact &artifact;
  /// In the artifact's order; at least one.
  std::vector<LowbitEntry> entries;
  const int32_t threads;
  lowbit::WorkspaceCache workspaces;

private:
  std::atomic<lowbit::ThreadPool *> pool{nullptr};
};

#endif // LOWBIT_RUNTIME_MODEL_H
