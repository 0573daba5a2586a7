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

#include "Error.h"
#include "Inputs.h"
#include "Memory.h"
#include "Model.h"

#include <cfenv>
#include <mutex>
#include <string>
#include <vector>

using namespace lowbit;

namespace {

struct Output {
  LowbitTensor tensor = {};
  std::string name;
  std::vector<int64_t> dims;
  Buffer data; ///< null when the caller owns the storage or has taken it
  bool isMade = false;
};

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

} // namespace

struct LowbitResult {
  std::vector<Output> outputs;
};

/// A run in progress.
struct LowbitCall {
  LowbitCall(LowbitModel &model, LowbitResult &result,
             LowbitOutputCallback callback, void *user)
      : model(model), result(result), callback(callback), user(user) {}
  ~LowbitCall() { model.workspaces.giveBack(std::move(workspace)); }

  void recordFailure(LowbitErrorCode code, std::string message) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!hasFailed)
      failure = {code, std::move(message)};
    hasFailed = true;
  }

  LowbitModel &model;
  LowbitResult &result;
  const LowbitOutputCallback callback;
  void *const user;
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

static void *hostOutput(LowbitCall *call, int32_t index, const int64_t *dims) {
  return guardHost(call, [&]() -> void * {
    const LowbitArtifact &artifact = call->model.artifact;
    if (index < 0 || static_cast<uint32_t>(index) >= artifact.num_outputs)
      fail(LOWBIT_ERROR_RUN, "the artifact made an undeclared output");
    const LowbitTensorSpec &spec = artifact.outputs[index];
    Output &output = call->result.outputs[index];
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
    if (call->callback) {
      output.tensor.data =
          call->callback(call->user, index, &output.tensor, *bytes);
    } else {
      output.data = allocate(*bytes);
      output.tensor.data = output.data.get();
    }
    if (!output.tensor.data)
      fail(LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory: no " +
                                           std::to_string(*bytes) +
                                           " bytes for " + name);
    output.isMade = true;
    return output.tensor.data;
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
                                 hostFail};

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// Calls the entry and makes a failure of everything that is not a success.
static void callEntry(LowbitCall &call, const LowbitBuffer *inputs) {
  int32_t status;
  {
    DefaultFloatEnvironment environment;
    status = call.model.artifact.entry(&kHost, &call, inputs);
  }
  if (call.hasFailed)
    throw call.failure;
  if (status != 0)
    fail(LOWBIT_ERROR_RUN,
         "the model failed with status " + std::to_string(status));
  for (const Output &output : call.result.outputs)
    if (!output.isMade)
      fail(LOWBIT_ERROR_RUN,
           "the artifact did not make output '" + output.name + "'");
}

LowbitError *lowbitModelRun(LowbitModel *model, const LowbitTensor *inputs,
                            int32_t num_inputs, LowbitOutputCallback allocate,
                            void *user, LowbitResult **result) {
  *result = nullptr;
  return guard([&] {
    const LowbitArtifact &artifact = model->artifact;
    const std::vector<LowbitBuffer> buffers =
        bindInputs(artifact, inputs, num_inputs);
    auto made = std::make_unique<LowbitResult>();
    made->outputs.resize(artifact.num_outputs);
    for (uint32_t i = 0; i < artifact.num_outputs; ++i)
      made->outputs[i].name = artifact.outputs[i].name;
    LowbitCall call(*model, *made, allocate, user);
    callEntry(call, buffers.data());
    *result = made.release();
  });
}

int32_t lowbitResultGetNumOutputs(const LowbitResult *result) {
  return static_cast<int32_t>(result->outputs.size());
}

const LowbitTensor *lowbitResultGetOutput(const LowbitResult *result,
                                          int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= result->outputs.size())
    return nullptr;
  return &result->outputs[index].tensor;
}

void *lowbitResultTakeData(LowbitResult *result, int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= result->outputs.size())
    return nullptr;
  return result->outputs[index].data.release();
}

void lowbitBufferRelease(void *data) { FreeDeleter()(data); }

void lowbitResultDestroy(LowbitResult *result) { delete result; }
