//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Worker threads that share loops with the thread that calls them.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_THREADPOOL_H
#define LOWBIT_RUNTIME_THREADPOOL_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace lowbit {

/// Threads that outlive the loops they work on. A worker spins for a moment
/// after a loop, since the next one usually follows at once, then sleeps.
class ThreadPool {
public:
  using Body = void (*)(void *context, int64_t begin, int64_t end);

  /// A pool for loops on `threads` threads, the calling one included; starts
  /// fewer when the system refuses more.
  explicit ThreadPool(int threads);
  /// Waits for the workers to end; only for a pool that is alive.
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  /// Calls `body` on disjoint parts of [0, count), each a multiple of `grain`
  /// long except the last; returns when all are done. Which thread does which
  /// part varies, so a body may write only what belongs to its part. A call
  /// that finds the pool busy, from another thread or from within a body, does
  /// the whole range itself.
  void parallelFor(Body body, void *context, int64_t count, int64_t grain);

  /// Whether the workers exist in this process: false in a forked child.
  bool isAlive() const;

private:
  void work();
  void runParts();
  /// Keeps the workers off the core of the thread that calls the pool. Some
  /// schedulers wake all on one core, where they wait for each other.
  void avoidCore(int core);
  bool join();

  /// The loop in progress; written only while the gate is shut and empty.
  Body body = nullptr;
  void *context = nullptr;
  int64_t count = 0;
  int64_t partLength = 1;

  alignas(64) std::atomic<int64_t> nextPart{0};
  /// Workers inside the loop, plus kShut when no more may enter.
  alignas(64) std::atomic<uint32_t> gate{kShut};
  /// Raised for every loop; what idle workers watch.
  alignas(64) std::atomic<uint32_t> epoch{0};
  alignas(64) std::atomic<bool> busy{false};
  std::atomic<bool> stopping{false};
  std::atomic<int> sleepers{0};
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::thread> workers;
  uint64_t generation;
  int spins;
  int avoidedCore = -1;

  static constexpr uint32_t kShut = 1u << 31;
};

/// Destroys a pool. In a forked child, where its workers do not exist and its
/// lock may be held by one of them, the pool is given up instead.
struct ThreadPoolDeleter {
  void operator()(ThreadPool *pool) const {
    if (pool && pool->isAlive())
      delete pool;
  }
};
using ThreadPoolPtr = std::unique_ptr<ThreadPool, ThreadPoolDeleter>;

/// How many cores this process may run on; at least 1.
int getNumUsableCores();

} // namespace lowbit

#endif // LOWBIT_RUNTIME_THREADPOOL_H
