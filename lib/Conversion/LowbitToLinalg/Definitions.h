//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the definitions share: generics, destinations, levels in eight bits.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_LOWBITTOLINALG_DEFINITIONS_H
#define LOWBIT_LIB_CONVERSION_LOWBITTOLINALG_DEFINITIONS_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::lowbit::definitions {

/// Makes the value of an element from those of the inputs and, last, of the
/// destination.
using Body = llvm::function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// A linalg.generic over the dimensions of `init`; `maps` are those of the
/// inputs.
Value createElementwise(OpBuilder &builder, Location loc, ValueRange inputs,
                        ArrayRef<AffineMap> maps, Value init, Body body);

/// A linalg.generic with more loops than `init` has dimensions: the last
/// `reduced` of `loops` loops are reductions. `initMap` is the map of the
/// destination, which holds `identity` at the start.
Value createReduction(OpBuilder &builder, Location loc, ValueRange inputs,
                      ArrayRef<AffineMap> maps, Value init, AffineMap initMap,
                      int64_t reduced, TypedAttr identity, Body body);

/// The map of `loops` loops to these dimensions.
AffineMap getMap(MLIRContext *context, int64_t loops, ArrayRef<int64_t> dims);
/// The map to the first `count` loops, and those of `more`.
AffineMap getMapOfFirst(MLIRContext *context, int64_t loops, int64_t count,
                        ArrayRef<int64_t> more = {});

/// The map of a scale on something of rank `rank`.
AffineMap getScaleMap(MLIRContext *context, Granularity granularity,
                      int64_t rank);

int64_t getRank(Value value);
LevelsType getLevels(Value value);

/// The eight bits of a stored level as an integer of `type`.
Value extendLevel(OpBuilder &builder, Location loc, Value stored,
                  LevelsType levels, Type type);
/// The same as f32.
Value getLevelAsFloat(OpBuilder &builder, Location loc, Value stored,
                      LevelsType levels);

/// `sum over k of lhs[..., m, k] * rhs[..., k, n]` (`rhs[..., n, k]` with
/// `transposed`) into the shape of `init`; without `lhsLevels` lhs is f32.
Value createMatmul(OpBuilder &builder, Location loc, Value lhs,
                   LevelsType lhsLevels, Value rhs, LevelsType rhsLevels,
                   bool transposed, Value init);

/// `table[ids[i...], h] * scale[ids[i...]]`.
Value createLookup(OpBuilder &builder, Location loc, Value table,
                   LevelsType levels, Value ids, Value scale, Value init);

/// The levels `[..., rows, size]`, as i8, that `packed` holds.
Value createUnpacked(OpBuilder &builder, Location loc, Value packed,
                     PackingAttr packing, ArrayRef<OpFoldResult> sizes);

void populateElementwise(const TypeConverter &converter,
                         RewritePatternSet &patterns);
void populateContractions(const TypeConverter &converter,
                          RewritePatternSet &patterns);
void populateNormalizations(const TypeConverter &converter,
                            RewritePatternSet &patterns);
void populatePackedOperations(const TypeConverter &converter,
                              RewritePatternSet &patterns);
void populateTopProduct(const TypeConverter &converter,
                        RewritePatternSet &patterns);
void populatePacking(const TypeConverter &converter,
                     RewritePatternSet &patterns);

} // namespace mlir::lowbit::definitions

#endif // LOWBIT_LIB_CONVERSION_LOWBITTOLINALG_DEFINITIONS_H
