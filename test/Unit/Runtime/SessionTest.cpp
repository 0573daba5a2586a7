//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sessions: what flows from run to run, and what is refused.
//
//===----------------------------------------------------------------------===//

#include "lowbit-c/Session.h"
#include "Support.h"

#include "gtest/gtest.h"
#include <thread>

using Floats = std::vector<float>;
using Rows = std::vector<int64_t>;

namespace {

struct DestroySession {
  void operator()(LowbitSession *session) const {
    lowbitSessionDestroy(session);
  }
};

/// A session of the program in StepArtifact.c.
class SessionTest : public testing::Test {
protected:
  using SessionPtr = std::unique_ptr<LowbitSession, DestroySession>;

  SessionTest() : model(loadStatic(1, &lowbit_step_artifact)) {
    LowbitSession *made = nullptr;
    EXPECT_EQ(takeMessage(lowbitSessionCreate(model.get(), nullptr, &made)),
              "");
    session.reset(made);
  }

  /// Starts on `rows` sentences of the words `words`, row by row.
  std::string start(int64_t rows, std::vector<int64_t> words) {
    const int64_t dims[] = {rows, static_cast<int64_t>(words.size()) / rows};
    LowbitTensor src = {"src", LOWBIT_DTYPE_INT64, 2, dims, words.data()};
    LowbitResult *made = nullptr;
    std::string message =
        takeMessage(lowbitSessionStart(session.get(), &src, 1, &made));
    result.reset(made);
    return message;
  }

  std::string step(Floats x, LowbitSession *of = nullptr) {
    const int64_t rows = static_cast<int64_t>(x.size());
    LowbitTensor input = {"x", LOWBIT_DTYPE_FLOAT32, 1, &rows, x.data()};
    LowbitResult *made = nullptr;
    std::string message = takeMessage(
        lowbitSessionStep(of ? of : session.get(), &input, 1, &made));
    result.reset(made);
    return message;
  }

  std::string reorder(Rows rows) {
    return takeMessage(lowbitSessionReorder(session.get(), rows.data(),
                                            static_cast<int32_t>(rows.size())));
  }

  /// The only output of the last run that is no state.
  Floats output() const {
    EXPECT_EQ(lowbitResultGetNumOutputs(result.get()), 1);
    return toFloats(*lowbitResultGetOutput(result.get(), 0));
  }
  /// A copy of a state.
  ResultPtr copy(const char *name, LowbitSession *of = nullptr) const {
    LowbitResult *made = nullptr;
    EXPECT_EQ(takeMessage(
                  lowbitSessionGetState(of ? of : session.get(), name, &made)),
              "");
    return ResultPtr(made);
  }
  Floats state(const char *name, LowbitSession *of = nullptr) const {
    return toFloats(*lowbitResultGetOutput(copy(name, of).get(), 0));
  }
  std::string stateMessage(const char *name) const {
    LowbitResult *made = nullptr;
    return takeMessage(lowbitSessionGetState(session.get(), name, &made));
  }

  static Floats toFloats(const LowbitTensor &tensor) {
    int64_t count = 1;
    for (int32_t d = 0; d < tensor.rank; ++d)
      count *= tensor.dims[d];
    const float *data = static_cast<const float *>(tensor.data);
    return Floats(data, data + count);
  }

  ModelPtr model;
  SessionPtr session;
  ResultPtr result;
};

} // namespace

TEST_F(SessionTest, CarriesStateFromStepToStep) {
  ASSERT_EQ(start(2, {1, 2, 10, 20}), "");
  EXPECT_STREQ(lowbitResultGetOutput(result.get(), 0)->name, "total");
  EXPECT_EQ(output(), (Floats{3, 30}));
  ASSERT_EQ(step({100, 200}), "");
  EXPECT_STREQ(lowbitResultGetOutput(result.get(), 0)->name, "y");
  EXPECT_EQ(output(), (Floats{103, 230}));
  ASSERT_EQ(step({1, 2}), "");
  EXPECT_EQ(output(), (Floats{104, 232}));
  EXPECT_EQ(state("past_k"), (Floats{100, 1, 200, 2}));
  EXPECT_EQ(state("past_v"), (Floats{100, 1, -100, -1, 200, 2, -200, -2}));
  EXPECT_EQ(state("ring"), (Floats{101, 0, 0, 0, 202, 0, 0, 0}));
  ResultPtr count = copy("count");
  EXPECT_EQ(*static_cast<const int64_t *>(
                lowbitResultGetOutput(count.get(), 0)->data),
            2);
  EXPECT_EQ(lowbitSessionGetNumSteps(session.get()), 2);
}

