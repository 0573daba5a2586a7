//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One run: checked inputs go to the artifact's entry, which calls back for
// scratch memory, outputs and threads.
//
//===----------------------------------------------------------------------===//

#include "Run.h"

#include "AxisLayout.h"
#include "Error.h"
#include "Inputs.h"
#include "Model.h"

#include <cfenv>
#include <mutex>

using namespace lowbit;

namespace {

/// The default floating-point environment, for as long as the object lives: a
/// caller's flush-to-zero or rounding mode must not change results.
class DefaultFloatEnvironment {
public:
  DefaultFloatEnvironment() {
    std::fegetenv(&saved);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&saved); }

private:
  std::fenv_t saved;
};

/// Outputs in memory that the caller's function gives.
class CallbackOutputs : public OutputStorage {
public:
  CallbackOutputs(LowbitOutputCallback callback, void *user)
      : callback(callback), user(user) {}
  void *allocate(int32_t index, Output &output, size_t bytes) override {
    return callback(user, index, &output.tensor, bytes);
  }

private:
  const LowbitOutputCallback callback;
  void *const user;
};

} // namespace

void Output::makeLike(const LowbitTensor &like) {
  const size_t bytes =
      *computeBytes(like.dims, like.rank, lowbitDTypeGetSize(like.dtype));
  data = allocate(bytes);
  if (!data)
    fail(LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory: no " +
                                         std::to_string(bytes) +
                                         " bytes for '" + name + "'");
  dims.assign(like.dims, like.dims + like.rank);
  tensor = {name.c_str(), like.dtype, like.rank, dims.data(), data.get()};
  isMade = true;
}

void *OutputStorage::append(uint32_t, const LowbitTensor &input, int32_t axis,
                            int32_t index, Output &output, size_t bytes,
                            int64_t &capacity) {
  capacity = output.dims[static_cast<size_t>(axis)];
  void *data = allocate(index, output, bytes);
  if (data)
    copyChunks(AxisLayout(input, axis, input.dims[axis]), input.data,
               AxisLayout(output.tensor, axis, capacity), data);
  return data;
}

void *OwnedOutputs::allocate(int32_t, Output &output, size_t bytes) {
  output.data = lowbit::allocate(bytes);
  return output.data.get();
}

/// A run in progress.
struct LowbitCall {
  LowbitCall(const LowbitEntry &entry, const LowbitBuffer *inputs,
             LowbitResult &result, OutputStorage &storage)
      : model(entry.model), entry(entry.point), inputs(inputs), result(result),
        storage(storage) {}
  ~LowbitCall() { model.workspaces.giveBack(std::move(workspace)); }

  void recordFailure(LowbitErrorCode code, std::string message) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!hasFailed)
      failure = {code, std::move(message)};
    hasFailed = true;
  }

  LowbitModel &model;
  const LowbitEntryPoint &entry;
  const LowbitBuffer *const inputs;
  LowbitResult &result;
  OutputStorage &storage;
  WorkspaceCache::Block workspace;
  /// The first failure; bodies of parallel loops may report too.
  std::mutex mutex;
  bool hasFailed = false;
  Failure failure{LOWBIT_ERROR_RUN, ""};
};

//===----------------------------------------------------------------------===//
// The host table
//===----------------------------------------------------------------------===//

