//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-pack-states. Where all that reads a state is one quantizer of few
// levels that works element by element, the state can hold codes in place of
// numbers:
//
//   %present = concat(%past, %k)              %new = pack(quantize(%k))
//   %codes = quantize(%present)         ->    %present = concat(%past, %new)
//   return %present                           %codes = unpack(%present)
//
// An output that feeds such a state from another entry is packed where it is
// returned. Whoever reads or writes the state must agree, so a program is
// looked at as a whole.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "CacheAppend.h"
#include "StateSlots.h"
#include "lowbit-c/Artifact.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITPACKSTATES
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Codes of more bits are not worth unpacking at every step.
static constexpr unsigned kMostPlanes = 2;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool isReshape(Operation *op) {
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op);
}

namespace {

/// How all readers of a state quantize it.
struct ElementQuantizer {
  LevelsType levels;
  Rounding rounding;
  Attribute scale; ///< null without one
  bool operator==(const ElementQuantizer &other) const {
    return levels == other.levels && rounding == other.rounding &&
           scale == other.scale;
  }
};

/// Empty for a quantizer whose codes depend on more than an element.
std::optional<ElementQuantizer> getElementQuantizer(QuantizeOp op) {
  if (op.getShift() || op.getOffset() ||
      op.getGranularity() != Granularity::tensor)
    return std::nullopt;
  ElementQuantizer quantizer{
      cast<LevelsType>(typeOf(op->getResult(0)).getElementType()),
      op.getRounding(), Attribute()};
  if (op.getScale()) {
    auto constant = op.getScale().getDefiningOp<arith::ConstantOp>();
    if (!constant)
      return std::nullopt;
    quantizer.scale = constant.getValue();
  }
  return quantizer;
}

/// One state of the program: who makes it and who reads it.
class PackedState {
public:
  PackedState(MutableArrayRef<func::FuncOp> functions, const SlotPlan &plan,
              int32_t slot) {
    for (auto [e, function] : llvm::enumerate(functions)) {
      for (auto [i, taken] : llvm::enumerate(plan.inputs[e]))
        if (taken == slot)
          inputs.push_back(function.getArgument(i));
      auto *ret = function.getBody().front().getTerminator();
      for (auto [o, fed] : llvm::enumerate(plan.outputs[e]))
        if (fed == slot)
          outputs.push_back(&ret->getOpOperand(o));
    }
  }

  /// Why the state stays as it is; empty when it can be packed.
  std::string findObstacle();
  void rewrite();
  LevelsType getLevels() const { return quantizer->levels; }

private:
  bool fits(Value value);
  bool collectReads(Value value, const OpOperand *except = nullptr);
  /// Whether an output is this input with rows behind it.
  bool grows(BlockArgument input) const {
    return llvm::any_of(
        appends, [&](const auto &pair) { return pair.second.past == input; });
  }
  PackingAttr getPacking() const {
    return PackingAttr::get(quantizer->levels.getContext(), quantizer->levels,
                            Order::rows, /*lanes=*/1, /*bits=*/0,
                            /*sums=*/false);
  }
  RankedTensorType getWordsType(RankedTensorType type) const {
    ArrayRef<int64_t> shape = type.getShape();
    PackingAttr packing = getPacking();
    return RankedTensorType::get(packing.getPackedShape(shape.drop_back(2),
                                                        shape[shape.size() - 2],
                                                        size),
                                 packing.getElementType());
  }
  Value pack(OpBuilder &builder, Location loc, Value numbers) const;
  Value unpack(OpBuilder &builder, Location loc, Value words) const {
    return UnpackOp::create(builder, loc, words, getPacking(),
                            builder.getIndexAttr(size))
        ->getResult(0);
  }
  void replaceReads(ArrayRef<OpOperand *> reads, Value levels) const;
  void grow(const CacheAppend &append, OpOperand &output) const;

