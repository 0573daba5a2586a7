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

static ArrayRef<int64_t> getShape(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

/// `value` is what packing a tensor of shape `logical` yields.
static LogicalResult verifyPacked(Operation *op, StringRef what, Value value,
                                  PackingAttr packing,
                                  ArrayRef<int64_t> logical) {
  Type elementType = getElementTypeOrSelf(value.getType());
  if (elementType != packing.getElementType())
    return op->emitOpError("expected ")
           << what << " of " << packing.getElementType() << ", got "
           << elementType;
  SmallVector<int64_t> expected = packing.getPackedShape(
      logical.drop_back(2), logical[logical.size() - 2], logical.back());
  return verifyShape(op, what, value, expected);
}

/// A logical operand is a matrix, perhaps of a batch.
static LogicalResult verifyMatrix(Operation *op, ArrayRef<int64_t> logical) {
  if (logical.size() >= 2)
    return success();
  return op->emitOpError("expected rank 2 or more, got ") << logical.size();
}

static LogicalResult verifyLevels(Operation *op, Value value,
                                  PackingAttr packing) {
  Type levels = getElementTypeOrSelf(value.getType());
  if (levels == packing.getLevels())
    return success();
  return op->emitOpError("expected a packing of ")
         << levels << ", got one of " << packing.getLevels();
}

static LogicalResult verifyRows(Operation *op, PackingAttr packing) {
  if (packing.getOrder() == Order::rows)
    return success();
  return op->emitOpError("expected the order rows, got ")
         << stringifyOrder(packing.getOrder());
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
      failed(verifyRows(*this, getPacking())) ||
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
                             getGranularity())))
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
  // (C1)
  return verifyPacked(*this, "a destination", getInit(), getPacking(), logical);
}

LogicalResult RepackOp::verify() {
  // (C1)
  if (failed(verifyRows(*this, getSource())))
    return failure();
  if (getSource().getLevels() != getPacking().getLevels())
    return emitOpError("expected one type of levels, got ")
           << getSource().getLevels() << " and " << getPacking().getLevels();
  // (C2)
  ArrayRef<int64_t> split = getSplit();
  if (split.size() != 2 || split[0] < 1 || split[1] < 1)
    return emitOpError("expected a split into two positive extents, got ")
           << formatShape(split);
  // (C3)
  SmallVector<int64_t> logical(getShape(getInput()));
  logical.back() = split[0] * split[1];
  if (failed(verifyMatrix(*this, logical)) ||
      failed(verifyPacked(*this, "an input", getInput(), getSource(), logical)))
    return failure();
  // (C4)
  logical.back() = split[0];
  logical.push_back(split[1]);
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

/// Whether a tensor of shape `from` can be broadcast to `to`, as numpy does.
static bool isBroadcastable(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from.size() > to.size())
    return false;
  return llvm::all_of(
      llvm::zip_equal(from, to.take_back(from.size())), [](auto pair) {
        auto [extent, target] = pair;
        return extent == 1 || extent == target ||
               ShapedType::isDynamic(extent) || ShapedType::isDynamic(target);
      });
}

