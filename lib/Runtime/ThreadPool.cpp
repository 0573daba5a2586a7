//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop is published by raising the epoch. Workers enter through the gate,
// take parts from an atomic counter, and leave; the caller does the same, then
// shuts the gate and waits only for the workers that entered. A worker that
// wakes late finds the gate shut, so a sleeping or missing worker never delays
// a loop.
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"

#include <algorithm>
#include <cfenv>
#include <system_error>

#if defined(__linux__)
#include <sched.h>
#endif
#include <pthread.h>

using namespace lowbit;

/// Raised in the child of every fork: tells a pool that its workers are gone.
static std::atomic<uint64_t> forkGeneration{0};

static uint64_t getForkGeneration() {
  static const bool registered = [] {
    return pthread_atfork(nullptr, nullptr, [] { ++forkGeneration; }) == 0;
  }();
  (void)registered;
  return forkGeneration.load(std::memory_order_relaxed);
}

static void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

int lowbit::getNumUsableCores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

/// The core that the calling thread is on, -1 where that is unknown.
static int getCurrentCore() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

ThreadPool::ThreadPool(int threads) : generation(getForkGeneration()) {
  // Some 50 to 200 microseconds, longer than what lies between two loops of a
  // model; none where threads outnumber cores and spinning would take the core
  // from the thread that is waited for.
  spins = threads <= getNumUsableCores() ? 4000 : 0;
  workers.reserve(std::max(0, threads - 1));
  try {
    for (int i = 1; i < threads; ++i)
      workers.emplace_back([this] { work(); });
  } catch (const std::system_error &) {
    // The system has no more threads: go on with those that started.
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping.store(true);
    epoch.fetch_add(1);
  }
  wake.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::avoidCore(int core) {
  if (spins == 0 || core < 0 || core == avoidedCore)
    return;
  avoidedCore = core;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return;
  CPU_CLR(core, &set);
  if (CPU_COUNT(&set) < static_cast<int>(workers.size()))
    return;
  for (std::thread &worker : workers)
    pthread_setaffinity_np(worker.native_handle(), sizeof(set), &set);
#endif
}

bool ThreadPool::isAlive() const { return generation == getForkGeneration(); }

void ThreadPool::runParts() {
  for (;;) {
    const int64_t part = nextPart.fetch_add(1, std::memory_order_relaxed);
    if (part > (count - 1) / partLength)
      return;
    const int64_t begin = part * partLength;
    body(context, begin, begin + std::min(partLength, count - begin));
  }
}

bool ThreadPool::join() {
  uint32_t inside = gate.load(std::memory_order_relaxed);
  while (!(inside & kShut))
    if (gate.compare_exchange_weak(inside, inside + 1,
                                   std::memory_order_acquire,
                                   std::memory_order_relaxed))
      return true;
  return false;
}

void ThreadPool::work() {
  // A thread inherits the floating-point environment of its creator.
  std::fesetenv(FE_DFL_ENV);
  uint32_t seen = 0;
  for (;;) {
    for (int i = 0; i < spins && epoch.load(std::memory_order_relaxed) == seen;
         ++i)
      pause();
    if (epoch.load() == seen) {
      std::unique_lock<std::mutex> lock(mutex);
      sleepers.fetch_add(1);
      wake.wait(lock, [&] { return epoch.load() != seen; });
      sleepers.fetch_sub(1);
    }
    seen = epoch.load(std::memory_order_acquire);
    if (stopping.load())
      return;
    if (join()) {
      runParts();
      gate.fetch_sub(1, std::memory_order_release);
    }
  }
}

void ThreadPool::parallelFor(Body newBody, void *newContext, int64_t newCount,
                             int64_t grain) {
  if (newCount <= 0)
    return;
  grain = std::max<int64_t>(1, std::min(grain, newCount));
  if (workers.empty() || grain >= newCount || !isAlive() ||
      busy.exchange(true, std::memory_order_acquire)) {
    newBody(newContext, 0, newCount);
    return;
  }

  // Four parts a thread even out differences in speed; each is whole grains.
  const int64_t grains = (newCount - 1) / grain + 1;
  const int64_t wanted = 4 * (static_cast<int64_t>(workers.size()) + 1);
  const int64_t grainsPerPart = (grains - 1) / wanted + 1;
  body = newBody;
  context = newContext;
  count = newCount;
  partLength = grain * grainsPerPart;
  nextPart.store(0, std::memory_order_relaxed);
  gate.store(0, std::memory_order_release);
  epoch.fetch_add(1);
  if (sleepers.load() > 0) {
    avoidCore(getCurrentCore());
    std::lock_guard<std::mutex> lock(mutex);
    const int64_t helpers = (newCount - 1) / partLength;
    if (helpers >= static_cast<int64_t>(workers.size()))
      wake.notify_all();
    else
      for (int64_t i = 0; i < helpers; ++i)
        wake.notify_one();
  }

  runParts();
  gate.fetch_or(kShut, std::memory_order_relaxed);
  for (int waited = 0; gate.load(std::memory_order_acquire) != kShut;
       ++waited) {
    if (waited < spins)
      pause();
    else
      std::this_thread::yield();
  }
  busy.store(false, std::memory_order_release);
}
