//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A slot is named after the inputs that it feeds. Two kinds of names get one:
// those that an output of some entry feeds, and those that several entries
// take, so that a mask given to the encoder need not be given to every step
// again.
//
//===----------------------------------------------------------------------===//

#include "StateSlots.h"

#include "Markers.h"
#include "lowbit-c/Artifact.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::lowbit;

/// The input names that an output may feed, the most specific first.
static SmallVector<std::string> getFedNames(StringRef output) {
  SmallVector<std::string> names = {output.str()};
  StringRef rest = output;
  if (rest.consume_front("present")) {
    names.push_back(("past" + rest).str());
    names.push_back(("past_key_values" + rest).str());
  }
  if (output == "last_hidden_state")
    names.push_back("encoder_hidden_states");
  return names;
}

/// Whether a value of one spec can be one of the other: dimensions that are
/// fixed on both sides agree.
static bool isCompatible(const TensorSpec &a, const TensorSpec &b) {
  return a.dtype == b.dtype && a.dims.size() == b.dims.size() &&
         llvm::all_of(llvm::zip_equal(a.dims, b.dims), [](auto pair) {
           auto [x, y] = pair;
           return x < 0 || y < 0 || x == y;
         });
}

/// Whether the same dimensions are fixed, to the same extents: a token by token
/// input is not the sequence that another entry takes under its name.
static bool isSame(const TensorSpec &a, const TensorSpec &b) {
  return isCompatible(a, b) &&
         llvm::all_of(llvm::zip_equal(a.dims, b.dims), [](auto pair) {
           auto [x, y] = pair;
           return (x < 0) == (y < 0);
         });
}

namespace {
class SlotPlanner {
public:
  SlotPlanner(ModuleOp module, ArrayRef<EntryPoint> entries)
      : module(module), entries(entries) {
    for (const EntryPoint &entry : entries) {
      plan.inputs.emplace_back(entry.signature.inputs.size(), LOWBIT_NO_SLOT);
      plan.outputs.emplace_back(entry.signature.outputs.size(), LOWBIT_NO_SLOT);
      for (const TensorSpec &input : entry.signature.inputs)
        ++takers[input.name];
    }
  }

  LogicalResult run() {
    if (failed(readDeclared()))
      return failure();
    for (auto [e, entry] : llvm::enumerate(entries))
      for (auto [o, output] : llvm::enumerate(entry.signature.outputs))
        if (failed(feed(e, o, output)))
          return failure();
    shareInputs();
    return success();
  }

  SlotPlan plan;

private:
  /// The pairs of `lowbit.states`; each must name what exists.
  LogicalResult readDeclared() {
    auto pairs = module->getAttrOfType<ArrayAttr>(kStatesAttr);
    if (!pairs)
      return success();
    for (auto pair : pairs.getAsRange<ArrayAttr>()) {
      StringRef input = cast<StringAttr>(pair[0]).getValue();
      StringRef output = cast<StringAttr>(pair[1]).getValue();
      if (!takers.contains(input))
        return module.emitError("state '")
               << input << "=" << output << "': no model has an input '"
               << input << "'";
      if (llvm::none_of(entries, [&](const EntryPoint &entry) {
            return llvm::any_of(
                entry.signature.outputs,
                [&](const TensorSpec &spec) { return spec.name == output; });
          }))
        return module.emitError("state '")
               << input << "=" << output << "': no model has an output '"
               << output << "'";
      declared[output] = input.str();
    }
    return success();
  }

  int32_t getSlot(StringRef name) {
    auto [it, inserted] = slots.try_emplace(name, plan.names.size());
    if (inserted)
      plan.names.push_back(name.str());
    return it->second;
  }

  /// Gives an output the slot of the inputs that it feeds, if any.
  LogicalResult feed(size_t e, size_t o, const TensorSpec &output) {
    bool isDeclared = declared.contains(output.name);
    std::string name;
    if (isDeclared)
      name = declared.lookup(output.name);
    else
      for (const std::string &candidate : getFedNames(output.name))
        if (takers.contains(candidate)) {
          name = candidate;
          break;
        }
    if (name.empty())
      return success();
    for (auto [f, taker] : llvm::enumerate(entries))
      for (const TensorSpec &input : taker.signature.inputs) {
        if (input.name != name || isCompatible(input, output))
          continue;
        // A step of one fixed length cannot be repeated; that is no error.
        if (f == e && !isDeclared)
          return success();
        return module.emitError("output '")
               << output.name << "' of '" << entries[e].name << "' is "
               << entries[e].signature.describe(output) << ", but input '"
               << name << "' of '" << taker.name << "', which it feeds, is "
               << taker.signature.describe(input);
      }
    int32_t slot = getSlot(name);
    auto outputSlots = MutableArrayRef(plan.outputs[e]);
    const auto *other = llvm::find(outputSlots, slot);
    if (other != outputSlots.end())
      return module.emitError("outputs '")
             << entries[e].signature.outputs[other - outputSlots.begin()].name
             << "' and '" << output.name << "' of '" << entries[e].name
             << "' both become the input '" << name << "'";
    outputSlots[o] = slot;
    for (auto [f, taker] : llvm::enumerate(entries))
      for (auto [i, input] : llvm::enumerate(taker.signature.inputs))
        if (input.name == name)
          plan.inputs[f][i] = slot;
    return success();
  }

  /// Slots for inputs that several entries take and none makes.
  void shareInputs() {
    llvm::StringMap<const TensorSpec *> first;
    llvm::StringMap<bool> fits;
    for (const EntryPoint &entry : entries)
      for (const TensorSpec &input : entry.signature.inputs) {
        const TensorSpec *&spec = first[input.name];
        if (!spec)
          spec = &input;
        auto [it, inserted] = fits.try_emplace(input.name, true);
        it->second &= isSame(*spec, input);
      }
    for (auto [e, entry] : llvm::enumerate(entries))
      for (auto [i, input] : llvm::enumerate(entry.signature.inputs))
        if (plan.inputs[e][i] == LOWBIT_NO_SLOT && takers[input.name] > 1 &&
            fits[input.name])
          plan.inputs[e][i] = getSlot(input.name);
  }

  ModuleOp module;
  ArrayRef<EntryPoint> entries;
  llvm::StringMap<unsigned> takers;      // how many entries take an input
  llvm::StringMap<std::string> declared; // output to input
  llvm::StringMap<int32_t> slots;
};
} // namespace

FailureOr<SlotPlan> mlir::lowbit::planSlots(ModuleOp module,
                                            ArrayRef<EntryPoint> entries) {
  SlotPlanner planner(module, entries);
  if (failed(planner.run()))
    return failure();
  return std::move(planner.plan);
}
