//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C API of sessions: turns failures into errors, and calls that overlap
// too.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Run.h"
#include "Session.h"

using namespace lowbit;

/// Calls `action` unless another call for the session is in progress.
template <typename Action>
static LowbitError *guardSession(LowbitSession *session, Action action) {
  return guard([&] {
    std::unique_lock<std::mutex> lock(session->mutex, std::try_to_lock);
    if (!lock)
      fail(LOWBIT_ERROR_INVALID_ARGUMENT,
           "the session is in use by another thread");
    action();
  });
}

LowbitError *lowbitSessionCreate(LowbitModel *model, const char *step,
                                 LowbitSession **session) {
  *session = nullptr;
  return guard([&] {
    *session = new LowbitSession(*model, LowbitSession::findStep(*model, step));
  });
}

LowbitError *lowbitSessionStart(LowbitSession *session,
                                const LowbitTensor *inputs, int32_t num_inputs,
                                LowbitResult **result) {
  *result = nullptr;
  return guardSession(session, [&] {
    try {
      *result = session->start(inputs, num_inputs).release();
    } catch (...) {
      session->reset();
      throw;
    }
  });
}

LowbitError *lowbitSessionStep(LowbitSession *session,
                               const LowbitTensor *inputs, int32_t num_inputs,
                               LowbitResult **result) {
  *result = nullptr;
  return guardSession(session, [&] {
    *result = session->run(session->step, inputs, num_inputs).release();
    ++session->numSteps;
  });
}

LowbitError *lowbitSessionRun(LowbitSession *session, LowbitEntry *entry,
                              const LowbitTensor *inputs, int32_t num_inputs,
                              LowbitResult **result) {
  *result = nullptr;
  return guardSession(session, [&] {
    if (!entry || &entry->model != &session->model)
      fail(LOWBIT_ERROR_INVALID_ARGUMENT,
           "the entry is not one of the session's model");
    *result = session->run(*entry, inputs, num_inputs).release();
  });
}

LowbitError *lowbitSessionReorder(LowbitSession *session, const int64_t *rows,
                                  int32_t num_rows) {
  return guardSession(session, [&] { session->reorder(rows, num_rows); });
}

LowbitError *lowbitSessionFork(LowbitSession *session, LowbitSession **fork) {
  *fork = nullptr;
  return guardSession(session, [&] {
    auto copy = std::make_unique<LowbitSession>(session->model, session->step);
    for (size_t i = 0; i < session->states.size(); ++i)
      copy->states[i] = session->states[i].fork();
    copy->numSteps = session->numSteps;
    *fork = copy.release();
  });
}

LowbitError *lowbitSessionReset(LowbitSession *session) {
  return guardSession(session, [&] { session->reset(); });
}

LowbitError *lowbitSessionGetState(LowbitSession *session, const char *name,
                                   LowbitResult **result) {
  *result = nullptr;
  return guardSession(session, [&] {
    const State &state = session->getState(name);
    auto copy = std::make_unique<LowbitResult>();
    copy->outputs.push_back(std::make_unique<Output>(state.getName()));
    Output &output = *copy->outputs.front();
    output.makeLike(state.getShape());
    state.copyTo(output.tensor.data);
    *result = copy.release();
  });
}

LowbitError *lowbitSessionSetState(LowbitSession *session,
                                   const LowbitTensor *tensor) {
  return guardSession(session, [&] { session->setState(*tensor); });
}

int64_t lowbitSessionGetNumSteps(const LowbitSession *session) {
  return session->numSteps;
}

int32_t lowbitSessionGetNumStates(const LowbitSession *session) {
  return static_cast<int32_t>(session->states.size());
}

const char *lowbitSessionGetStateName(const LowbitSession *session,
                                      int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= session->states.size())
    return nullptr;
  return session->states[static_cast<size_t>(index)].getName();
}

size_t lowbitSessionGetMemory(const LowbitSession *session) {
  size_t bytes = 0;
  for (const State &state : session->states)
    bytes += state.getMemory();
  return bytes;
}

void lowbitSessionDestroy(LowbitSession *session) { delete session; }
