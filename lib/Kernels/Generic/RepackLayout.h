//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the emitters of `lowbit.repack` share: where elements come from and
// where they go to, whatever the order of the input.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_REPACKLAYOUT_H
#define LOWBIT_LIB_KERNELS_GENERIC_REPACKLAYOUT_H

#include "../Emission.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

namespace mlir::lowbit {

/// The dimensions of the input of an operation on buffers and of its result:
/// batch dimensions, rows, and elements of a row.
class RepackLayout {
protected:
  RepackLayout(Emission &e, RepackOp op);

  /// Emits an error for layouts that no emitter writes.
  LogicalResult check();
  /// Whether the last dimension of the input is the packed one of the result.
  bool keepsLast() const { return permutation.back() == last; }

  /// The position in the split input of a position in the result, whose last
  /// dimension may be missing.
  SmallVector<Value> getSplit(ArrayRef<Value> position);
  /// The indices of word `word` of a row of the result.
  SmallVector<Value> getTarget(ValueRange batch, Value row, Value word);
  /// Stores word `word` of all lanes of a panel.
  void storePanel(ValueRange batch, Value panel, Value word, Value vector);

  /// Visits the rows of the result in parallel.
  void forRows(llvm::function_ref<void(ValueRange position)> body);
  /// Visits the lanes beyond the last row, which hold nothing.
  void forPadding(llvm::function_ref<void(ValueRange batch, Value row)> body);
  /// Visits the panels of the result in parallel where their rows are the last
  /// dimension of the input: `count` of the lanes are rows.
  void forPanels(
      llvm::function_ref<void(ValueRange batch, Value panel, int64_t count)>
          body);

  Emission &e;
  RepackOp op;
  PackingAttr packing;
  int64_t lanes;
  ArrayRef<int64_t> permutation;
  int64_t last;   // dimension of the split input
  int64_t outer;  // dimensions before those of the split
  int64_t extent; // of the last dimension
  SmallVector<Value> batchExtents;
  Value size, rows;
};

/// Emits the operation for rows of bytes.
LogicalResult emitRepackBytes(Emission &e, RepackOp op, const Target &target);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_REPACKLAYOUT_H
