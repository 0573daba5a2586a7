//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sessions: which states a run reads and writes. What a state is, State.h
// tells.
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "Error.h"
#include "Run.h"
#include "SessionOutputs.h"

#include <algorithm>
#include <cstring>

using namespace lowbit;

[[noreturn]] static void failArgument(const std::string &message) {
  fail(LOWBIT_ERROR_INVALID_ARGUMENT, message);
}

static std::string quote(const std::string &name) { return "'" + name + "'"; }

/// Whether an output of `entry` goes to `slot`.
static bool makesSlot(const LowbitEntryPoint &entry, int32_t slot) {
  return std::count(entry.output_slots, entry.output_slots + entry.num_outputs,
                    slot) != 0;
}

/// Whether an output of `entry` is one of its own inputs the next time.
static bool isStep(const LowbitEntryPoint &entry) {
  for (uint32_t i = 0; i < entry.num_inputs; ++i)
    if (entry.input_slots[i] != LOWBIT_NO_SLOT &&
        makesSlot(entry, entry.input_slots[i]))
      return true;
  return false;
}

/// Whether an input that is a state gets its next rows where it lies, so that
/// nobody reads its elements before.
static bool appendsInPlace(const LowbitEntryPoint &entry, uint32_t input) {
  const int32_t output = entry.appends[input];
  return output != LOWBIT_NO_APPEND &&
         entry.output_slots[output] == entry.input_slots[input];
}

LowbitSession::LowbitSession(LowbitModel &model, LowbitEntry &step)
    : model(model), step(step) {
  for (uint32_t i = 0; i < model.artifact.num_slots; ++i)
    states.emplace_back(model.artifact.slots[i]);
}

int32_t LowbitSession::findSlot(const char *name) const {
  for (size_t i = 0; name && i < states.size(); ++i)
    if (std::strcmp(states[i].getName(), name) == 0)
      return static_cast<int32_t>(i);
  return LOWBIT_NO_SLOT;
}

/// Whether an input that nobody has given can start out as nothing. The entry
/// itself makes the next one; a dimension that is not fixed by other inputs
/// must grow, which it does when it is not the same symbol in the output; and
/// where nothing grows, nobody else makes the first.
bool LowbitSession::mayBegin(const LowbitEntryPoint &entry, uint32_t input,
                             const Inputs &given) const {
  const int32_t slot = entry.input_slots[input];
  if (slot == LOWBIT_NO_SLOT || !makesSlot(entry, slot))
    return false;
  const LowbitTensorSpec &spec = entry.inputs[input];
  const int64_t *next =
      entry
          .outputs[std::find(entry.output_slots,
                             entry.output_slots + entry.num_outputs, slot) -
                   entry.output_slots]
          .dims;
  bool grows = false;
  for (int32_t d = 0; d < spec.rank; ++d) {
    if (given.getExtent(spec.dims[d]))
      continue;
    if (next[d] == spec.dims[d] && next[d] != LOWBIT_DIM_ANY)
      return false;
    grows = true;
  }
  return grows || std::none_of(model.entries.begin(), model.entries.end(),
                               [&](const LowbitEntry &other) {
                                 return &other.point != &entry &&
                                        makesSlot(other.point, slot);
                               });
}

/// Gives an input zeros: dimensions that nothing fixes are 0.
void LowbitSession::begin(const LowbitEntryPoint &entry, uint32_t input,
                          Inputs &given, std::deque<InitialState> &made) const {
  const LowbitTensorSpec &spec = entry.inputs[input];
  InitialState &state = made.emplace_back();
  for (int32_t d = 0; d < spec.rank; ++d)
    state.dims.push_back(given.getExtent(spec.dims[d]).value_or(0));
  const auto bytes = computeBytes(state.dims.data(), spec.rank,
                                  lowbitDTypeGetSize(spec.dtype));
  if (bytes)
    state.zeros = allocate(*bytes);
  if (!state.zeros)
    fail(LOWBIT_ERROR_OUT_OF_MEMORY,
         "out of memory for state " + quote(spec.name));
  std::memset(state.zeros.get(), 0, *bytes);
  state.tensor = {spec.name, spec.dtype, spec.rank, state.dims.data(),
                  state.zeros.get()};
  given.give(input, state.tensor);
}

