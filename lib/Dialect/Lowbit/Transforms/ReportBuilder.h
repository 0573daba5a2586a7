//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes what became of every product, normalisation and quantizer of a module
// as JSON (docs/Report.md).
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_REPORTBUILDER_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_REPORTBUILDER_H

#include "KernelSelections.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/Support/JSON.h"

namespace mlir::lowbit {

class ReportBuilder {
public:
  explicit ReportBuilder(const Target &target)
      : target(target), selections(target) {}

  /// Products, which are entries of `matmuls`.
  void add(MatmulOp op);
  void add(PackedMatmulOp op);
  /// The loops of a product without a kernel, marked as ReportMarks.h says.
  void addLoops(linalg::LinalgOp op);

  /// Two products and what holds them together.
  void add(PackedAttentionOp op);
  void add(LayerNormOp op);
  void add(LayerNormPackOp op);
  /// A quantizer that is an operation of its own.
  void add(QuantizePackOp op);
  void add(TopProductOp op);

  /// The report; nothing can be added afterwards.
  std::string takeText();

private:
  struct Product;
  void addProduct(Product product);
  void addNorm(Operation *op, Value input, Value residual,
               ArrayRef<LevelsType> results);

  Target target;
  KernelSelections selections;
  llvm::json::Array matmuls, attentions, norms, quantizers;
  int64_t floats = 0, weightBytes = 0, codes = 0, thresholds = 0;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_REPORTBUILDER_H
