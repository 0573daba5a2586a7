//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loading: what is accepted, what is refused and with which words.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include "gtest/gtest.h"
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

static std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

static void writeFile(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// The message with which loading `artifact` fails.
static std::string refuse(const LowbitArtifact &artifact, int32_t threads = 1) {
  LowbitModel *model = nullptr;
  std::string message =
      takeMessage(lowbitModelLoadStatic(&artifact, threads, &model));
  EXPECT_EQ(model, nullptr);
  return message;
}

static std::string refuseFile(const std::string &path) {
  LowbitModel *model = nullptr;
  std::string message = takeMessage(lowbitModelLoad(path.c_str(), 1, &model));
  EXPECT_EQ(model, nullptr);
  return message;
}

TEST(LoadTest, Describes) {
  ModelPtr model = loadStatic(3);
  ASSERT_TRUE(model);
  EXPECT_EQ(lowbitModelGetNumInputs(model.get()), 3);
  EXPECT_EQ(lowbitModelGetNumOutputs(model.get()), 2);
  EXPECT_STREQ(lowbitModelGetInput(model.get(), 1)->name, "x");
  EXPECT_EQ(lowbitModelGetInput(model.get(), 3), nullptr);
  EXPECT_EQ(lowbitModelGetInput(model.get(), -1), nullptr);
  EXPECT_EQ(lowbitModelGetOutput(model.get(), 0)->dims[0],
            LOWBIT_DIM_SYMBOL(0));
  EXPECT_EQ(lowbitModelGetNumSymbols(model.get()), 1);
  EXPECT_STREQ(lowbitModelGetSymbol(model.get(), 0), "batch");
  EXPECT_EQ(lowbitModelGetSymbol(model.get(), 1), nullptr);
  EXPECT_STREQ(lowbitModelGetProducer(model.get()), "by hand");
  EXPECT_STREQ(lowbitModelGetTarget(model.get()), "x86-64");
  EXPECT_STREQ(lowbitModelGetReport(model.get()), "{\"matmuls\": []}");
  EXPECT_EQ(lowbitModelGetNumFeatures(model.get()), 0);
  EXPECT_EQ(lowbitModelGetFeature(model.get(), 0), nullptr);
  EXPECT_EQ(lowbitModelGetNumThreads(model.get()), 3);
  ASSERT_EQ(lowbitModelGetNumEntries(model.get()), 1);
  LowbitEntry *entry = lowbitModelGetEntry(model.get(), 0);
  EXPECT_STREQ(lowbitEntryGetName(entry), "add");
  EXPECT_EQ(lowbitModelFindEntry(model.get(), "add"), entry);
  EXPECT_EQ(lowbitModelFindEntry(model.get(), "sub"), nullptr);
  EXPECT_EQ(lowbitModelGetEntry(model.get(), 1), nullptr);
  EXPECT_EQ(lowbitEntryGetInputState(entry, 0), nullptr);
  EXPECT_GE(lowbitModelGetNumThreads(loadStatic(0).get()), 1);
}

TEST(LoadTest, RefusesTables) {
  LowbitArtifact artifact = lowbit_artifact;
  artifact.magic = 1;
  EXPECT_EQ(refuse(artifact), "malformed artifact: wrong magic number");

  artifact = lowbit_artifact;
  artifact.version = 99;
  EXPECT_NE(refuse(artifact).find("artifact has format version 99, but"),
            std::string::npos);

  artifact = lowbit_artifact;
  const char *features[] = {"sse2", "feature-of-the-future"};
  artifact.features = features;
  artifact.num_features = 2;
  EXPECT_NE(refuse(artifact).find("artifact needs feature-of-the-future, "
                                  "which this runtime does not know"),
            std::string::npos);
  artifact.features = nullptr;
  EXPECT_EQ(refuse(artifact), "malformed artifact: bad table of CPU features");

  artifact = lowbit_artifact;
  artifact.producer = nullptr;
  EXPECT_EQ(refuse(artifact), "malformed artifact: no producer or target");
  artifact = lowbit_artifact;
  artifact.num_entries = 0;
  EXPECT_EQ(refuse(artifact), "malformed artifact: bad table of entries");
}

TEST(LoadTest, RefusesEntries) {
  LowbitArtifact artifact = lowbit_artifact;
  LowbitEntryPoint entry = artifact.entries[0];
  artifact.entries = &entry;
  entry.run = nullptr;
  EXPECT_EQ(refuse(artifact),
            "malformed artifact: an entry has no name or no code");

  entry = lowbit_artifact.entries[0];
  LowbitTensorSpec spec = {"x", 99, 0, nullptr};
  entry.inputs = &spec;
  entry.num_inputs = 1;
  EXPECT_EQ(refuse(artifact),
            "malformed artifact: input 0 has unknown element type 99");
  const int64_t dims[] = {LOWBIT_DIM_SYMBOL(1)};
  spec = {"x", LOWBIT_DTYPE_INT8, 1, dims};
  EXPECT_EQ(refuse(artifact),
            "malformed artifact: input 0 names an unknown symbol");
  spec.rank = -1;
  EXPECT_EQ(refuse(artifact), "malformed artifact: input 0 has rank -1");

  entry = lowbit_artifact.entries[0];
  const int32_t slots[] = {LOWBIT_NO_SLOT, 0, LOWBIT_NO_SLOT};
  entry.input_slots = slots;
  EXPECT_EQ(refuse(artifact), "malformed artifact: input 1 has the unknown "
                              "slot 0");
  const char *names[] = {"state"};
  const int32_t shared[] = {0, 0, LOWBIT_NO_SLOT};
  entry.input_slots = shared;
  artifact.slots = names;
  artifact.num_slots = 1;
  EXPECT_EQ(refuse(artifact), "malformed artifact: x and mode share a slot and "
                              "differ in type");
  entry.input_slots = nullptr;
  EXPECT_EQ(refuse(artifact), "malformed artifact: no slots of inputs");
}

TEST(LoadTest, RefusesThreads) {
  EXPECT_EQ(refuse(lowbit_artifact, -1), "threads is -1, expected 0 to 4096");
}

TEST(LoadTest, LoadsFiles) {
  LowbitModel *model = nullptr;
  ASSERT_EQ(takeMessage(lowbitModelLoad(LOWBIT_TEST_ARTIFACT, 1, &model)), "");
  ModelPtr first(model);
  ASSERT_EQ(takeMessage(lowbitModelLoad(LOWBIT_TEST_ARTIFACT, 1, &model)), "");
  ModelPtr second(model);
  first.reset();
  Inputs inputs(5);
  EXPECT_EQ(inputs.run(second), "");
  EXPECT_TRUE(inputs.isSum());
  second.reset();
  EXPECT_TRUE(inputs.isSum()) << "a result outlives its model";
}

TEST(LoadTest, LoadsMemory) {
  const std::string bytes = readFile(LOWBIT_TEST_ARTIFACT);
  std::vector<ModelPtr> models;
  for (int i = 0; i < 3; ++i) {
    LowbitModel *model = nullptr;
    ASSERT_EQ(takeMessage(
                  lowbitModelLoadMemory(bytes.data(), bytes.size(), 1, &model)),
              "");
    models.emplace_back(model);
    Inputs inputs(2);
    EXPECT_EQ(inputs.run(models.back()), "");
    EXPECT_TRUE(inputs.isSum());
  }
}

TEST(LoadTest, SeesReplacedFiles) {
  const std::string path = testing::TempDir() + "lowbit-replaced.so";
  writeFile(path, readFile(LOWBIT_TEST_ARTIFACT));
  LowbitModel *model = nullptr;
  ASSERT_EQ(takeMessage(lowbitModelLoad(path.c_str(), 1, &model)), "");
  ModelPtr old(model);

  // As the compiler does: a new file takes the name.
  writeFile(path + ".new", readFile(LOWBIT_TEST_OTHER_LIBRARY));
  ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  EXPECT_NE(refuseFile(path).find("it exports no 'lowbit_artifact'"),
            std::string::npos);
  Inputs inputs(1);
  EXPECT_EQ(inputs.run(old), "");
  std::remove(path.c_str());
}

TEST(LoadTest, RefusesFiles) {
  EXPECT_EQ(refuseFile(""), "no path of an artifact");
  EXPECT_EQ(refuseFile("/nowhere/model.so"),
            "cannot load '/nowhere/model.so': No such file or directory");
  EXPECT_EQ(refuseFile("/"), "cannot load '/': it is no regular file");
  EXPECT_EQ(refuseFile("/dev/null"),
            "cannot load '/dev/null': it is no regular file");
  EXPECT_EQ(refuseFile(LOWBIT_TEST_OTHER_LIBRARY),
            "cannot load '" LOWBIT_TEST_OTHER_LIBRARY
            "': it is no lowbit artifact: it exports no 'lowbit_artifact'");
  const std::string path = testing::TempDir() + "lowbit-garbage.so";
  writeFile(path, "no ELF file");
  EXPECT_EQ(refuseFile(path), "cannot load '" + path + "': it is no ELF file");
  std::remove(path.c_str());
}

TEST(LoadTest, RefusesEveryTruncation) {
  const std::string bytes = readFile(LOWBIT_TEST_ARTIFACT);
  ASSERT_GT(bytes.size(), 1000u);
  for (size_t size = 0; size < bytes.size(); ++size) {
    LowbitModel *model = nullptr;
    const std::string message =
        takeMessage(lowbitModelLoadMemory(bytes.data(), size, 1, &model));
    ASSERT_EQ(model, nullptr) << size << " of " << bytes.size();
    ASSERT_EQ(message.find("cannot load '<memory>': "), 0u) << message;
  }
}

TEST(LoadTest, RefusesOtherMachines) {
  std::string bytes = readFile(LOWBIT_TEST_ARTIFACT);
  bytes[18] = 8; // e_machine: EM_MIPS
  LowbitModel *model = nullptr;
  const std::string message =
      takeMessage(lowbitModelLoadMemory(bytes.data(), bytes.size(), 1, &model));
  EXPECT_NE(message.find("it is for another machine: expected"),
            std::string::npos);
  EXPECT_NE(message.find("got ELF machine 8"), std::string::npos);
}