/// Runs `action` for compiled code, through which no exception may pass.
template <typename Action>
static void *guardHost(LowbitCall *call, Action action) noexcept {
  try {
    return action();
  } catch (const Failure &failure) {
    call->recordFailure(failure.code, failure.message);
  } catch (...) {
    call->recordFailure(LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory");
  }
  return nullptr;
}

static void *hostWorkspace(LowbitCall *call, int64_t bytes) {
  return guardHost(call, [&]() -> void * {
    if (bytes < 0)
      fail(LOWBIT_ERROR_OUT_OF_MEMORY,
           "the scratch memory of these input shapes is larger than memory");
    if (call->workspace.data)
      fail(LOWBIT_ERROR_RUN, "the artifact asked for scratch memory twice");
    call->workspace = call->model.workspaces.take(static_cast<size_t>(bytes));
    if (!call->workspace.data)
      fail(LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory: no " +
                                           std::to_string(bytes) +
                                           " bytes of scratch memory");
    return call->workspace.data.get();
  });
}

/// Makes output `index` with the given dimensions; `give` returns the storage
/// for its bytes.
template <typename Give>
static void *makeOutput(LowbitCall *call, int32_t index, const int64_t *dims,
                        Give give) {
  const LowbitEntryPoint &entry = call->entry;
  if (index < 0 || static_cast<uint32_t>(index) >= entry.num_outputs)
    fail(LOWBIT_ERROR_RUN, "the artifact made an undeclared output");
  const LowbitTensorSpec &spec = entry.outputs[index];
  Output &output = *call->result.outputs[index];
  const std::string name = "output '" + output.name + "'";
  if (output.isMade)
    fail(LOWBIT_ERROR_RUN, "the artifact made " + name + " twice");
  const auto bytes =
      computeBytes(dims, spec.rank, lowbitDTypeGetSize(spec.dtype));
  if (!bytes)
    fail(LOWBIT_ERROR_OUT_OF_MEMORY, name + " is larger than memory");
  output.dims.assign(dims, dims + spec.rank);
  output.tensor = {output.name.c_str(), spec.dtype, spec.rank,
                   output.dims.data(), nullptr};
  output.tensor.data = give(output, *bytes);
  if (!output.tensor.data)
    fail(LOWBIT_ERROR_OUT_OF_MEMORY,
         "out of memory: no " + std::to_string(*bytes) + " bytes for " + name);
  output.isMade = true;
  return output.tensor.data;
}

static void *hostOutput(LowbitCall *call, int32_t index, const int64_t *dims) {
  return guardHost(call, [&]() -> void * {
    return makeOutput(call, index, dims, [&](Output &output, size_t bytes) {
      return call->storage.allocate(index, output, bytes);
    });
  });
}

static void *hostAppend(LowbitCall *call, int32_t input, int32_t axis,
                        int64_t count, int64_t *capacity) {
  return guardHost(call, [&]() -> void * {
    const LowbitEntryPoint &entry = call->entry;
    if (input < 0 || static_cast<uint32_t>(input) >= entry.num_inputs ||
        entry.appends[input] == LOWBIT_NO_APPEND)
      fail(LOWBIT_ERROR_RUN, "the artifact appended to an undeclared input");
    const LowbitTensorSpec &spec = entry.inputs[input];
    if (axis < 1 || axis >= spec.rank || count < 0)
      fail(LOWBIT_ERROR_RUN, "the artifact appended to input '" +
                                 std::string(spec.name) + "' along axis " +
                                 std::to_string(axis));
    const LowbitBuffer &buffer = call->inputs[input];
    const LowbitTensor tensor = {spec.name, spec.dtype, spec.rank, buffer.dims,
                                 const_cast<void *>(buffer.data)};
    std::vector<int64_t> dims(buffer.dims, buffer.dims + spec.rank);
    dims[static_cast<size_t>(axis)] += count;
    const int32_t index = entry.appends[input];
    return makeOutput(
        call, index, dims.data(), [&](Output &output, size_t bytes) {
          return call->storage.append(static_cast<uint32_t>(input), tensor,
                                      axis, index, output, bytes, *capacity);
        });
  });
}

static void hostParallelFor(LowbitCall *call, ThreadPool::Body body,
                            void *context, int64_t count, int64_t grain) {
  if (call->model.threads > 1 && count > grain) {
    ThreadPool *pool = nullptr;
    try {
      pool = &call->model.getPool();
    } catch (...) {
      // Without memory for threads the loop below runs on this one.
    }
    if (pool)
      return pool->parallelFor(body, context, count, grain);
  }
  if (count > 0)
    body(context, 0, count);
}

static void hostFail(LowbitCall *call, const char *message) {
  guardHost(call, [&]() -> void * {
    call->recordFailure(LOWBIT_ERROR_RUN, message ? message : "");
    return nullptr;
  });
}

static const LowbitHost kHost = {hostWorkspace, hostOutput, hostParallelFor,
                                 hostFail, hostAppend};

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

std::unique_ptr<LowbitResult> lowbit::runEntry(const LowbitEntry &entry,
                                               const LowbitBuffer *inputs,
                                               OutputStorage &storage) {
  auto result = std::make_unique<LowbitResult>();
  for (uint32_t i = 0; i < entry.point.num_outputs; ++i)
    result->outputs.push_back(
        std::make_unique<Output>(entry.point.outputs[i].name));
  LowbitCall call(entry, inputs, *result, storage);
  int32_t status;
  {
    DefaultFloatEnvironment environment;
    status = entry.point.run(&kHost, &call, inputs);
  }
  if (call.hasFailed)
    throw call.failure;
  if (status != 0)
    fail(LOWBIT_ERROR_RUN,
         "the model failed with status " + std::to_string(status));
  for (const std::unique_ptr<Output> &output : result->outputs)
    if (!output->isMade)
      fail(LOWBIT_ERROR_RUN,
           "the artifact did not make output '" + output->name + "'");
  return result;
}

LowbitError *lowbitEntryRun(LowbitEntry *entry, const LowbitTensor *inputs,
                            int32_t num_inputs, LowbitOutputCallback allocate,
                            void *user, LowbitResult **result) {
  *result = nullptr;
  return guard([&] {
    Inputs given(entry->point);
    given.match(inputs, num_inputs);
    const std::vector<LowbitBuffer> buffers = given.finish();
    OwnedOutputs owned;
    CallbackOutputs callers(allocate, user);
    OutputStorage &storage =
        allocate ? static_cast<OutputStorage &>(callers) : owned;
    *result = runEntry(*entry, buffers.data(), storage).release();
  });
}

LowbitError *lowbitModelRun(LowbitModel *model, const LowbitTensor *inputs,
                            int32_t num_inputs, LowbitOutputCallback allocate,
                            void *user, LowbitResult **result) {
  return lowbitEntryRun(&model->entries.front(), inputs, num_inputs, allocate,
                        user, result);
}

int32_t lowbitResultGetNumOutputs(const LowbitResult *result) {
  return static_cast<int32_t>(result->outputs.size());
}

const LowbitTensor *lowbitResultGetOutput(const LowbitResult *result,
                                          int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= result->outputs.size())
    return nullptr;
  return &result->outputs[index]->tensor;
}

void *lowbitResultTakeData(LowbitResult *result, int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= result->outputs.size())
    return nullptr;
  return result->outputs[index]->data.release();
}

void lowbitBufferRelease(void *data) { FreeDeleter()(data); }

void lowbitResultDestroy(LowbitResult *result) { delete result; }
