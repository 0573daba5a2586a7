//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Epilogue.h.
//
//===----------------------------------------------------------------------===//

#include "Epilogue.h"
#include "Division.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SmallVectorExtras.h"

using namespace mlir;
using namespace mlir::lowbit;

static constexpr int64_t kWord = 64;

SmallVector<Value> Epilogue::apply(Value sums, ArrayRef<Value> position,
                                   Value count) {
  IRMapping map;
  map.map(body.getArgument(0), sums);
  for (auto [argument, operand] :
       llvm::zip_equal(body.getArguments().drop_front(), operands))
    map.map(argument, load(operand, position, count));
  for (Operation &inner : body.without_terminator())
    widen(inner, map);
  return llvm::map_to_vector(body.getTerminator()->getOperands(),
                             [&](Value value) { return map.lookup(value); });
}

/// One vector of an operand, broadcast along dimensions of 1.
Value Epilogue::load(Value operand, ArrayRef<Value> position, Value count) {
  auto type = dyn_cast<MemRefType>(operand.getType());
  if (!type)
    return e.broadcast(operand, lanes);
  int64_t rank = type.getRank();
  if (rank == 0)
    return e.broadcast(memref::LoadOp::create(e.b, e.loc, operand), lanes);
  SmallVector<Value> indices;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t at = shape.size() - rank + i;
    bool single = type.getDimSize(i) == 1 && shape[at] != 1;
    indices.push_back(single ? e.index(0) : position[at]);
  }
  bool alongLast = type.getDimSize(rank - 1) == 1 && shape.back() != 1;
  if (alongLast)
    return e.broadcast(memref::LoadOp::create(e.b, e.loc, operand, indices),
                       lanes);
  return e.load(operand, indices, lanes, count);
}

/// Clones an elementwise operation with vectors in place of scalars.
void Epilogue::widen(Operation &inner, IRMapping &map) {
  auto vectorOf = [&](Type type) { return VectorType::get({lanes}, type); };
  if (auto constant = dyn_cast<arith::ConstantOp>(inner)) {
    auto splat = DenseElementsAttr::get(vectorOf(constant.getType()),
                                        constant.getValue());
    map.map(constant.getResult(), arith::ConstantOp::create(e.b, e.loc, splat));
    return;
  }
  SmallVector<Value> values;
  for (Value value : inner.getOperands())
    values.push_back(map.lookup(value));
  if (auto division = dyn_cast<arith::DivFOp>(inner);
      division && isDividedForCode(division)) {
    auto divisor = values[1].getDefiningOp<vector::BroadcastOp>();
    if (divisor && divisor.getSource().getType().isF32()) {
      map.map(division.getResult(),
              divideForCode(e, values[0], divisor.getSource()));
      return;
    }
  }
  OperationState state(inner.getLoc(), inner.getName());
  state.addOperands(values);
  for (Type type : inner.getResultTypes())
    state.addTypes(vectorOf(type));
  state.addAttributes(inner.getAttrs());
  state.propertiesAttr = inner.getPropertiesAsAttribute();
  Operation *wide = e.b.create(state);
  map.map(inner.getResults(), wide->getResults());
}

void mlir::lowbit::storePlanes(Emission &e, ArrayRef<Value> planes,
                               Value memref, ArrayRef<Value> row, Value column,
                               int64_t unit, Value count) {
  int64_t lanes = cast<VectorType>(planes.front().getType()).getNumElements();
  int64_t width = std::min(lanes, unit);
  auto store = [&](Value bits, int64_t first, int64_t plane) {
    Value at = e.add(column, e.index(first));
    SmallVector<Value> indices(row);
    indices.push_back(e.add(
        e.mul(e.floorDiv(at, kWord), e.index(planes.size())), e.index(plane)));
    Value byte =
        e.floorDiv(arith::RemUIOp::create(e.b, e.loc, at, e.index(kWord)), 8);
    e.storeBits(bits, memref, indices, byte);
  };
  for (size_t plane = 0; plane < planes.size(); ++plane) {
    Value bits = planes[plane];
    for (int64_t first = 0; first < lanes; first += width) {
      Value part = bits;
      if (width < lanes)
        part = vector::ExtractStridedSliceOp::create(
            e.b, e.loc, bits, ArrayRef<int64_t>{first},
            ArrayRef<int64_t>{width}, ArrayRef<int64_t>{1});
      if (!count) {
        store(part, first, plane);
        continue;
      }
      Value left = e.sub(count, e.index(first));
      part = arith::AndIOp::create(
          e.b, e.loc, part,
          vector::CreateMaskOp::create(e.b, e.loc, part.getType(), left));
      Value some = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sgt,
                                         left, e.index(0));
      e.ifElse(some, [&] { store(part, first, plane); }, [] {});
    }
  }
}