  SmallVector<BlockArgument> inputs;
  SmallVector<OpOperand *> outputs;
  /// The outputs that are an input with rows behind it.
  SmallVector<std::pair<OpOperand *, CacheAppend>> appends;
  std::optional<ElementQuantizer> quantizer;
  int64_t size = ShapedType::kDynamic; ///< of the last dimension
};

} // namespace

/// Whether the last dimension of a float is known, and that of the others.
bool PackedState::fits(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isF32() || type.getRank() < 2)
    return false;
  int64_t last = type.getShape().back();
  if (ShapedType::isDynamic(last) || last == 0 ||
      (!ShapedType::isDynamic(size) && size != last))
    return false;
  size = last;
  return true;
}

/// Whether the quantizer of the state alone reads a value, perhaps in another
/// shape, beside `except`. Who asks for an extent reads nothing.
bool PackedState::collectReads(Value value, const OpOperand *except) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (&use == except || isa<tensor::DimOp>(user))
      continue;
    if (isReshape(user)) {
      if (!collectReads(user->getResult(0)))
        return false;
      continue;
    }
    auto quantize = dyn_cast<QuantizeOp>(user);
    auto found = quantize && quantize.getInput() == value
                     ? getElementQuantizer(quantize)
                     : std::nullopt;
    if (!found || (quantizer && !(*quantizer == *found)))
      return false;
    quantizer = found;
  }
  return true;
}

std::string PackedState::findObstacle() {
  if (inputs.empty() || outputs.empty())
    return "no run makes it for another";
  if (!llvm::all_of(inputs, [&](Value input) { return fits(input); }) ||
      !llvm::all_of(outputs, [&](OpOperand *use) { return fits(use->get()); }))
    return "it is no float32 with a known last dimension";
  bool isQuantized = true;
  for (OpOperand *output : outputs) {
    std::optional<CacheAppend> append = matchCacheAppend(output->get());
    if (!append || !llvm::is_contained(inputs, append->past))
      continue;
    if (append->axis == typeOf(output->get()).getRank() - 1)
      return "it grows along its last dimension";
    if (grows(append->past))
      return "two outputs extend it";
    appends.emplace_back(output, *append);
    isQuantized &= collectReads(output->get(), output);
  }
  for (BlockArgument input : inputs)
    isQuantized &= grows(input) || collectReads(input);
  if (!isQuantized || !quantizer)
    return "what reads it is not one quantizer of single elements";
  if (quantizer->levels.getPlanes() > kMostPlanes)
    return "its quantizer has " + std::to_string(quantizer->levels.getCount()) +
           " levels";
  // Words of 64 bits for rows of few elements.
  int64_t words = getWordsType(typeOf(inputs.front())).getShape().back();
  if (words * int64_t(sizeof(uint64_t)) >= size * int64_t(sizeof(float)))
    return "packed rows of " + std::to_string(size) +
           " elements are no smaller";
  return "";
}

Value PackedState::pack(OpBuilder &builder, Location loc, Value numbers) const {
  Value scale;
  if (quantizer->scale)
    scale = arith::ConstantOp::create(builder, loc,
                                      cast<TypedAttr>(quantizer->scale));
  return QuantizePackOp::create(builder, loc, numbers, scale, /*shift=*/Value(),
                                /*offset=*/Value(), getPacking(),
                                quantizer->rounding)
      ->getResult(0);
}

/// All uses of a value, or all but one.
static SmallVector<OpOperand *> getUses(Value value,
                                        const OpOperand *except = nullptr) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : value.getUses())
    if (&use != except)
      uses.push_back(&use);
  return uses;
}

/// Gives the readers of numbers their levels.
void PackedState::replaceReads(ArrayRef<OpOperand *> reads,
                               Value levels) const {
  for (OpOperand *read : reads) {
    Operation *user = read->getOwner();
    if (isa<QuantizeOp>(user)) {
      user->getResult(0).replaceAllUsesWith(levels);
      user->erase();
    } else if (isReshape(user)) {
      // Made again, since the element type is the operation's.
      OpBuilder builder(user);
      Operation *moved = builder.clone(*user);
      moved->setOperand(read->getOperandNumber(), levels);
      Value result = moved->getResult(0);
      result.setType(typeOf(result).clone(quantizer->levels));
      replaceReads(getUses(user->getResult(0)), result);
      user->erase();
    } else {
      read->set(levels);
    }
  }
}

