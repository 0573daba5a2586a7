//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What happens to vectors of sums: the region of an operation in vector form,
// and rows of packed results.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_EPILOGUE_H
#define LOWBIT_LIB_KERNELS_EPILOGUE_H

#include "Emission.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::lowbit {

/// A region of elementwise operations, applied to vectors of `lanes` elements
/// along the last dimension.
class Epilogue {
public:
  /// The arguments of `body` are the sum and an element of each of `operands`,
  /// which broadcast to `shape` or are numbers already.
  Epilogue(Emission &e, Block &body, ArrayRef<Value> operands,
           ArrayRef<int64_t> shape, int64_t lanes)
      : e(e), body(body), operands(operands), shape(shape), lanes(lanes) {}

  /// What the region yields for the sums at `position` (one index for each
  /// dimension); only the first `count` lanes matter when it is given.
  SmallVector<Value> apply(Value sums, ArrayRef<Value> position, Value count);

private:
  Value load(Value operand, ArrayRef<Value> position, Value count);
  void widen(Operation &inner, IRMapping &map);

  Emission &e;
  Block &body;
  ArrayRef<Value> operands;
  ArrayRef<int64_t> shape;
  int64_t lanes;
};

/// Stores one vector of bits for each plane of a code into a packed row (order
/// `rows`) at `row`, from bit `column` on, a multiple of `unit` (a power of two
/// from 8 to 64) as is the number of bits that `count` leaves. Lanes beyond
/// `count` are cleared within their unit and not touched beyond it.
void storePlanes(Emission &e, ArrayRef<Value> planes, Value memref,
                 ArrayRef<Value> row, Value column, int64_t unit, Value count);

/// The same of codes, as vectors of i32, in a row of bytes from byte `column`
/// on; lanes beyond `count` are not touched.
void storeCodes(Emission &e, Value codes, Value memref, ArrayRef<Value> row,
                Value column, Value count);

/// Stores what a region yields for a packed result in either way.
void storePacked(Emission &e, PackingAttr packing, ArrayRef<Value> yielded,
                 Value memref, ArrayRef<Value> row, Value column, int64_t unit,
                 Value count);

/// Completes packed rows of `columns` codes once all of them are written:
/// clears what lies beyond the columns and stores the last words.
void finishPackedRows(Emission &e, Value memref, PackingAttr packing,
                      int64_t columns);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_EPILOGUE_H
