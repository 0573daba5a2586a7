//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parses a target: a base (`native` or a psABI level) and changes to it,
// applied from left to right.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Target/Target.h"

#include "Features.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace mlir::lowbit;
using llvm::StringRef;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static bool isBaseline(StringRef feature) {
  return llvm::is_contained(getBaselineFeatures(), feature);
}

/// Adds what CPUID reports and the operating system enables.
static llvm::Error addHostFeatures(std::set<std::string> &features) {
  if (!llvm::Triple(llvm::sys::getProcessTriple()).isX86())
    return makeError("target 'native': this machine is not an x86-64");
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    if (feature.second && getKnownFeatures().count(feature.first().str()))
      features.insert(feature.first().str());
  return llvm::Error::success();
}

std::vector<std::string> Target::split(StringRef specs) {
  SmallVector<StringRef> parts;
  specs.split(parts, ',');
  std::vector<std::string> targets;
  for (StringRef part : parts) {
    part = part.trim();
    // Features belong to the target in front of them.
    if (targets.empty() || !(part.starts_with("+") || part.starts_with("-")))
      targets.push_back(part.str());
    else
      targets.back() += "," + part.str();
  }
  return targets;
}

llvm::Expected<Target> Target::parse(StringRef spec) {
  SmallVector<StringRef> parts;
  spec.split(parts, ',');
  Target target;
  target.spec = spec.str();
  for (StringRef feature : getBaselineFeatures())
    target.features.insert(feature.str());

  StringRef base = parts.front().trim();
  unsigned level = llvm::StringSwitch<unsigned>(base)
                       .Case("x86-64", 1)
                       .Case("x86-64-v2", 2)
                       .Case("x86-64-v3", 3)
                       .Case("x86-64-v4", 4)
                       .Case("amx", 5)
                       .Default(0);
  if (base == "native") {
    if (llvm::Error error = addHostFeatures(target.features))
      return std::move(error);
  } else if (level == 0) {
    return makeError(
        "unknown target '" + base +
        "', expected 'native', 'x86-64', 'x86-64-v2', "
        "'x86-64-v3', 'x86-64-v4' or 'amx', each optionally followed by "
        "',+feature' and ',-feature'");
  }
  for (unsigned i = 2; i <= level; ++i)
    for (StringRef feature : getLevelFeatures(i))
      addFeature(target.features, feature);

  for (StringRef part : llvm::drop_begin(parts)) {
    StringRef feature = part.trim();
    bool add = feature.consume_front("+");
    if (!add && !feature.consume_front("-"))
      return makeError("target '" + spec +
                       "': expected '+feature' or "
                       "'-feature', got '" +
                       feature + "'");
    if (!getKnownFeatures().count(feature.str()))
      return makeError("target '" + spec + "': unknown feature '" + feature +
                       "', known are " + llvm::join(getKnownFeatures(), ", "));
    if (!add && isBaseline(feature))
      return makeError("target '" + spec + "': feature '" + feature +
                       "' belongs to every x86-64 and cannot be removed");
    if (add)
      addFeature(target.features, feature);
    else
      removeFeature(target.features, feature);
  }
  return target;
}

Target Target::get(Operation *op) {
  ModuleOp module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  if (module)
    if (auto spec = module->getAttrOfType<StringAttr>(kAttrName)) {
      llvm::Expected<Target> target = parse(spec.getValue());
      if (target)
        return *target;
      llvm::consumeError(target.takeError());
    }
  return llvm::cantFail(parse("x86-64"));
}

unsigned Target::getVectorBits() const {
  if (has("avx512f"))
    return 512;
  return has("avx2") ? 256 : 128;
}

std::string Target::getTriple() const { return "x86_64-unknown-linux-gnu"; }

std::string Target::getFeatureString() const {
  std::vector<std::string> flags;
  for (const std::string &feature : features)
    flags.push_back("+" + feature);
  return llvm::join(flags, ",");
}

std::vector<std::string> Target::getFeatures() const {
  return {features.begin(), features.end()};
}
