//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loading: the table of contents is read with suspicion, since it comes from a
// file; after these checks the rest of the runtime relies on it.
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "CPU.h"
#include "Error.h"

#include <string>
#include <vector>

using namespace lowbit;

/// Bounds that no compiled model comes near.
static constexpr uint32_t kMaxEntries = 1u << 16;
static constexpr int32_t kMaxRank = 64;
static constexpr int32_t kMaxThreads = 4096;

[[noreturn]] static void failMalformed(const std::string &what) {
  fail(LOWBIT_ERROR_FILE, "malformed artifact: " + what);
}

static void checkNames(const char *const *names, uint32_t count,
                       const char *what) {
  if (count > kMaxEntries || (count != 0 && !names))
    failMalformed(std::string("bad table of ") + what);
  for (uint32_t i = 0; i < count; ++i)
    if (!names[i])
      failMalformed(std::string("null in the table of ") + what);
}

static void checkSpecs(const LowbitEntryPoint &entry,
                       const LowbitTensorSpec *specs, uint32_t count,
                       const char *what) {
  if (count > kMaxEntries || (count != 0 && !specs))
    failMalformed(std::string("bad table of ") + what + "s");
  for (uint32_t i = 0; i < count; ++i) {
    const LowbitTensorSpec &spec = specs[i];
    const std::string name = what + std::string(" ") + std::to_string(i);
    if (!spec.name)
      failMalformed(name + " has no name");
    if (lowbitDTypeGetSize(spec.dtype) == 0)
      failMalformed(name + " has unknown element type " +
                    std::to_string(spec.dtype));
    if (spec.rank < 0 || spec.rank > kMaxRank || (spec.rank && !spec.dims))
      failMalformed(name + " has rank " + std::to_string(spec.rank));
    for (int32_t d = 0; d < spec.rank; ++d)
      if (spec.dims[d] <
          LOWBIT_DIM_SYMBOL(static_cast<int64_t>(entry.num_symbols) - 1))
        failMalformed(name + " names an unknown symbol");
  }
}

static void checkSlots(const LowbitArtifact &artifact, const int32_t *slots,
                       uint32_t count, const char *what) {
  if (count != 0 && !slots)
    failMalformed(std::string("no slots of ") + what + "s");
  for (uint32_t i = 0; i < count; ++i)
    if (slots[i] != LOWBIT_NO_SLOT &&
        (slots[i] < 0 || static_cast<uint32_t>(slots[i]) >= artifact.num_slots))
      failMalformed(what + std::string(" ") + std::to_string(i) +
                    " has the unknown slot " + std::to_string(slots[i]));
}

/// An output that appends to an input has its element type and rank.
static void checkAppends(const LowbitEntryPoint &entry) {
  if (entry.num_inputs != 0 && !entry.appends)
    failMalformed("no table of appends");
  for (uint32_t i = 0; i < entry.num_inputs; ++i) {
    const int32_t output = entry.appends[i];
    if (output == LOWBIT_NO_APPEND)
      continue;
    if (output < 0 || static_cast<uint32_t>(output) >= entry.num_outputs ||
        entry.outputs[output].dtype != entry.inputs[i].dtype ||
        entry.outputs[output].rank != entry.inputs[i].rank)
      failMalformed("input " + std::to_string(i) +
                    " is appended to by output " + std::to_string(output));
  }
}

static void checkEntry(const LowbitArtifact &artifact,
                       const LowbitEntryPoint &entry) {
  if (!entry.name || !entry.run)
    failMalformed("an entry has no name or no code");
  checkNames(entry.symbols, entry.num_symbols, "symbols");
  checkSpecs(entry, entry.inputs, entry.num_inputs, "input");
  checkSpecs(entry, entry.outputs, entry.num_outputs, "output");
  checkSlots(artifact, entry.input_slots, entry.num_inputs, "input");
  checkSlots(artifact, entry.output_slots, entry.num_outputs, "output");
  checkAppends(entry);
}

