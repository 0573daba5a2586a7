//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Transpose, Concat, Split, Pad, Trilu: elements of any type move unchanged.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;

static LogicalResult lowerTranspose(onnx::TransposeOp op, Lowering &l) {
  Value data = l.operand(op.getData());
  int64_t rank = cast<RankedTensorType>(data.getType()).getRank();
  SmallVector<int64_t> permutation = getTrailingLoops(rank, rank);
  if (auto given = op.getPerm())
    permutation.assign(given->begin(), given->end());
  else
    std::reverse(permutation.begin(), permutation.end());
  SmallVector<int64_t> sorted(permutation);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return l.fail("has a permutation that does not fit rank " + Twine(rank));
  return l.replace(op.getResult(), createTranspose(l, data, permutation));
}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

/// Joins vectors whose elements are scalars, or small vectors of integers.
static std::optional<SmallVector<Value>> joinScalars(Lowering &l,
                                                     ArrayRef<Value> inputs) {
  bool allScalars = true, allIntegers = true;
  int64_t count = 0;
  for (Value input : inputs) {
    auto type = cast<RankedTensorType>(input.getType());
    if (type.getRank() != 1 || !Lowering::isSmall(type))
      return std::nullopt;
    allScalars &= l.isScalars(input);
    allIntegers &= isa<IntegerType>(type.getElementType());
    count += type.getNumElements();
  }
  if (count > Lowering::kMaxScalars || (!allScalars && !allIntegers))
    return std::nullopt;
  SmallVector<Value> scalars;
  for (Value input : inputs)
    scalars.append(l.getScalars(input));
  return scalars;
}

static LogicalResult lowerConcat(onnx::ConcatOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  SmallVector<Value> inputs = llvm::map_to_vector(
      op.getInputs(), [&](Value value) { return l.operand(value); });
  if (inputs.empty())
    return l.fail("has no inputs");
  auto first = cast<RankedTensorType>(inputs.front().getType());
  std::optional<int64_t> axis = normalizeAxis(op.getAxis(), first.getRank());
  if (!axis)
    return l.fail("has axis " + Twine(op.getAxis()) + " for inputs of rank " +
                  Twine(first.getRank()));
  for (Value input : inputs)
    if (cast<RankedTensorType>(input.getType()).getRank() != first.getRank())
      return l.fail("has inputs of different ranks");
  if (auto scalars = joinScalars(l, inputs)) {
    int64_t count = scalars->size();
    return l.replace(op.getResult(),
                     l.fromScalars(*scalars, first.clone({count})));
  }
  if (inputs.size() == 1)
    return l.replace(op.getResult(), inputs.front());

  SmallVector<OpFoldResult> sizes = l.getSizes(inputs.front());
  SmallVector<OpFoldResult> offsets{math.index(0)};
  for (Value input : inputs) {
    SmallVector<OpFoldResult> given = l.getSizes(input);
    offsets.push_back(math.add(offsets.back(), given[*axis]));
    for (auto [i, size] : llvm::enumerate(given)) {
      if (static_cast<int64_t>(i) == *axis)
        continue;
      std::optional<int64_t> before = getConstantSize(sizes[i]);
      std::optional<int64_t> now = getConstantSize(size);
      if (before && now && *before != *now)
        return l.fail("joins inputs whose dimension " + Twine(i) + " is " +
                      Twine(*before) + " and " + Twine(*now));
      l.assertEqual(sizes[i], size,
                    "dimension " + Twine(i) + " of the inputs differs");
      if (now)
        sizes[i] = size;
    }
  }
  sizes[*axis] = offsets.back();
  sizes = l.refine(sizes, l.getDeclaredType(op.getConcatResult()));

  OpBuilder &builder = l.getBuilder();
  int64_t rank = sizes.size();
  SmallVector<OpFoldResult> position(rank, math.index(0));
  SmallVector<OpFoldResult> strides(rank, math.index(1));
  Value result = createEmpty(l, sizes, first.getElementType());
  for (auto [input, offset] : llvm::zip(inputs, offsets)) {
    SmallVector<OpFoldResult> given = l.getSizes(input);
    if (llvm::any_of(given,
                     [](OpFoldResult s) { return getConstantSize(s) == 0; }))
      continue;
    position[*axis] = offset;
    result = tensor::InsertSliceOp::create(builder, l.getLoc(), input, result,
                                           position, given, strides);
  }
  l.setSizes(result, sizes);
  return l.replace(op.getResult(), result);
}