/// (C5) to (C7)
static LogicalResult verifyEpilogue(PackedMatmulOp op) {
  Block &body = op.getBody().front();
  bool isFloat = !op.getLhsPacking();
  SmallVector<Type> types = {isFloat
                                 ? Type(Float32Type::get(op.getContext()))
                                 : Type(IntegerType::get(op.getContext(), 32))};
  SmallVector<int64_t> product = op.getProductShape();
  for (Value operand : op.getEpilogue()) {
    types.push_back(getElementTypeOrSelf(operand.getType()));
    if (!isBroadcastable(getShape(operand), product))
      return op.emitOpError("expected an epilogue operand that broadcasts to ")
             << formatShape(product) << ", got "
             << formatShape(getShape(operand));
  }
  if (!llvm::equal(body.getArgumentTypes(), types)) {
    InFlightDiagnostic error = op.emitOpError("expected region arguments ");
    llvm::interleaveComma(types, error);
    error << ", got ";
    llvm::interleaveComma(body.getArgumentTypes(), error);
    return error;
  }
  auto yield = dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op.emitOpError("expected a region that ends with lowbit.yield");
  SmallVector<Type> yielded(1, getElementTypeOrSelf(op.getInit().getType()));
  if (std::optional<PackingAttr> packing = op.getResultPacking())
    yielded.assign(packing->getPlanes(), IntegerType::get(op.getContext(), 1));
  if (!llvm::equal(yield.getOperandTypes(), yielded)) {
    InFlightDiagnostic error = op.emitOpError("expected a region that yields ");
    llvm::interleaveComma(yielded, error);
    error << ", got ";
    llvm::interleaveComma(yield.getOperandTypes(), error);
    return error;
  }
  return success();
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
    if (failed(verifyRows(*this, *packing)) ||
        failed(
            verifyPacked(*this, "a destination", getInit(), *packing, logical)))
      return failure();
  } else if (failed(verifyShape(*this, "a destination", getInit(), logical))) {
    return failure();
  }
  if (failed(verifyEpilogue(*this)))
    return failure();
  // (C8)
  if (!getLhsPacking())
    return success();
  return verifySum(*this, size,
                   getLhsPacking()->getLevels().getMaxMagnitude() *
                       packing.getLevels().getMaxMagnitude());
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

SmallVector<int64_t> PackedAttentionOp::getScoresShape() {
  SmallVector<int64_t> shape(getShape(getQ()));
  shape.back() = ShapedType::kDynamic;
  return shape;
}

SmallVector<int64_t> PackedAttentionOp::getContextShape() {
  SmallVector<int64_t> shape(getShape(getQ()));
  shape.back() = getColumns();
  return shape;
}

/// (C3) and (C4) of one region.
static LogicalResult verifyRegion(PackedAttentionOp op, StringRef name,
                                  Block &body, OperandRange operands,
                                  ArrayRef<int64_t> shape,
                                  ArrayRef<Type> yielded) {
  SmallVector<Type> types = {IntegerType::get(op.getContext(), 32)};
  for (Value operand : operands) {
    types.push_back(getElementTypeOrSelf(operand.getType()));
    if (!isBroadcastable(getShape(operand), shape))
      return op.emitOpError("expected an operand of the ")
             << name << " region that broadcasts to " << formatShape(shape)
             << ", got " << formatShape(getShape(operand));
  }
  auto expect = [&](StringRef what, auto expected, auto got) -> LogicalResult {
    if (llvm::equal(expected, got))
      return success();
    InFlightDiagnostic error = op.emitOpError("expected a ")
                               << name << " region with " << what << " ";
    llvm::interleaveComma(expected, error);
    error << ", got ";
    llvm::interleaveComma(got, error);
    return error;
  };
  if (failed(expect("the arguments", types, body.getArgumentTypes())))
    return failure();
  auto yield = dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op.emitOpError("expected a ")
           << name << " region that ends with lowbit.yield";
  return expect("the yielded types", yielded, yield.getOperandTypes());
}

