//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session: the states of one batch of sequences, and the runs that read and
// write them. Every method throws Failure; none may overlap another.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_SESSION_H
#define LOWBIT_RUNTIME_SESSION_H

#include "Inputs.h"
#include "Model.h"
#include "State.h"
#include "lowbit-c/Session.h"

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

struct LowbitSession {
  LowbitSession(LowbitModel &model, LowbitEntry &step);

  /// The entry that a session steps through: `name`, or the only candidate.
  static LowbitEntry &findStep(LowbitModel &model, const char *name);

  std::unique_ptr<LowbitResult> start(const LowbitTensor *inputs,
                                      int32_t count);
  std::unique_ptr<LowbitResult> run(const LowbitEntry &entry,
                                    const LowbitTensor *inputs, int32_t count);
  void reorder(const int64_t *rows, int32_t count);
  void reset();
  lowbit::State &getState(const char *name);
  void setState(const LowbitTensor &tensor);
  int32_t findSlot(const char *name) const;

  LowbitModel &model;
  LowbitEntry &step;
  std::vector<lowbit::State> states; ///< by slot
  int64_t numSteps = 0;
  std::mutex mutex;

private:
  /// A state before the first run that makes it.
  struct InitialState {
    std::vector<int64_t> dims;
    lowbit::Buffer zeros;
    LowbitTensor tensor;
  };
  bool mayBegin(const LowbitEntryPoint &entry, uint32_t input,
                const lowbit::Inputs &given) const;
  void begin(const LowbitEntryPoint &entry, uint32_t input,
             lowbit::Inputs &given, std::deque<InitialState> &made) const;
  [[noreturn]] void failMissing(const LowbitEntryPoint &entry,
                                const lowbit::Inputs &given) const;
};

#endif // LOWBIT_RUNTIME_SESSION_H