/// Names the inputs that nobody gave, and what would have made them.
void LowbitSession::failMissing(const LowbitEntryPoint &entry,
                                const Inputs &given) const {
  std::string text;
  for (uint32_t i = 0; i < entry.num_inputs; ++i) {
    if (given.isGiven(i) || mayBegin(entry, i, given))
      continue;
    text += (text.empty() ? "" : ", ") + quote(entry.inputs[i].name);
    for (const LowbitEntry &other : model.entries)
      if (entry.input_slots[i] != LOWBIT_NO_SLOT && &other.point != &entry &&
          makesSlot(other.point, entry.input_slots[i]))
        text += " (made by " + quote(other.point.name) + ")";
  }
  const bool isStarted = std::any_of(states.begin(), states.end(),
                                     [](const State &s) { return s.isSet(); });
  failArgument("missing input " + text +
               (isStarted || model.entries.size() == 1
                    ? ""
                    : "; the session has not been started"));
}

std::unique_ptr<LowbitResult> LowbitSession::run(const LowbitEntry &entry,
                                                 const LowbitTensor *inputs,
                                                 int32_t count) {
  const LowbitEntryPoint &point = entry.point;
  try {
    Inputs given(point);
    given.match(inputs, count);
    std::deque<LowbitTensor> tensors;
    std::vector<bool> kept(point.num_inputs, false);
    for (uint32_t i = 0; i < point.num_inputs; ++i) {
      const int32_t slot = point.input_slots[i];
      if (given.isGiven(i) || slot == LOWBIT_NO_SLOT ||
          !states[static_cast<size_t>(slot)].isSet())
        continue;
      State &state = states[static_cast<size_t>(slot)];
      kept[i] = true;
      tensors.push_back(appendsInPlace(point, i) ? state.getShape()
                                                 : state.getTensor());
      given.give(i, tensors.back());
    }
    std::deque<InitialState> made;
    bool isComplete = true;
    for (uint32_t i = 0; i < point.num_inputs; ++i)
      isComplete &= given.isGiven(i) || mayBegin(point, i, given);
    if (!isComplete)
      failMissing(point, given);
    for (uint32_t i = 0; i < point.num_inputs; ++i)
      if (!given.isGiven(i))
        begin(point, i, given, made);
    const std::vector<LowbitBuffer> buffers = given.finish();
    SessionOutputs storage(point, states, kept);
    std::unique_ptr<LowbitResult> result =
        runEntry(entry, buffers.data(), storage);
    storage.commit(*result);
    return result;
  } catch (Failure &failure) {
    if (model.entries.size() > 1)
      failure.message = quote(point.name) + ": " + failure.message;
    throw;
  }
}

std::unique_ptr<LowbitResult> LowbitSession::start(const LowbitTensor *inputs,
                                                   int32_t count) {
  reset();
  if (count < 0 || (count != 0 && !inputs))
    failArgument("got " + std::to_string(count) + " inputs, but no tensors");
  std::vector<bool> used(static_cast<size_t>(count), false);
  for (int32_t i = 0; i < count; ++i) {
    if (!inputs[i].name)
      failArgument("an input of a session's start needs a name");
    if (findSlot(inputs[i].name) != LOWBIT_NO_SLOT) {
      setState(inputs[i]);
      used[static_cast<size_t>(i)] = true;
    }
  }
  auto all = std::make_unique<LowbitResult>();
  for (const LowbitEntry &entry : model.entries) {
    if (&entry == &step)
      continue;
    std::vector<LowbitTensor> own;
    for (int32_t i = 0; i < count; ++i)
      for (uint32_t j = 0; j < entry.point.num_inputs; ++j)
        if (std::strcmp(entry.point.inputs[j].name, inputs[i].name) == 0) {
          own.push_back(inputs[i]);
          used[static_cast<size_t>(i)] = true;
        }
    std::unique_ptr<LowbitResult> result =
        run(entry, own.data(), static_cast<int32_t>(own.size()));
    for (std::unique_ptr<Output> &output : result->outputs)
      all->outputs.push_back(std::move(output));
  }
  for (int32_t i = 0; i < count; ++i)
    if (!used[static_cast<size_t>(i)])
      failArgument("input " + quote(inputs[i].name) +
                   " is neither a state nor an input of an entry that starts");
  return all;
}

