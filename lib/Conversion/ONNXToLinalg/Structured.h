//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builders of structured operations on values of any shape: numpy broadcasting,
// elementwise maps, reductions, reshapes that are views.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_ONNXTOLINALG_STRUCTURED_H
#define LOWBIT_CONVERSION_ONNXTOLINALG_STRUCTURED_H

#include "Lowering.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

namespace mlir::lowbit {

/// Builds the result of one element from one element of every input.
using ElementFn = function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// The sizes that shapes broadcast to, as numpy does; checks at run time what
/// is not known. Fails, with an error, when they cannot agree.
FailureOr<SmallVector<OpFoldResult>>
broadcastSizes(Lowering &l, ArrayRef<SmallVector<OpFoldResult>> shapes);

/// An input of a structured operation: loop `loops[i]` runs over its dimension
/// i.
struct Operand {
  Value value;
  SmallVector<int64_t> loops;
};

/// Prepares `tensor`, whose dimension i belongs to loop `loops[i]`, for loops
/// of the given sizes: drops dimensions of 1 that are broadcast, and copies a
/// tensor of which only the run shows whether a dimension is 1.
Operand alignOperand(Lowering &l, Value tensor, ArrayRef<int64_t> loops,
                     ArrayRef<OpFoldResult> loopSizes);

/// The loops of a tensor of `rank` dimensions that is aligned to the right.
SmallVector<int64_t> getTrailingLoops(int64_t rank, int64_t numLoops);

/// Builds a linalg.generic with one init; `body` gets the inputs' elements and
/// the init's.
Value createGeneric(Lowering &l, ArrayRef<Operand> inputs, const Operand &init,
                    ArrayRef<utils::IteratorType> iterators, ElementFn body,
                    ArrayRef<NamedAttribute> attributes = {});

/// Builds `body` for every element of the broadcast inputs. Small shape-like
/// inputs give scalars. `declared` gives the element type and fixes dimensions.
FailureOr<Value> createElementwise(Lowering &l, ValueRange inputs,
                                   RankedTensorType declared, ElementFn body);
/// The same with the element type alone.
FailureOr<Value> createElementwise(Lowering &l, ValueRange inputs,
                                   Type elementType, ElementFn body);

/// Builds every element of a tensor of the given sizes from its indices and the
/// elements of `inputs` that belong to them.
Value createIndexed(Lowering &l, ArrayRef<OpFoldResult> sizes, Type elementType,
                    function_ref<Value(OpBuilder &, Location,
                                       ValueRange indices, ValueRange elements)>
                        body,
                    ArrayRef<Operand> inputs = {});

/// Folds `combine(element, accumulator)` over `axes` (sorted), which vanish.
Value createReduction(Lowering &l, Value input, ArrayRef<int64_t> axes,
                      TypedAttr init, ElementFn combine);

/// Stops the run with `message` unless `predicate` holds for every element: one
/// check at the top level, ahead of the use.
void assertAll(Lowering &l, Value tensor,
               function_ref<Value(OpBuilder &, Location, Value)> predicate,
               const Twine &message);

/// A tensor of the given sizes without contents, or filled with a scalar.
Value createEmpty(Lowering &l, ArrayRef<OpFoldResult> sizes, Type elementType);
Value createFilled(Lowering &l, ArrayRef<OpFoldResult> sizes, Value scalar);
RankedTensorType getTensorType(ArrayRef<OpFoldResult> sizes, Type elementType);

/// The same elements in another shape: a view, a constant or scalars.
Value createReshape(Lowering &l, Value value, ArrayRef<OpFoldResult> sizes);

/// The dimensions in another order, folded for constants.
Value createTranspose(Lowering &l, Value value, ArrayRef<int64_t> permutation);

/// A part of a tensor; `dropped` dimensions, of size 1, vanish.
Value createSlice(Lowering &l, Value value, ArrayRef<OpFoldResult> offsets,
                  ArrayRef<OpFoldResult> sizes, ArrayRef<OpFoldResult> strides,
                  ArrayRef<int64_t> dropped = {});

/// `axis` counted from the front; nothing when it is out of range.
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);

/// Scalar constants of an element type.
Value createConstant(OpBuilder &b, Location loc, Type type, double value);

} // namespace mlir::lowbit

#endif // LOWBIT_CONVERSION_ONNXTOLINALG_STRUCTURED_H
