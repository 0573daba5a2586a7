//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Owners of the C API's objects, and one run of the test artifact.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TEST_UNIT_RUNTIME_SUPPORT_H
#define LOWBIT_TEST_UNIT_RUNTIME_SUPPORT_H

#include "TestArtifact.h"
#include "lowbit-c/Runtime.h"

#include <memory>
#include <string>
#include <vector>

struct Destroy {
  void operator()(LowbitModel *model) const { lowbitModelDestroy(model); }
  void operator()(LowbitResult *result) const { lowbitResultDestroy(result); }
};
using ModelPtr = std::unique_ptr<LowbitModel, Destroy>;
using ResultPtr = std::unique_ptr<LowbitResult, Destroy>;

/// The message of `error`, which is freed; empty for no error.
inline std::string takeMessage(LowbitError *error) {
  std::string message = error ? lowbitErrorGetMessage(error) : "";
  lowbitErrorDestroy(error);
  return message;
}

inline ModelPtr loadStatic(int32_t threads = 1,
                           const LowbitArtifact *artifact = &lowbit_artifact) {
  LowbitModel *model = nullptr;
  lowbitErrorDestroy(lowbitModelLoadStatic(artifact, threads, &model));
  return ModelPtr(model);
}

/// Inputs of the test artifact for a batch: x counts up, y is `y` everywhere.
struct Inputs {
  explicit Inputs(int64_t batch, float y = 0.5f, int64_t mode = kAdd)
      : mode(mode), dims{batch, 3}, x(3 * batch), y(3 * batch, y) {
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = static_cast<float>(i);
    tensors = {{"mode", LOWBIT_DTYPE_INT64, 0, nullptr, &this->mode},
               {"x", LOWBIT_DTYPE_FLOAT32, 2, dims, x.data()},
               {"y", LOWBIT_DTYPE_FLOAT32, 2, dims, this->y.data()}};
  }
  Inputs(const Inputs &) = delete;

  /// Runs `model` and returns the message of the error, if any.
  std::string run(const ModelPtr &model,
                  LowbitOutputCallback allocate = nullptr,
                  void *user = nullptr) {
    LowbitResult *made = nullptr;
    LowbitError *error = lowbitModelRun(model.get(), tensors.data(),
                                        static_cast<int32_t>(tensors.size()),
                                        allocate, user, &made);
    result.reset(made);
    return takeMessage(error);
  }
  /// Whether `result` is what it should be.
  bool isSum() const {
    const LowbitTensor *sum = lowbitResultGetOutput(result.get(), 0);
    for (size_t i = 0; i < x.size(); ++i)
      if (static_cast<const float *>(sum->data)[i] != x[i] + y[i])
        return false;
    return sum->dims[0] == dims[0] && sum->dims[1] == 3;
  }

  int64_t mode;
  int64_t dims[2];
  std::vector<float> x, y;
  std::vector<LowbitTensor> tensors;
  ResultPtr result;
};

#endif // LOWBIT_TEST_UNIT_RUNTIME_SUPPORT_H
