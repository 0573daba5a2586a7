//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The constraints of the operations on packed words, under the numbers that
// their descriptions give them.
//
//===----------------------------------------------------------------------===//

#include "VerifierSupport.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::detail;

static LogicalResult verifyLevels(Operation *op, Value value,
                                  PackingAttr packing) {
  Type levels = getElementTypeOrSelf(value.getType());
  if (levels == packing.getLevels())
    return success();
  return op->emitOpError("expected a packing of ")
         << levels << ", got one of " << packing.getLevels();
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

LogicalResult PackOp::verify() {
  SmallVector<int64_t> logical(getShape(getInput()));
  // (C1)
  if (failed(verifyMatrix(*this, logical)) ||
      failed(verifyLevels(*this, getInput(), getPacking())))
    return failure();
  // (C2)
  if (getTranspose())
    std::swap(logical.back(), logical[logical.size() - 2]);
  return verifyPacked(*this, "a destination", getInit(), getPacking(), logical);
}

LogicalResult UnpackOp::verify() {
  ArrayRef<int64_t> logical = getShape(getInit());
  // (C1)
  if (failed(verifyMatrix(*this, logical)) ||
      failed(verifyOrder(*this, getPacking(), Order::rows)) ||
      failed(verifyLevels(*this, getInit(), getPacking())))
    return failure();
  // (C2)
  return verifyPacked(*this, "an input", getInput(), getPacking(), logical);
}

LogicalResult QuantizePackOp::verify() {
  ArrayRef<int64_t> shape = getShape(getInput());
  if (failed(verifyMatrix(*this, shape)) ||
      failed(verifyQuantizer(*this, shape, getScale(), getShift(), getOffset(),
                             getPacking().getLevels(), getRounding(),
                             getGranularity(), !hasInputBody())))
    return failure();
  // (C7)
  SmallVector<int64_t> logical(shape);
  if (std::optional<ArrayRef<int64_t>> permutation = getPermutation()) {
    if (permutation->size() != shape.size() ||
        !isPermutationVector(*permutation))
      return emitOpError("expected a permutation of ")
             << shape.size() << " dimensions, got "
             << formatShape(*permutation);
    logical = applyPermutation(shape, *permutation);
  }
  // (C8)
  Type f32 = Float32Type::get(getContext());
  if (!hasInputBody() && !getInputOperands().empty())
    return emitOpError("expected no operands without an input region, got ")
           << getInputOperands().size();
  if (hasInputBody() &&
      failed(verifyRegion(*this, "input region", getInputBody(), f32,
                          getInputOperands(), {}, f32)))
    return failure();
  // (C1)
  return verifyPacked(*this, "a destination", getInit(), getPacking(), logical);
}

LogicalResult RepackOp::verify() {
  // (C1)
  if (getSource().getOrder() != Order::bytes &&
      failed(verifyOrder(*this, getSource(), Order::rows)))
    return failure();
  if (getSource().getLevels() != getPacking().getLevels())
    return emitOpError("expected one type of levels, got ")
           << getSource().getLevels() << " and " << getPacking().getLevels();
  // (C2)
  ArrayRef<int64_t> split = getSplit();
  constexpr int64_t kMaxExtent = int64_t(1) << 31;
  if (split.empty() || split.size() > 2 ||
      llvm::any_of(split, [](int64_t extent) {
        return extent < 1 || extent >= kMaxExtent;
      }))
    return emitOpError("expected one extent or two between 1 and ")
           << kMaxExtent - 1 << ", got " << formatShape(split);
  // (C3)
  SmallVector<int64_t> logical(getShape(getInput()));
  if (failed(verifyMatrix(*this, logical)))
    return failure();
  logical.back() = ShapedType::getNumElements(split);
  if (failed(verifyPacked(*this, "an input", getInput(), getSource(), logical)))
    return failure();
  // (C4)
  logical.pop_back();
  llvm::append_range(logical, split);
  if (getPermutation().size() != logical.size() ||
      !isPermutationVector(getPermutation()))
    return emitOpError("expected a permutation of ")
           << logical.size() << " dimensions, got "
           << formatShape(getPermutation());
  // (C5)
  return verifyPacked(*this, "a destination", getInit(), getPacking(),
                      applyPermutation(logical, getPermutation()));
}

//===----------------------------------------------------------------------===//
// Packed operations
//===----------------------------------------------------------------------===//

/// (C1) An extent is an attribute, or negative and an operand.
static LogicalResult verifyExtent(Operation *op, StringRef name, int64_t extent,
                                  Value dynamic) {
  if ((extent < 0) == static_cast<bool>(dynamic))
    return success();
  return op->emitOpError("expected the ")
         << name << " as an attribute that is not negative or as an operand, "
         << (dynamic ? "got both" : "got neither");
}

static int64_t getExtent(int64_t extent) {
  return extent < 0 ? ShapedType::kDynamic : extent;
}

SmallVector<int64_t> PackedMatmulOp::getProductShape() {
  SmallVector<int64_t> shape(getShape(getLhs()));
  shape.back() = ::getExtent(getColumns());
  // An extent that the left side does not tell may be known of the result.
  for (auto [extent, known] :
       llvm::zip(MutableArrayRef(shape).drop_back(), getShape(getInit())))
    if (ShapedType::isDynamic(extent))
      extent = known;
  return shape;
}

LogicalResult PackedMatmulOp::verify() {
  // (C9)
  if (getScratch() && !isa<MemRefType>(getInit().getType()))
    return emitOpError("expected no scratch buffer on tensors");
  // (C1)
  if (failed(verifyExtent(*this, "size", getSize(), getDynamicSize())) ||
      failed(verifyExtent(*this, "columns", getColumns(), getDynamicColumns())))
    return failure();
  int64_t size = getExtent(getSize()), columns = getExtent(getColumns());
  // (C2)
  SmallVector<int64_t> logical(getShape(getLhs()));
  if (failed(verifyMatrix(*this, logical)))
    return failure();
  logical.back() = size;
  if (std::optional<PackingAttr> packing = getLhsPacking()) {
    if (packing->getOrder() != Order::bytes &&
        failed(verifyRows(*this, *packing)))
      return failure();
    if (failed(verifyPacked(*this, "a left side", getLhs(), *packing, logical)))
      return failure();
  } else {
    if (!getElementTypeOrSelf(getLhs().getType()).isF32())
      return emitOpError(
          "expected a packing of the left side, or a left side of f32");
    if (failed(verifyShape(*this, "a left side", getLhs(), logical)))
      return failure();
  }
  // (C3)
  PackingAttr packing = getRhsPacking();
  SmallVector<int64_t> matrix = {columns, size};
  SmallVector<int64_t> batch(ArrayRef<int64_t>(logical).drop_back(2));
  int64_t rank = getShape(getRhs()).size();
  if (rank != static_cast<int64_t>(packing.getPackedShape({}, 1, 1).size()))
    matrix.insert(matrix.begin(), batch.begin(), batch.end());
  if (failed(verifyPacked(*this, "a right side", getRhs(), packing, matrix)))
    return failure();
  bool lhsBytes =
      getLhsPacking() && getLhsPacking()->getOrder() == Order::bytes;
  if (lhsBytes != (packing.getOrder() == Order::quads))
    return emitOpError("expected a left side of bytes with a right side of "
                       "quads, and only there");
  // (C4)
  logical.back() = columns;
  if (std::optional<PackingAttr> packing = getResultPacking()) {
    if (ShapedType::isDynamic(columns))
      return emitOpError(
          "expected a known number of columns of a packed result");
    if (failed(verifyResultPacking(*this, *packing)) ||
        failed(
            verifyPacked(*this, "a destination", getInit(), *packing, logical)))
      return failure();
  } else if (failed(verifyShape(*this, "a destination", getInit(), logical))) {
    return failure();
  }
  // (C5) to (C7)
  SmallVector<Type> yielded(1, getElementTypeOrSelf(getInit().getType()));
  if (std::optional<PackingAttr> packing = getResultPacking())
    yielded = getYielded(*packing);
  Type sum = getLhsPacking() ? Type(IntegerType::get(getContext(), 32))
                             : Type(Float32Type::get(getContext()));
  if (failed(verifyRegion(*this, "epilogue", getBody(), sum, getEpilogue(),
                          getProductShape(), yielded)))
    return failure();
  // (C8)
  if (!getLhsPacking())
    return success();
  return verifySum(*this, size,
                   getLhsPacking()->getLevels().getMaxMagnitude() *
                       packing.getLevels().getMaxMagnitude());
}

LogicalResult PackedLookupOp::verify() {
  SmallVector<int64_t> table(getShape(getTable()));
  // (C1)
  if (table.size() != 2)
    return emitOpError("expected a table of rank 2, got ") << table.size();
  if (failed(verifyOrder(*this, getPacking(), Order::digits)))
    return failure();
  // (C2)
  if (!getShape(getScale()).empty() &&
      failed(verifyShape(*this, "a scale", getScale(), table.front())))
    return failure();
  // (C3)
  SmallVector<int64_t> expected(getShape(getIds()));
  if (getShape(getInit()).size() != expected.size() + 1)
    return emitOpError("expected a destination of rank ")
           << expected.size() + 1 << ", got " << getShape(getInit()).size();
  expected.push_back(getShape(getInit()).back());
  if (failed(verifyShape(*this, "a destination", getInit(), expected)))
    return failure();
  // (C4)
  table.back() = expected.back();
  if (failed(verifyPacked(*this, "a table", getTable(), getPacking(), table)))
    return failure();
  // (C5)
  if (!getZeros())
    return success();
  ArrayRef<int64_t> zeros = getShape(getZeros());
  if (zeros.size() != 2 || zeros[1] != 2)
    return emitOpError("expected zeros of pairs, of shape [?, 2]");
  return success();
}