/// All inputs and outputs of a slot have one element type and rank.
static void checkSlotTypes(const LowbitArtifact &artifact) {
  std::vector<const LowbitTensorSpec *> first(artifact.num_slots, nullptr);
  auto check = [&](const LowbitTensorSpec *specs, const int32_t *slots,
                   uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      if (slots[i] == LOWBIT_NO_SLOT)
        continue;
      const LowbitTensorSpec *&other = first[static_cast<size_t>(slots[i])];
      if (!other)
        other = &specs[i];
      if (other->dtype != specs[i].dtype || other->rank != specs[i].rank)
        failMalformed(std::string(specs[i].name) + " and " + other->name +
                      " share a slot and differ in type");
    }
  };
  for (uint32_t i = 0; i < artifact.num_entries; ++i) {
    const LowbitEntryPoint &entry = artifact.entries[i];
    check(entry.inputs, entry.input_slots, entry.num_inputs);
    check(entry.outputs, entry.output_slots, entry.num_outputs);
  }
}

void lowbit::checkArtifact(const LowbitArtifact &artifact, const CPU &cpu) {
  if (artifact.magic != LOWBIT_ARTIFACT_MAGIC)
    failMalformed("wrong magic number");
  if (artifact.version != LOWBIT_ARTIFACT_VERSION)
    fail(LOWBIT_ERROR_UNSUPPORTED,
         "artifact has format version " + std::to_string(artifact.version) +
             ", but this runtime (" LOWBIT_VERSION ") reads version " +
             std::to_string(LOWBIT_ARTIFACT_VERSION) + "; recompile the model");
  checkNames(artifact.features, artifact.num_features, "CPU features");
  const std::vector<std::string> features(
      artifact.features, artifact.features + artifact.num_features);
  if (std::string refusal = cpu.refuse(features); !refusal.empty())
    fail(LOWBIT_ERROR_UNSUPPORTED, refusal);
  for (const std::string &feature : features)
    if (feature.compare(0, 4, "amx-") == 0 && !requestAMX())
      fail(LOWBIT_ERROR_UNSUPPORTED,
           "artifact needs " + feature +
               ", which the operating system does not grant; recompile with "
               "--target=" +
               cpu.getLevel());

  if (!artifact.producer || !artifact.target)
    failMalformed("no producer or target");
  if (artifact.num_entries == 0 || artifact.num_entries > kMaxEntries ||
      !artifact.entries)
    failMalformed("bad table of entries");
  checkNames(artifact.slots, artifact.num_slots, "slots");
  for (uint32_t i = 0; i < artifact.num_entries; ++i)
    checkEntry(artifact, artifact.entries[i]);
  checkSlotTypes(artifact);
}

//===----------------------------------------------------------------------===//
// LowbitModel
//===----------------------------------------------------------------------===//

static int32_t resolveThreads(int32_t threads) {
  if (threads < 0 || threads > kMaxThreads)
    fail(LOWBIT_ERROR_INVALID_ARGUMENT,
         "threads is " + std::to_string(threads) + ", expected 0 to " +
             std::to_string(kMaxThreads));
  return threads == 0 ? getNumUsableCores() : threads;
}

LowbitModel::LowbitModel(std::unique_ptr<Library> library,
                         const LowbitArtifact &artifact, int32_t threads)
    : library(std::move(library)), artifact(artifact),
      threads(resolveThreads(threads)) {
  checkArtifact(artifact, CPU::host());
  entries.reserve(artifact.num_entries);
  for (uint32_t i = 0; i < artifact.num_entries; ++i)
    entries.push_back({*this, artifact.entries[i]});
}

LowbitEntry *LowbitModel::findEntry(const std::string &name) {
  for (LowbitEntry &entry : entries)
    if (name == entry.point.name)
      return &entry;
  return nullptr;
}

LowbitModel::~LowbitModel() { ThreadPoolDeleter()(pool.load()); }

ThreadPool &LowbitModel::getPool() {
  ThreadPool *current = pool.load(std::memory_order_acquire);
  if (current && current->isAlive())
    return *current;
  ThreadPoolPtr fresh(new ThreadPool(threads));
  if (pool.compare_exchange_strong(current, fresh.get(),
                                   std::memory_order_acq_rel))
    return *fresh.release();
  return *current; // another run was faster
}