LogicalResult PackedAttentionOp::verify() {
  // (C1)
  if (failed(verifyRows(*this, getQPacking())))
    return failure();
  for (PackingAttr packing : {getKPacking(), getVPacking()})
    if (packing.getOrder() != Order::panels &&
        packing.getOrder() != Order::dwords)
      return emitOpError("expected keys and values in panels or dwords, got ")
             << stringifyOrder(packing.getOrder());
  // (C2)
  SmallVector<int64_t> queries(getShape(getQ()));
  if (failed(verifyMatrix(*this, queries)))
    return failure();
  queries.back() = getSize();
  SmallVector<int64_t> keys(queries), values(queries);
  keys[keys.size() - 2] = ShapedType::kDynamic;
  values[values.size() - 2] = getColumns();
  values.back() = ShapedType::kDynamic;
  if (failed(verifyPacked(*this, "queries", getQ(), getQPacking(), queries)) ||
      failed(verifyPacked(*this, "keys", getK(), getKPacking(), keys)) ||
      failed(verifyPacked(*this, "values", getV(), getVPacking(), values)))
    return failure();
  if (!getShape(getScale()).empty())
    return emitOpError("expected a scale of rank 0, got ")
           << formatShape(getShape(getScale()));
  // (C5)
  SmallVector<int64_t> result = getContextShape();
  if (getTransposed()) {
    if (result.size() != 4)
      return emitOpError("expected rank 4 of a transposed result, got ")
             << result.size();
    std::swap(result[1], result[2]);
  }
  Type element = getElementTypeOrSelf(getInit().getType());
  SmallVector<Type> yielded = {element};
  if (std::optional<PackingAttr> packing = getResultPacking()) {
    if (!getTransposed() || getColumns() % 8 != 0 ||
        ShapedType::isDynamic(result[2]))
      return emitOpError("expected a transposed result of known heads whose "
                         "size is a multiple of 8 to be packed");
    result[2] *= result[3];
    result.pop_back();
    if (failed(verifyRows(*this, *packing)) ||
        failed(
            verifyPacked(*this, "a destination", getInit(), *packing, result)))
      return failure();
    yielded.assign(packing->getPlanes(), IntegerType::get(getContext(), 1));
  } else if (failed(verifyShape(*this, "a destination", getInit(), result))) {
    return failure();
  }
  // (C3), (C4)
  Type f32 = Float32Type::get(getContext());
  if (failed(verifyRegion(*this, "score", getScoreBody().front(),
                          getScoreOperands(), getScoresShape(), f32)) ||
      failed(verifyRegion(*this, "context", getContextBody().front(),
                          getContextOperands(), getContextShape(), yielded)))
    return failure();
  // (C6)
  size_t expected = isa<MemRefType>(getInit().getType()) ? 2 : 0;
  if (getScratch().size() != expected)
    return emitOpError("expected ")
           << expected << " scratch buffers, got " << getScratch().size();
  return verifySum(*this, getSize(),
                   getQPacking().getLevels().getMaxMagnitude() *
                       getKPacking().getLevels().getMaxMagnitude());
}

LogicalResult LayerNormPackOp::verify() {
  // (C1)
  if (getInits().size() != getPackings().size() + 1)
    return emitOpError("expected a destination and one for each packing, got ")
           << getInits().size() << " for " << getPackings().size();
  SmallVector<int64_t> shape(getShape(getInput()));
  if (failed(verifyMatrix(*this, shape)) ||
      failed(verifyShape(*this, "a destination", getInits().front(), shape)) ||
      failed(verifyShape(*this, "a scale", getScale(), shape.back())))
    return failure();
  if (getBias() &&
      failed(verifyShape(*this, "a bias", getBias(), shape.back())))
    return failure();
  if (getResidual() &&
      failed(verifyShape(*this, "a residual", getResidual(), shape)))
    return failure();
  // (C2)
  int64_t planes = 0;
  for (auto [attr, init] :
       llvm::zip_equal(getPackings(), getInits().drop_front())) {
    auto packing = cast<PackingAttr>(attr);
    planes += packing.getPlanes();
    if (failed(verifyRows(*this, packing)) ||
        failed(
            verifyPacked(*this, "a packed destination", init, packing, shape)))
      return failure();
  }
  // (C3)
  Type f32 = Float32Type::get(getContext());
  SmallVector<Type> types = {f32};
  for (Value operand : getBodyOperands()) {
    types.push_back(getElementTypeOrSelf(operand.getType()));
    if (!isBroadcastable(getShape(operand), shape))
      return emitOpError("expected an operand that broadcasts to ")
             << formatShape(shape) << ", got "
             << formatShape(getShape(operand));
  }
  Block &body = getBody().front();
  auto yield = dyn_cast<YieldOp>(body.back());
  SmallVector<Type> bits(planes, IntegerType::get(getContext(), 1));
  if (!yield || !llvm::equal(body.getArgumentTypes(), types) ||
      !llvm::equal(yield.getOperandTypes(), bits))
    return emitOpError(
               "expected a region of f32 and an element of each operand "
               "that yields ")
           << planes << " x i1";
  return success();
}

LogicalResult PackedLookupOp::verify() {
  SmallVector<int64_t> table(getShape(getTable()));
  // (C1)
  if (table.size() != 2)
    return emitOpError("expected a table of rank 2, got ") << table.size();
  if (failed(verifyRows(*this, getPacking())))
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
  return verifyPacked(*this, "a table", getTable(), getPacking(), table);
}