/// Packs the new rows and puts them behind the old words.
void PackedState::grow(const CacheAppend &append, OpOperand &output) const {
  tensor::InsertSliceOp whole = append.whole, copy = append.copy;
  OpBuilder builder(whole);
  Location loc = whole.getLoc();
  BlockArgument past = append.past;
  int64_t last = typeOf(past).getRank() - 1;
  OpFoldResult words =
      builder.getIndexAttr(getWordsType(typeOf(past)).getShape().back());
  Value added = pack(builder, loc, whole.getSource());

  auto insert = [&](tensor::InsertSliceOp old, Value source, Value into) {
    SmallVector<OpFoldResult> sizes = old.getMixedSizes();
    sizes[last] = words;
    return tensor::InsertSliceOp::create(builder, loc, source, into,
                                         old.getMixedOffsets(), sizes,
                                         old.getMixedStrides());
  };
  auto empty = copy.getDest().getDefiningOp<tensor::EmptyOp>();
  SmallVector<OpFoldResult> sizes = empty.getMixedSizes();
  sizes[last] = words;
  Value room = tensor::EmptyOp::create(builder, loc, sizes,
                                       getPacking().getElementType());
  Value all = insert(whole, added, insert(copy, past, room));

  SmallVector<OpOperand *> reads = getUses(whole.getResult(), &output);
  output.set(all);
  if (!reads.empty())
    replaceReads(reads, unpack(builder, loc, all));
  whole.erase();
  copy.erase();
}

void PackedState::rewrite() {
  for (BlockArgument input : inputs) {
    SmallVector<OpOperand *> reads = getUses(input);
    input.setType(getWordsType(typeOf(input)));
    if (grows(input))
      continue;
    auto builder = OpBuilder::atBlockBegin(input.getOwner());
    replaceReads(reads, unpack(builder, input.getLoc(), input));
  }
  for (auto &[output, append] : appends)
    grow(append, *output);
  for (OpOperand *output : outputs) {
    if (typeOf(output->get()).getElementType() == getPacking().getElementType())
      continue;
    OpBuilder builder(output->getOwner());
    output->set(pack(builder, output->get().getLoc(), output->get()));
  }
}

namespace {
struct PackStates : mlir::lowbit::impl::LowbitPackStatesBase<PackStates> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> functions;
    std::vector<EntryPoint> entries;
    auto add = [&](ModuleOp model) {
      auto function = model.lookupSymbol<func::FuncOp>("main");
      if (!function || !function.getBody().hasOneBlock())
        return success();
      FailureOr<Signature> signature = readSignature(function);
      if (failed(signature))
        return failure();
      functions.push_back(function);
      entries.push_back({LLVM::LLVMFuncOp(),
                         model.getSymName().value_or("main").str(),
                         std::move(*signature)});
      return success();
    };
    if (failed(add(module)))
      return signalPassFailure();
    for (ModuleOp model : module.getOps<ModuleOp>())
      if (failed(add(model)))
        return signalPassFailure();
    FailureOr<SlotPlan> plan = planSlots(module, entries);
    if (failed(plan))
      return signalPassFailure();
    for (auto [slot, name] : llvm::enumerate(plan->names)) {
      PackedState state(functions, *plan, static_cast<int32_t>(slot));
      std::string obstacle = state.findObstacle();
      if (obstacle.empty()) {
        emitRemark(module.getLoc())
            << "state '" << name << "' holds codes of " << state.getLevels();
        state.rewrite();
      } else {
        emitRemark(module.getLoc())
            << "state '" << name << "' is kept as it is: " << obstacle;
      }
    }
    for (func::FuncOp function : functions)
      function.setFunctionType(FunctionType::get(
          &getContext(), function.getBody().getArgumentTypes(),
          function.getBody().front().getTerminator()->getOperandTypes()));
  }
};
} // namespace
