//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Float matrix products with a constant right side that is stored in panels:
// the elements of neighbouring columns for the first step along K, those for
// the second, and so on. Sums stay in registers and the table is read in the
// order in which it lies in memory, once for several rows.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_PANELPRODUCT_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_PANELPRODUCT_H

#include "lowbit/Target/Target.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::lowbit {

/// Columns of a panel: whole vectors and whole cache lines on every target.
constexpr int64_t kPanelColumns = 32;

/// How a product of `loops` loops (rows, K, columns) reads panels
/// `[panels, K, kPanelColumns]`.
AffineMap getPanelMap(MLIRContext *context, unsigned loops);

/// A product `[..., K] x panels` of f32 on buffers, added to its destination.
class PanelProduct {
public:
  /// Matches float products whose right side is read by getPanelMap and whose
  /// result has contiguous columns.
  static std::optional<PanelProduct> match(linalg::LinalgOp op,
                                           const Target &target);

  /// Emits the loops in front of the operation. An element is summed along K in
  /// order, however many rows there are.
  void emit(OpBuilder &builder);

private:
  /// An operand whose leading dimensions are rows.
  struct Rows {
    Value memref;
    /// The sizes of leading dimensions that could not be merged into one.
    SmallVector<Value> sizes;
  };

  PanelProduct(linalg::LinalgOp op, int64_t columns, const Target &target);

  Rows mergeRows(Value operand);
  SmallVector<Value> getPosition(const Rows &operand, Value row, Value last);
  void emitPanel(Value panel, Value firstRow, Value lastRow, Value whole);
  void emitTile(Value row, int64_t count, Value begin, Value end);
  void emitVectors(Value row, int64_t count, int64_t vectors, Value begin,
                   Value end, Value offset);
  void emitStep(ArrayRef<SmallVector<Value>> rows, Value k, Value offset,
                MutableArrayRef<Value> sums);
  void prefetch(Value k, int64_t steps, Value offset, int64_t columns);

  Value index(int64_t value);
  Value add(Value lhs, Value rhs);
  Value mul(Value lhs, Value rhs);
  Value min(Value lhs, Value rhs);
  void forLoop(Value begin, Value end, int64_t step,
               llvm::function_ref<void(Value)> body);

  linalg::LinalgOp op;
  int64_t columns, lanes;
  int64_t registers; // of vectors
  bool fma;
  OpBuilder *b = nullptr;
  VectorType type;
  Rows left, result;
  Value table, elements; // the panels, and their elements one after another
  int64_t depth = 0;     // K
  Value panel;           // that is emitted
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_PANELPRODUCT_H