TEST_F(SessionTest, GrowsRarely) {
  ASSERT_EQ(start(1, {0}), "");
  size_t memory = 0;
  int growths = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(step({1}), "");
    const size_t now = lowbitSessionGetMemory(session.get());
    growths += now != memory;
    memory = now;
  }
  EXPECT_EQ(output(), (Floats{1000}));
  EXPECT_LT(growths, 36);
  EXPECT_LT(memory, 60000u);
  Floats values = state("past_v");
  ASSERT_EQ(values.size(), 2000u);
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(values[i], i < 1000 ? 1 : -1);
  ASSERT_EQ(takeMessage(lowbitSessionReset(session.get())), "");
  EXPECT_EQ(lowbitSessionGetMemory(session.get()), memory);
}

TEST_F(SessionTest, AppendsNothing) {
  ASSERT_EQ(start(1, {1}), "");
  for (float x : {99.0f, 1.0f, 99.0f, 2.0f, 99.0f})
    ASSERT_EQ(step({x}), "");
  EXPECT_EQ(state("past_v"), (Floats{1, 2, -1, -2}));
}

TEST_F(SessionTest, AFailedStepChangesNothing) {
  ASSERT_EQ(start(1, {5}), "");
  ASSERT_EQ(step({1}), "");
  EXPECT_EQ(step({-1}), "'step': node 'check': x is negative");
  EXPECT_EQ(state("past_k"), (Floats{1}));
  EXPECT_EQ(state("past_v"), (Floats{1, -1}));
  EXPECT_EQ(lowbitSessionGetNumSteps(session.get()), 1);
  ASSERT_EQ(step({2}), "");
  EXPECT_EQ(output(), (Floats{8}));
}

TEST_F(SessionTest, Reorders) {
  ASSERT_EQ(start(2, {1, 10}), "");
  ASSERT_EQ(step({100, 200}), "");
  // Two beams of each sentence, then the other way round, then one is left.
  ASSERT_EQ(reorder({0, 0, 1, 1}), "");
  ASSERT_EQ(step({1, 2, 3, 4}), "");
  EXPECT_EQ(output(), (Floats{102, 103, 213, 214}));
  ASSERT_EQ(reorder({1, 1, 3, 2}), "");
  EXPECT_EQ(state("past_k"), (Floats{100, 2, 100, 2, 200, 4, 200, 3}));
  EXPECT_EQ(state("memory"), (Floats{1, 1, 10, 10}));
  ASSERT_EQ(reorder({3}), "");
  ASSERT_EQ(step({7}), "");
  EXPECT_EQ(state("past_v"), (Floats{200, 3, 7, -200, -3, -7}));
  ASSERT_EQ(reorder({0, 0}), "");
  ASSERT_EQ(step({8, 9}), "");
  EXPECT_EQ(state("past_v"), (Floats{200, 3, 7, 8, -200, -3, -7, -8, 200, 3, 7,
                                     9, -200, -3, -7, -9}));
  EXPECT_EQ(state("past_k"), (Floats{200, 3, 7, 8, 200, 3, 7, 9}));
}

TEST_F(SessionTest, ReordersInEveryWay) {
  // All maps of four rows to at most four, against a copy row by row.
  for (size_t count : {1, 3, 4})
    for (int64_t code = 0; code < 256; ++code) {
      Rows rows;
      for (size_t i = 0; i < count; ++i)
        rows.push_back(code >> (2 * i) & 3);
      ASSERT_EQ(start(4, {1, 2, 3, 4}), "");
      ASSERT_EQ(step({10, 20, 30, 40}), "");
      ASSERT_EQ(step({1, 2, 3, 4}), "");
      // Twice: the second time rows may be equal.
      Rows twice;
      for (int64_t row : rows)
        if (static_cast<size_t>(row) < count)
          twice.push_back(rows[static_cast<size_t>(row)]);
      ASSERT_EQ(reorder(rows), "");
      if (twice.size() == count) {
        ASSERT_EQ(reorder(rows), "");
        rows = twice;
      }
      Floats keys, values, memory;
      for (int64_t row : rows) {
        const float one = static_cast<float>(row + 1), ten = 10 * one;
        keys.insert(keys.end(), {ten, one});
        values.insert(values.end(), {ten, one, -ten, -one});
        memory.push_back(one);
      }
      ASSERT_EQ(state("past_k"), keys) << code;
      ASSERT_EQ(state("past_v"), values) << code;
      ASSERT_EQ(state("memory"), memory) << code;
    }
}

