//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the definitions share.
//
//===----------------------------------------------------------------------===//

#include "Definitions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::lowbit;

int64_t definitions::getRank(Value value) {
  return cast<ShapedType>(value.getType()).getRank();
}

LevelsType definitions::getLevels(Value value) {
  return cast<LevelsType>(cast<ShapedType>(value.getType()).getElementType());
}

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

AffineMap definitions::getMap(MLIRContext *context, int64_t loops,
                              ArrayRef<int64_t> dims) {
  SmallVector<AffineExpr> results;
  for (int64_t dim : dims)
    results.push_back(getAffineDimExpr(dim, context));
  return AffineMap::get(loops, /*symbolCount=*/0, results, context);
}

AffineMap definitions::getMapOfFirst(MLIRContext *context, int64_t loops,
                                     int64_t count, ArrayRef<int64_t> more) {
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(count));
  dims.append(more.begin(), more.end());
  return getMap(context, loops, dims);
}

AffineMap definitions::getScaleMap(MLIRContext *context,
                                   Granularity granularity, int64_t rank) {
  switch (granularity) {
  case Granularity::tensor:
    return getMap(context, rank, {});
  case Granularity::row:
    return getMap(context, rank, {rank - 2});
  case Granularity::token:
    return getMapOfFirst(context, rank, rank - 1);
  }
  llvm_unreachable("unknown granularity");
}

//===----------------------------------------------------------------------===//
// Generics
//===----------------------------------------------------------------------===//

static Value createGeneric(OpBuilder &builder, Location loc, ValueRange inputs,
                           ArrayRef<AffineMap> maps, Value init,
                           ArrayRef<utils::IteratorType> iterators,
                           definitions::Body body) {
  return linalg::GenericOp::create(
             builder, loc, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &nested, Location nestedLoc, ValueRange elements) {
               Value element = body(nested, nestedLoc, elements);
               linalg::YieldOp::create(nested, nestedLoc, element);
             })
      .getResult(0);
}

Value definitions::createElementwise(OpBuilder &builder, Location loc,
                                     ValueRange inputs,
                                     ArrayRef<AffineMap> maps, Value init,
                                     Body body) {
  int64_t rank = getRank(init);
  SmallVector<AffineMap> all(maps);
  all.push_back(builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return createGeneric(builder, loc, inputs, all, init, iterators, body);
}

Value definitions::createReduction(OpBuilder &builder, Location loc,
                                   ValueRange inputs, ArrayRef<AffineMap> maps,
                                   Value init, AffineMap initMap,
                                   int64_t reduced, TypedAttr identity,
                                   Body body) {
  Value start = arith::ConstantOp::create(builder, loc, identity);
  Value filled = linalg::FillOp::create(builder, loc, start, init).getResult(0);
  SmallVector<AffineMap> all(maps);
  all.push_back(initMap);
  SmallVector<utils::IteratorType> iterators(initMap.getNumDims() - reduced,
                                             utils::IteratorType::parallel);
  iterators.append(reduced, utils::IteratorType::reduction);
  return createGeneric(builder, loc, inputs, all, filled, iterators, body);
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

Value definitions::extendLevel(OpBuilder &builder, Location loc, Value stored,
                               LevelsType levels, Type type) {
  if (levels.isStoredUnsigned())
    return arith::ExtUIOp::create(builder, loc, type, stored);
  return arith::ExtSIOp::create(builder, loc, type, stored);
}

Value definitions::getLevelAsFloat(OpBuilder &builder, Location loc,
                                   Value stored, LevelsType levels) {
  Value level = extendLevel(builder, loc, stored, levels, builder.getI32Type());
  return arith::SIToFPOp::create(builder, loc, builder.getF32Type(), level);
}
