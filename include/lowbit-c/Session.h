//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sessions: runs of an artifact's entries that keep state in between, such as
// the keys and values of past tokens. Link what Runtime.h wants.
//
//   LowbitSession *session;
//   LowbitError *error = lowbitSessionCreate(model, NULL, &session);
//   if (!error) // runs the encoder
//     error = lowbitSessionStart(session, &sentence, 1, &result);
//   while (!error && !done) // runs the decoder's step with the last caches
//     error = lowbitSessionStep(session, &token, 1, &result);
//
// A state is a tensor with the name of the inputs that take it. An output
// becomes a state when an input, of any entry, has its name; when it is called
// `present...` and an input `past...` or `past_key_values...` with the same
// rest; when it is `last_hidden_state` and there is `encoder_hidden_states`; or
// when the artifact was compiled with `--state INPUT=OUTPUT`. An input that
// several entries take is a state too. The first dimension of a state, unless
// it is a scalar, counts sequences.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_C_SESSION_H
#define LOWBIT_C_SESSION_H

#include "lowbit-c/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The states of one batch of sequences. Calls for one session must not
/// overlap: one that meets another in progress fails. Sessions of one model are
/// independent.
typedef struct LowbitSession LowbitSession;

/// Makes a session of `model`, which must outlive it. `step` names the entry
/// that lowbitSessionStep runs; null means the only one with an output that
/// becomes one of its own inputs.
LOWBIT_API LowbitError *lowbitSessionCreate(LowbitModel *model,
                                            const char *step,
                                            LowbitSession **session);

/// Forgets all states, keeps those of the inputs that are states, and runs
/// every entry but the step in the artifact's order, each on the inputs that it
/// takes, by name, and on the states so far. `result` holds the outputs that
/// are no states. After an error the session is as after lowbitSessionReset.
LOWBIT_API LowbitError *lowbitSessionStart(LowbitSession *session,
                                           const LowbitTensor *inputs,
                                           int32_t num_inputs,
                                           LowbitResult **result);

/// Runs the step on the given inputs and the states; its outputs replace those
/// that they become. A state that no run has made starts empty when it grows
/// (a dimension that no other input fixes has extent 0), and with zeros when it
/// has a fixed size and only the step makes it. An input given here takes the
/// place of its state in this run. After an error the states are as before.
LOWBIT_API LowbitError *lowbitSessionStep(LowbitSession *session,
                                          const LowbitTensor *inputs,
                                          int32_t num_inputs,
                                          LowbitResult **result);

/// Runs any entry in the way of lowbitSessionStep.
LOWBIT_API LowbitError *lowbitSessionRun(LowbitSession *session,
                                         LowbitEntry *entry,
                                         const LowbitTensor *inputs,
                                         int32_t num_inputs,
                                         LowbitResult **result);

/// Makes row `i` of every state what row `rows[i]` was: the beams that go on.
/// Rows may be repeated, left out, and be more or fewer than before. Indices
/// that are out of range change nothing; without memory the session is as after
/// lowbitSessionReset.
LOWBIT_API LowbitError *lowbitSessionReorder(LowbitSession *session,
                                             const int64_t *rows,
                                             int32_t num_rows);

/// Makes a second session with the same states; memory is shared until one of
/// them changes it.
LOWBIT_API LowbitError *lowbitSessionFork(LowbitSession *session,
                                          LowbitSession **fork);

/// Forgets all states and keeps their memory for the next start.
LOWBIT_API LowbitError *lowbitSessionReset(LowbitSession *session);

/// The steps since the last start or reset.
LOWBIT_API int64_t lowbitSessionGetNumSteps(const LowbitSession *session);
/// The states that the entries have, set or not.
LOWBIT_API int32_t lowbitSessionGetNumStates(const LowbitSession *session);
/// The name of a state; null when `index` is out of range.
LOWBIT_API const char *lowbitSessionGetStateName(const LowbitSession *session,
                                                 int32_t index);
/// A copy of a state as the only output of `result`; an error when there is
/// none of that name or no run has made it.
LOWBIT_API LowbitError *lowbitSessionGetState(LowbitSession *session,
                                              const char *name,
                                              LowbitResult **result);
/// Sets a state to a copy of `tensor`, whose name is that of the state.
LOWBIT_API LowbitError *lowbitSessionSetState(LowbitSession *session,
                                              const LowbitTensor *tensor);
/// The bytes that the states occupy, spare room included.
LOWBIT_API size_t lowbitSessionGetMemory(const LowbitSession *session);

/// Frees the session; null is allowed. Results stay valid.
LOWBIT_API void lowbitSessionDestroy(LowbitSession *session);

#ifdef __cplusplus
}
#endif

#endif // LOWBIT_C_SESSION_H