TEST_F(SessionTest, DropsRows) {
  ASSERT_EQ(start(2, {1, 10}), "");
  ASSERT_EQ(step({100, 200}), "");
  ASSERT_EQ(reorder({0, 0, 1, 1}), "");
  ASSERT_EQ(step({1, 2, 3, 4}), "");
  ASSERT_EQ(reorder({2}), "");
  EXPECT_EQ(state("past_k"), (Floats{200, 3}));
  EXPECT_EQ(state("memory"), (Floats{10}));
  ASSERT_EQ(step({0}), "");
  EXPECT_EQ(output(), (Floats{213}));
}

TEST_F(SessionTest, Forks) {
  ASSERT_EQ(start(1, {1}), "");
  ASSERT_EQ(step({10}), "");
  LowbitSession *made = nullptr;
  ASSERT_EQ(takeMessage(lowbitSessionFork(session.get(), &made)), "");
  SessionPtr fork(made);
  EXPECT_EQ(lowbitSessionGetNumSteps(fork.get()), 1);
  for (float x : {1.0f, 2.0f, 3.0f}) {
    ASSERT_EQ(step({x}), "");
    ASSERT_EQ(step({100 * x}, fork.get()), "");
  }
  EXPECT_EQ(state("past_k"), (Floats{10, 1, 2, 3}));
  EXPECT_EQ(state("past_v"), (Floats{10, 1, 2, 3, -10, -1, -2, -3}));
  EXPECT_EQ(state("past_k", fork.get()), (Floats{10, 100, 200, 300}));
  EXPECT_EQ(state("past_v", fork.get()),
            (Floats{10, 100, 200, 300, -10, -100, -200, -300}));
  session.reset();
  ASSERT_EQ(step({0}, fork.get()), "");
  EXPECT_EQ(output(), (Floats{611}));
}

TEST_F(SessionTest, StartsAgain) {
  ASSERT_EQ(start(1, {1, 2, 3}), "");
  ASSERT_EQ(step({10}), "");
  ASSERT_EQ(start(2, {1, 2}), "");
  EXPECT_EQ(lowbitSessionGetNumSteps(session.get()), 0);
  ASSERT_EQ(step({10, 20}), "");
  EXPECT_EQ(output(), (Floats{11, 22}));
}

TEST_F(SessionTest, SetsStates) {
  ASSERT_EQ(start(2, {1, 2}), "");
  float values[] = {5, 6, 7, 8};
  int64_t dims[] = {2, 2};
  LowbitTensor past = {"past_k", LOWBIT_DTYPE_FLOAT32, 2, dims, values};
  ASSERT_EQ(takeMessage(lowbitSessionSetState(session.get(), &past)), "");
  values[0] = 0; // it was copied
  ASSERT_EQ(step({0, 0}), "");
  EXPECT_EQ(output(), (Floats{12, 17}));
  past.dtype = LOWBIT_DTYPE_FLOAT64;
  EXPECT_EQ(takeMessage(lowbitSessionSetState(session.get(), &past)),
            "input 'past_k' is float64, expected float32");
  past.name = "future_k";
  EXPECT_EQ(takeMessage(lowbitSessionSetState(session.get(), &past)),
            "there is no state 'future_k'");
}

TEST_F(SessionTest, RunsOneEntry) {
  LowbitEntry *encode = lowbitModelFindEntry(model.get(), "encode");
  int64_t words[] = {1, 2};
  const int64_t dims[] = {1, 2};
  LowbitTensor src = {"src", LOWBIT_DTYPE_INT64, 2, dims, words};
  LowbitResult *made = nullptr;
  ASSERT_EQ(
      takeMessage(lowbitSessionRun(session.get(), encode, &src, 1, &made)), "");
  result.reset(made);
  EXPECT_EQ(state("memory"), (Floats{1, 2}));
  // The input of a run is not kept; that of a start is.
  EXPECT_EQ(step({1}), "'step': missing input 'src'");
  ModelPtr other = loadStatic();
  EXPECT_EQ(takeMessage(lowbitSessionRun(session.get(),
                                         lowbitModelGetEntry(other.get(), 0),
                                         &src, 1, &made)),
            "the entry is not one of the session's model");
}

TEST_F(SessionTest, RefusesStepsWithoutStart) {
  EXPECT_EQ(step({1}), "'step': missing input 'src', 'memory' (made by "
                       "'encode'); the session has not been started");
  EXPECT_EQ(reorder({0}), "nothing to reorder: the session has no state yet");
  EXPECT_EQ(stateMessage("past_k"), "state 'past_k' is not set yet");
  EXPECT_EQ(stateMessage("future_k"), "there is no state 'future_k'");
}