void mlir::lowbit::storeCodes(Emission &e, Value codes, Value memref,
                              ArrayRef<Value> row, Value column, Value count) {
  int64_t lanes = cast<VectorType>(codes.getType()).getNumElements();
  Value bytes = arith::TruncIOp::create(
      e.b, e.loc, VectorType::get({lanes}, e.b.getI8Type()), codes);
  SmallVector<Value> start(row);
  start.push_back(e.index(0));
  Value address = e.pointer(memref, start, column);
  if (!count) {
    LLVM::StoreOp::create(e.b, e.loc, bytes, address, /*alignment=*/1);
    return;
  }
  Value mask = vector::CreateMaskOp::create(
      e.b, e.loc, VectorType::get({lanes}, e.b.getI1Type()), count);
  LLVM::MaskedStoreOp::create(e.b, e.loc, bytes, address, mask,
                              e.b.getI32IntegerAttr(1));
}

void mlir::lowbit::storePacked(Emission &e, PackingAttr packing,
                               ArrayRef<Value> yielded, Value memref,
                               ArrayRef<Value> row, Value column, int64_t unit,
                               Value count) {
  if (packing.hasWholeCodes())
    storeCodes(e, yielded.front(), memref, row, column, count);
  else
    storePlanes(e, yielded, memref, row, column, unit, count);
}

/// Completes rows of bytes.
static void finishByteRows(Emission &e, Value memref, int64_t columns,
                           ArrayRef<Value> extents) {
  constexpr int64_t kLanes = 16;
  auto type = VectorType::get({kLanes}, e.b.getI32Type());
  int64_t words = llvm::divideCeil(columns, 4), tail = columns % 4;
  e.parallel(extents, /*grain=*/64, [&](ValueRange row) {
    auto at = [&](Value word) {
      SmallVector<Value> indices(row);
      indices.push_back(word);
      return indices;
    };
    if (tail) {
      SmallVector<Value> last = at(e.index(words - 1));
      Value word = memref::LoadOp::create(e.b, e.loc, memref, last);
      word = arith::AndIOp::create(e.b, e.loc, word,
                                   e.i32((int64_t(1) << (8 * tail)) - 1));
      memref::StoreOp::create(e.b, e.loc, word, memref, last);
    }
    Value sums = e.forVectors(
        e.index(words), kLanes, e.constant(type, 0),
        [&](Value word, Value count, ValueRange carried) -> SmallVector<Value> {
          return {
              e.addBytes(carried[0], e.load(memref, at(word), kLanes, count))};
        })[0];
    memref::StoreOp::create(e.b, e.loc,
                            vector::ReductionOp::create(
                                e.b, e.loc, vector::CombiningKind::ADD, sums),
                            memref, at(e.index(words)));
  });
}

void mlir::lowbit::finishPackedRows(Emission &e, Value memref,
                                    PackingAttr packing, int64_t columns) {
  int64_t planes = packing.getPlanes();
  int64_t words = llvm::divideCeil(columns, kWord), tail = columns % kWord;
  SmallVector<Value> extents;
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  for (int64_t i = 0; i + 1 < rank; ++i)
    extents.push_back(e.dim(memref, i));
  if (packing.hasWholeCodes())
    return finishByteRows(e, memref, columns, extents);
  e.parallel(extents, /*grain=*/64, [&](ValueRange row) {
    auto at = [&](Value word, int64_t plane) {
      SmallVector<Value> indices(row);
      indices.push_back(e.add(e.mul(word, e.index(planes)), e.index(plane)));
      return indices;
    };
    auto count = [&](Value word, Value ones) {
      return e.add(ones, math::CtPopOp::create(e.b, e.loc, word));
    };
    Value sum = e.i64(0);
    for (int64_t plane = 0; plane < planes; ++plane) {
      Value ones =
          e.forLoop(e.index(0), e.index(tail ? words - 1 : words), 1, e.i64(0),
                    [&](Value word, ValueRange carried) -> SmallVector<Value> {
                      return {count(memref::LoadOp::create(e.b, e.loc, memref,
                                                           at(word, plane)),
                                    carried[0])};
                    })[0];
      if (tail) {
        SmallVector<Value> last = at(e.index(words - 1), plane);
        Value word = memref::LoadOp::create(e.b, e.loc, memref, last);
        word = arith::AndIOp::create(e.b, e.loc, word,
                                     e.i64((int64_t(1) << tail) - 1));
        memref::StoreOp::create(e.b, e.loc, word, memref, last);
        ones = count(word, ones);
      }
      sum = e.addPlane(sum, ones, plane);
    }
    memref::StoreOp::create(e.b, e.loc, sum, memref, at(e.index(words), 0));
  });
}