//===----------------------------------------------------------------------===//
// Split
//===----------------------------------------------------------------------===//

static LogicalResult lowerSplit(onnx::SplitOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value input = l.operand(op.getInput());
  SmallVector<OpFoldResult> sizes = l.getSizes(input);
  int64_t rank = sizes.size(), parts = op.getNumResults();
  std::optional<int64_t> axis = normalizeAxis(op.getAxis(), rank);
  if (!axis || parts == 0)
    return l.fail("has axis " + Twine(op.getAxis()) + " for an input of rank " +
                  Twine(rank));
  OpFoldResult whole = sizes[*axis];
  SmallVector<OpFoldResult> lengths;
  if (auto given = op.getSplit()) {
    if (static_cast<int64_t>(given->size()) != parts)
      return l.fail("has " + Twine(given->size()) + " lengths for " +
                    Twine(parts) + " results");
    int64_t sum = 0;
    for (int64_t length : *given) {
      if (length < 0)
        return l.fail("has a negative length");
      lengths.push_back(math.index(length));
      sum += length;
    }
    std::optional<int64_t> fixed = getConstantSize(whole);
    if (fixed && *fixed != sum)
      return l.fail("cuts " + Twine(*fixed) + " elements into parts of " +
                    Twine(sum) + " together");
    l.assertEqual(whole, math.index(sum), "the parts do not make the whole");
  } else {
    // Equal parts; the last is shorter where the number does not divide.
    OpFoldResult length = math.ceilDiv(whole, math.index(parts));
    OpFoldResult rest = whole;
    for (int64_t i = 0; i < parts; ++i) {
      lengths.push_back(math.min(length, rest));
      rest = math.sub(rest, lengths.back());
    }
  }
  bool isScalars = rank == 1 && l.isScalars(input);
  SmallVector<Value> scalars;
  if (isScalars)
    scalars = l.getScalars(input);
  SmallVector<OpFoldResult> offsets(rank, math.index(0));
  SmallVector<OpFoldResult> strides(rank, math.index(1));
  for (auto [result, length] : llvm::zip(op.getResults(), lengths)) {
    SmallVector<OpFoldResult> part(sizes);
    part[*axis] = length;
    Value value;
    if (isScalars) {
      int64_t begin = *getConstantSize(offsets[0]);
      int64_t count = *getConstantSize(length);
      value =
          l.fromScalars(ArrayRef(scalars).slice(begin, count),
                        cast<RankedTensorType>(input.getType()).clone({count}));
    } else {
      value = createSlice(l, input, offsets, part, strides);
    }
    if (failed(l.replace(result, value)))
      return failure();
    offsets[*axis] = math.add(offsets[*axis], length);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Pad and Trilu
//===----------------------------------------------------------------------===//

/// Fills the result and puts what is left of the input into its middle.
static LogicalResult lowerPad(onnx::PadOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  if (op.getMode() != "constant")
    return l.fail("is unsupported with mode '" + op.getMode() + "'");
  Value data = l.operand(op.getData()), pads = l.operand(op.getPads());
  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  size_t rank = sizes.size();
  auto padsType = cast<RankedTensorType>(pads.getType());
  if (!padsType.hasStaticShape() ||
      padsType.getNumElements() != static_cast<int64_t>(2 * rank))
    return l.fail("takes two counts for each of " + Twine(rank) +
                  " dimensions, got type " + Twine(debugString(padsType)));
  SmallVector<OpFoldResult> counts = l.getIndices(pads);
  OpFoldResult zero = math.index(0);
  SmallVector<OpFoldResult> strides(rank, math.index(1)), cuts, kept, before,
      padded;
  bool isCut = false, isPadded = false;
  for (size_t i = 0; i < rank; ++i) {
    OpFoldResult low = counts[i], high = counts[rank + i];
    OpFoldResult cutLow = math.max(math.sub(zero, low), zero);
    OpFoldResult cutHigh = math.max(math.sub(zero, high), zero);
    isCut |= getConstantSize(cutLow) != 0 || getConstantSize(cutHigh) != 0;
    isPadded |= getConstantSize(low) != 0 || getConstantSize(high) != 0;
    cuts.push_back(cutLow);
    kept.push_back(math.sub(math.sub(sizes[i], cutLow), cutHigh));
    before.push_back(math.max(low, zero));
    padded.push_back(math.add(math.add(sizes[i], low), high));
  }
  if (!isPadded)
    return l.replace(op.getResult(), data);
  for (OpFoldResult size : kept) {
    std::optional<int64_t> constant = getConstantSize(size);
    if (constant && *constant < 0)
      return l.fail("cuts more than there is");
  }
  Type type = cast<RankedTensorType>(data.getType()).getElementType();
  Value filler;
  if (op.getConstantValue()) {
    Value given = l.operand(op.getConstantValue());
    auto givenType = cast<RankedTensorType>(given.getType());
    if (!givenType.hasStaticShape() || givenType.getNumElements() != 1)
      return l.fail("takes one scalar to pad with, got type " +
                    Twine(debugString(givenType)));
    filler = l.getScalars(given).front();
  } else {
    filler = math.constant(cast<TypedAttr>(l.getBuilder().getZeroAttr(type)));
  }
  if (isCut)
    data = createSlice(l, data, cuts, kept, strides);
  padded = l.refine(padded, l.getDeclaredType(op.getOutput()));
  Value result = createFilled(l, padded, filler);
  if (llvm::none_of(kept,
                    [](OpFoldResult s) { return getConstantSize(s) == 0; }))
    result = tensor::InsertSliceOp::create(l.getBuilder(), l.getLoc(), data,
                                           result, before, kept, strides);
  l.setSizes(result, padded);
  return l.replace(op.getResult(), result);
}

static LogicalResult lowerTrilu(onnx::TriluOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value input = l.operand(op.getInput());
  SmallVector<OpFoldResult> sizes = l.getSizes(input);
  int64_t rank = sizes.size();
  if (rank < 2)
    return l.fail("takes matrices, got rank " + Twine(rank));
  OpFoldResult diagonal = math.index(0);
  if (op.getK()) {
    Value k = l.operand(op.getK());
    auto type = cast<RankedTensorType>(k.getType());
    if (!type.hasStaticShape() || type.getNumElements() != 1)
      return l.fail("takes one diagonal, got type " + Twine(debugString(type)));
    diagonal = l.getIndices(k).front();
  }
  Value k = math.toValue(diagonal);
  Type elementType = cast<RankedTensorType>(input.getType()).getElementType();
  Value zero =
      math.constant(cast<TypedAttr>(l.getBuilder().getZeroAttr(elementType)));
  auto keeps = op.getUpper() != 0 ? arith::CmpIPredicate::sge
                                  : arith::CmpIPredicate::sle;
  return l.replace(
      op.getResult(),
      createIndexed(
          l, sizes, elementType,
          [&](OpBuilder &b, Location loc, ValueRange indices,
              ValueRange) -> Value {
            Value distance = arith::SubIOp::create(b, loc, indices[rank - 1],
                                                   indices[rank - 2]);
            Value kept = arith::CmpIOp::create(b, loc, keeps, distance, k);
            Value element = tensor::ExtractOp::create(b, loc, input, indices);
            return arith::SelectOp::create(b, loc, kept, element, zero);
          }));
}

void mlir::lowbit::populateDataMovementLowerings(LoweringTable &table) {
  table.add(lowerTranspose);
  table.add(lowerConcat);
  table.add(lowerSplit);
  table.add(lowerPad);
  table.add(lowerTrilu);
}