TEST_F(SessionTest, RefusesWhatDoesNotFit) {
  ASSERT_EQ(start(2, {1, 2}), "");
  EXPECT_EQ(step({1}), "'step': input 'src' dimension 0 is 2, but 'B' is 1 in "
                       "'x'");
  ASSERT_EQ(step({1, 2}), "");
  EXPECT_EQ(reorder({0, 2}), "row 2 at position 1 is out of range: the session "
                             "has 2 rows");
  EXPECT_EQ(reorder({-1}), "row -1 at position 0 is out of range: the session "
                           "has 2 rows");
  EXPECT_EQ(reorder({}), "reorder wants at least one row, got 0");
  // Lengths that disagree.
  float values[] = {5, 6, 7};
  int64_t dims[] = {3, 1};
  LowbitTensor past = {"past_k", LOWBIT_DTYPE_FLOAT32, 2, dims, values};
  ASSERT_EQ(takeMessage(lowbitSessionSetState(session.get(), &past)), "");
  EXPECT_EQ(step({1, 2}), "'step': input 'past_k' dimension 0 is 3, but 'B' is "
                          "2 in 'x'");
  EXPECT_EQ(reorder({0}), "cannot reorder: state 'past_k' has 3 rows, but "
                          "'memory' has 2");
}

TEST_F(SessionTest, RefusesStarts) {
  ASSERT_EQ(start(1, {1}), "");
  float value = 0;
  const int64_t rows = 1;
  LowbitTensor x = {"x", LOWBIT_DTYPE_FLOAT32, 1, &rows, &value};
  LowbitResult *made = nullptr;
  EXPECT_EQ(takeMessage(lowbitSessionStart(session.get(), &x, 1, &made)),
            "'encode': missing input 'src'; the session has not been started");
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(stateMessage("memory"), "state 'memory' is not set yet");
  int64_t word = 0;
  const int64_t dims[] = {1, 1};
  LowbitTensor both[] = {{"src", LOWBIT_DTYPE_INT64, 2, dims, &word}, x};
  EXPECT_EQ(takeMessage(lowbitSessionStart(session.get(), both, 2, &made)),
            "input 'x' is neither a state nor an input of an entry that "
            "starts");
  both[0].name = nullptr;
  EXPECT_EQ(takeMessage(lowbitSessionStart(session.get(), both, 1, &made)),
            "an input of a session's start needs a name");
}

TEST_F(SessionTest, FindsTheStep) {
  LowbitSession *made = nullptr;
  EXPECT_EQ(takeMessage(lowbitSessionCreate(model.get(), "steps", &made)),
            "no entry 'steps', expected one of 'encode', 'step'");
  EXPECT_EQ(made, nullptr);
  ModelPtr stateless = loadStatic();
  EXPECT_EQ(takeMessage(lowbitSessionCreate(stateless.get(), nullptr, &made)),
            "no entry has an output that becomes one of its inputs, such as "
            "'present_k' and 'past_k': nothing to step through");
}

TEST_F(SessionTest, ForksRunConcurrently) {
  ASSERT_EQ(start(1, {0}), "");
  ASSERT_EQ(step({1}), "");
  std::vector<SessionPtr> forks;
  for (int i = 0; i < 4; ++i) {
    LowbitSession *made = nullptr;
    ASSERT_EQ(takeMessage(lowbitSessionFork(session.get(), &made)), "");
    forks.emplace_back(made);
  }
  std::vector<std::thread> threads;
  std::vector<float> sums(forks.size());
  for (size_t i = 0; i < forks.size(); ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 200; ++n) {
        float x = static_cast<float>(i);
        const int64_t rows = 1;
        LowbitTensor input = {"x", LOWBIT_DTYPE_FLOAT32, 1, &rows, &x};
        LowbitResult *made = nullptr;
        lowbitErrorDestroy(lowbitSessionStep(forks[i].get(), &input, 1, &made));
        ResultPtr owner(made);
        sums[i] = made ? toFloats(*lowbitResultGetOutput(made, 0))[0] : -1;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (size_t i = 0; i < forks.size(); ++i)
    EXPECT_EQ(sums[i], static_cast<float>(1 + 200 * i));
  EXPECT_EQ(state("past_k"), (Floats{1}));
  EXPECT_EQ(state("past_v"), (Floats{1, -1}));
}
