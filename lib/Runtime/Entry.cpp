//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The description of entries; that of a model is that of its default entry.
//
//===----------------------------------------------------------------------===//

#include "Model.h"

static bool isIndex(int32_t index, uint32_t count) {
  return index >= 0 && static_cast<uint32_t>(index) < count;
}

int32_t lowbitModelGetNumEntries(const LowbitModel *model) {
  return static_cast<int32_t>(model->entries.size());
}
LowbitEntry *lowbitModelGetEntry(LowbitModel *model, int32_t index) {
  return isIndex(index, model->artifact.num_entries) ? &model->entries[index]
                                                     : nullptr;
}
LowbitEntry *lowbitModelFindEntry(LowbitModel *model, const char *name) {
  return name ? model->findEntry(name) : nullptr;
}

const char *lowbitEntryGetName(const LowbitEntry *entry) {
  return entry->point.name;
}
int32_t lowbitEntryGetNumInputs(const LowbitEntry *entry) {
  return static_cast<int32_t>(entry->point.num_inputs);
}
int32_t lowbitEntryGetNumOutputs(const LowbitEntry *entry) {
  return static_cast<int32_t>(entry->point.num_outputs);
}
const LowbitTensorSpec *lowbitEntryGetInput(const LowbitEntry *entry,
                                            int32_t index) {
  return isIndex(index, entry->point.num_inputs) ? &entry->point.inputs[index]
                                                 : nullptr;
}
const LowbitTensorSpec *lowbitEntryGetOutput(const LowbitEntry *entry,
                                             int32_t index) {
  return isIndex(index, entry->point.num_outputs) ? &entry->point.outputs[index]
                                                  : nullptr;
}
int32_t lowbitEntryGetNumSymbols(const LowbitEntry *entry) {
  return static_cast<int32_t>(entry->point.num_symbols);
}
const char *lowbitEntryGetSymbol(const LowbitEntry *entry, int32_t index) {
  return isIndex(index, entry->point.num_symbols) ? entry->point.symbols[index]
                                                  : nullptr;
}

/// The name of a slot, or null for none.
static const char *getSlotName(const LowbitEntry *entry, int32_t slot) {
  return slot == LOWBIT_NO_SLOT ? nullptr : entry->model.artifact.slots[slot];
}
const char *lowbitEntryGetInputState(const LowbitEntry *entry, int32_t index) {
  return isIndex(index, entry->point.num_inputs)
             ? getSlotName(entry, entry->point.input_slots[index])
             : nullptr;
}
const char *lowbitEntryGetOutputState(const LowbitEntry *entry, int32_t index) {
  return isIndex(index, entry->point.num_outputs)
             ? getSlotName(entry, entry->point.output_slots[index])
             : nullptr;
}

int32_t lowbitModelGetNumInputs(const LowbitModel *model) {
  return lowbitEntryGetNumInputs(&model->entries.front());
}
int32_t lowbitModelGetNumOutputs(const LowbitModel *model) {
  return lowbitEntryGetNumOutputs(&model->entries.front());
}
const LowbitTensorSpec *lowbitModelGetInput(const LowbitModel *model,
                                            int32_t index) {
  return lowbitEntryGetInput(&model->entries.front(), index);
}
const LowbitTensorSpec *lowbitModelGetOutput(const LowbitModel *model,
                                             int32_t index) {
  return lowbitEntryGetOutput(&model->entries.front(), index);
}
int32_t lowbitModelGetNumSymbols(const LowbitModel *model) {
  return lowbitEntryGetNumSymbols(&model->entries.front());
}
const char *lowbitModelGetSymbol(const LowbitModel *model, int32_t index) {
  return lowbitEntryGetSymbol(&model->entries.front(), index);
}