void LowbitSession::reorder(const int64_t *rows, int32_t count) {
  if (count <= 0 || !rows)
    failArgument("reorder wants at least one row, got " +
                 std::to_string(count));
  const State *first = nullptr;
  for (const State &state : states) {
    if (!state.isSet() || state.isScalar())
      continue;
    if (!first)
      first = &state;
    else if (first->getNumRows() != state.getNumRows())
      failArgument("cannot reorder: state " + quote(state.getName()) + " has " +
                   std::to_string(state.getNumRows()) + " rows, but " +
                   quote(first->getName()) + " has " +
                   std::to_string(first->getNumRows()));
  }
  if (!first)
    failArgument("nothing to reorder: the session has no state yet");
  for (int32_t i = 0; i < count; ++i)
    if (rows[i] < 0 || rows[i] >= first->getNumRows())
      failArgument("row " + std::to_string(rows[i]) + " at position " +
                   std::to_string(i) + " is out of range: the session has " +
                   std::to_string(first->getNumRows()) + " rows");
  const std::vector<int64_t> wanted(rows, rows + count);
  try {
    for (State &state : states)
      if (state.isSet() && !state.isScalar())
        state.reorder(wanted);
  } catch (...) {
    // Some states are in the new order and some are not.
    reset();
    throw;
  }
}

void LowbitSession::reset() {
  for (State &state : states)
    state.reset();
  numSteps = 0;
}

[[noreturn]] static void failNoState(const char *name) {
  failArgument("there is no state " + quote(name ? name : "(null)"));
}

State &LowbitSession::getState(const char *name) {
  const int32_t slot = findSlot(name);
  if (slot == LOWBIT_NO_SLOT)
    failNoState(name);
  State &state = states[static_cast<size_t>(slot)];
  if (!state.isSet())
    failArgument("state " + quote(name) + " is not set yet");
  return state;
}

void LowbitSession::setState(const LowbitTensor &tensor) {
  const int32_t slot = findSlot(tensor.name);
  if (slot == LOWBIT_NO_SLOT)
    failNoState(tensor.name);
  for (const LowbitEntry &entry : model.entries)
    for (uint32_t i = 0; i < entry.point.num_inputs; ++i)
      if (entry.point.input_slots[i] == slot)
        checkTensor(entry.point.inputs[i], tensor);
  states[static_cast<size_t>(slot)].assign(tensor);
}

LowbitEntry &LowbitSession::findStep(LowbitModel &model, const char *name) {
  if (name) {
    if (LowbitEntry *entry = model.findEntry(name))
      return *entry;
    std::string names;
    for (const LowbitEntry &entry : model.entries)
      names += (names.empty() ? "" : ", ") + quote(entry.point.name);
    failArgument("no entry " + quote(name) + ", expected one of " + names);
  }
  LowbitEntry *step = nullptr;
  for (LowbitEntry &entry : model.entries) {
    if (!isStep(entry.point))
      continue;
    if (step)
      failArgument("both " + quote(step->point.name) + " and " +
                   quote(entry.point.name) +
                   " could be the step of a session: name one");
    step = &entry;
  }
  if (!step)
    failArgument("no entry has an output that becomes one of its inputs, such "
                 "as 'present_k' and 'past_k': nothing to step through");
  return *step;
}