/// Whether the CPU has all that an artifact, which may be malformed, needs.
static bool canRun(const LowbitArtifact &artifact, const CPU &cpu) {
  if (artifact.magic != LOWBIT_ARTIFACT_MAGIC ||
      artifact.version != LOWBIT_ARTIFACT_VERSION)
    return false;
  checkNames(artifact.features, artifact.num_features, "CPU features");
  return cpu
      .refuse({artifact.features, artifact.features + artifact.num_features})
      .empty();
}

/// The table of contents that a library exports; of those for several targets
/// the one with the most features among those that the CPU can run, else the
/// first, whose check says what is missing.
static const LowbitArtifact &findArtifact(const Library &library,
                                          const CPU &cpu) {
  const void *symbol = library.getSymbol(LOWBIT_ARTIFACT_SYMBOL);
  if (!symbol)
    fail(LOWBIT_ERROR_FILE,
         "it is no lowbit artifact: it exports no '" LOWBIT_ARTIFACT_SYMBOL
         "'");
  const auto *first = static_cast<const LowbitArtifact *>(symbol);
  const LowbitArtifact *best = canRun(*first, cpu) ? first : nullptr;
  for (int i = 1;; ++i) {
    const std::string name = LOWBIT_ARTIFACT_SYMBOL "_" + std::to_string(i);
    symbol = library.getSymbol(name.c_str());
    if (!symbol)
      break;
    const auto *other = static_cast<const LowbitArtifact *>(symbol);
    if (canRun(*other, cpu) &&
        (!best || other->num_features > best->num_features))
      best = other;
  }
  return best ? *best : *first;
}

/// Makes a model of a library; errors name the file.
static LowbitModel *makeModel(std::unique_ptr<Library> library,
                              const std::string &name, int32_t threads) {
  try {
    const LowbitArtifact &artifact = findArtifact(*library, CPU::host());
    return new LowbitModel(std::move(library), artifact, threads);
  } catch (Failure &failure) {
    if (failure.code == LOWBIT_ERROR_INVALID_ARGUMENT)
      throw;
    failure.message = "cannot load '" + name + "': " + failure.message;
    throw;
  }
}

LowbitError *lowbitModelLoad(const char *path, int32_t threads,
                             LowbitModel **model) {
  *model = nullptr;
  return guard([&] {
    if (!path || !*path)
      fail(LOWBIT_ERROR_INVALID_ARGUMENT, "no path of an artifact");
    *model = makeModel(Library::open(path), path, threads);
  });
}

LowbitError *lowbitModelLoadMemory(const void *data, size_t size,
                                   int32_t threads, LowbitModel **model) {
  *model = nullptr;
  return guard([&] {
    if (!data && size)
      fail(LOWBIT_ERROR_INVALID_ARGUMENT, "no artifact data");
    *model = makeModel(Library::openMemory(data, size), "<memory>", threads);
  });
}

LowbitError *lowbitModelLoadStatic(const LowbitArtifact *artifact,
                                   int32_t threads, LowbitModel **model) {
  *model = nullptr;
  return guard([&] {
    if (!artifact)
      fail(LOWBIT_ERROR_INVALID_ARGUMENT, "no artifact");
    *model = new LowbitModel(nullptr, *artifact, threads);
  });
}

void lowbitModelDestroy(LowbitModel *model) { delete model; }

//===----------------------------------------------------------------------===//
// Description
//===----------------------------------------------------------------------===//

int32_t lowbitModelGetNumFeatures(const LowbitModel *model) {
  return static_cast<int32_t>(model->artifact.num_features);
}
const char *lowbitModelGetFeature(const LowbitModel *model, int32_t index) {
  return index >= 0 &&
                 static_cast<uint32_t>(index) < model->artifact.num_features
             ? model->artifact.features[index]
             : nullptr;
}

const char *lowbitModelGetProducer(const LowbitModel *model) {
  return model->artifact.producer;
}
const char *lowbitModelGetTarget(const LowbitModel *model) {
  return model->artifact.target;
}
const char *lowbitModelGetReport(const LowbitModel *model) {
  return model->artifact.report;
}
int32_t lowbitModelGetNumThreads(const LowbitModel *model) {
  return model->threads;
}

int32_t lowbitMachineHasFeature(const char *feature) {
  try {
    if (!CPU::knows(feature))
      return -1;
    return CPU::host().has(feature) ? 1 : 0;
  } catch (...) {
    return -1;
  }
}
