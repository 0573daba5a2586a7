//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the lowerings of all operators share: the values made so far with their
// sizes, scalars of small tensors, run-time checks and diagnostics. Operators
// are lowered once, in the order of the function, each by the function that its
// theme's file has put into the table.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_ONNXTOLINALG_LOWERING_H
#define LOWBIT_CONVERSION_ONNXTOLINALG_LOWERING_H

#include "ScalarMath.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Support/DebugStringHelper.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace mlir::lowbit {

/// The name of the graph node that an operation came from: its location's name,
/// else the operation's name.
StringRef getNodeName(Operation *op);

/// Signed and unsigned integers become signless ones of the same width; their
/// operators know the signedness from the types before the conversion.
Type convertElementType(Type type);
RankedTensorType convertTensorType(RankedTensorType type);

class Lowering {
public:
  /// Tensors of at most this many elements may be computed element by element.
  static constexpr int64_t kMaxScalars = 16;

  /// Starts at the front of the function's only block.
  explicit Lowering(func::FuncOp function);
  /// Gives the function its converted type, when every use has been replaced.
  void finish();

  OpBuilder &getBuilder() { return builder; }
  ScalarMath &getMath() { return math; }
  Location getLoc() { return current->getLoc(); }
  Operation *getOperator() { return current; }
  /// Makes `op` the operator that is being lowered: the builder stands in front
  /// of it, locations and messages are its own.
  void setOperator(Operation *op);

  //===--- values ---------------------------------------------------------===//

  /// The lowered value of an operator's result, null if there is none.
  Value lookup(Value value) { return lowered.lookup(value); }
  /// The same for an operand of the current operator, which has one.
  Value operand(Value value);
  /// The lowered value, cast to the converted type of `value`.
  Value getWithDeclaredType(Value value);
  /// Makes `value` stand for `result`. Its type becomes as static as either
  /// says; a dimension that only the type of `result` fixes is checked at run
  /// time.
  LogicalResult replace(Value result, Value value);

  /// Notes the sizes of a result of the current operation, which is none of the
  /// onnx dialect. Operators see it with a type as static as the sizes.
  void addResult(Value result, ArrayRef<OpFoldResult> sizes);

  /// The sizes of a lowered value; constant where the type is static and only
  /// there.
  SmallVector<OpFoldResult> getSizes(Value value);
  void setSizes(Value value, ArrayRef<OpFoldResult> sizes);
  /// The converted type of an operator's result.
  RankedTensorType getDeclaredType(Value result);
  /// `sizes` with the dimensions that `declared` fixes; checks them at run
  /// time.
  SmallVector<OpFoldResult> refine(ArrayRef<OpFoldResult> sizes,
                                   RankedTensorType declared);

  /// That a Slice would have had the size `wanted` if its bounds had been
  /// inside the tensor, while its size is `clamped`.
  void noteClamped(OpFoldResult clamped, OpFoldResult wanted);
  bool isClampedFrom(OpFoldResult clamped, OpFoldResult wanted);

  //===--- scalars --------------------------------------------------------===//

  /// Whether the elements exist as scalars already, or are constants.
  bool isScalars(Value tensor);
  /// The elements of a small static tensor, row-major.
  SmallVector<Value> getScalars(Value tensor);
  /// The scalar that every element of `tensor` is, if that is known without
  /// reading it, else null.
  Value getUniformScalar(Value tensor);
  /// The elements of a small static tensor of integers as sizes.
  SmallVector<OpFoldResult> getIndices(Value tensor);
  Value fromScalars(ArrayRef<Value> scalars, RankedTensorType type);
  static bool isSmall(RankedTensorType type);

  //===--- checks and diagnostics -----------------------------------------===//

  /// Stops the run with "node 'x': message" unless `condition`.
  void assertTrue(Value condition, const Twine &message);
  /// Stops the run unless both sizes agree; from then on they count as equal.
  void assertEqual(OpFoldResult a, OpFoldResult b, const Twine &message);
  /// An error on the current operator, which names the node.
  LogicalResult fail(const Twine &message);

private:
  func::FuncOp function;
  OpBuilder builder;
  ScalarMath math;
  Operation *current = nullptr;
  DenseMap<Value, Value> lowered;
  DenseMap<Value, Value> declared;
  DenseMap<Value, SmallVector<OpFoldResult>> sizes;
  SmallVector<std::pair<OpFoldResult, OpFoldResult>> clampedFrom;
  llvm::DenseSet<Value> asserted;
  SmallVector<BlockArgument> replacedArguments;
};

/// The lowering of every operator, by operation name.
class LoweringTable {
public:
  using Function = std::function<LogicalResult(Operation *, Lowering &)>;

  template <typename OpTy> void add(LogicalResult (*lower)(OpTy, Lowering &)) {
    functions[OpTy::getOperationName()] = [lower](Operation *op, Lowering &l) {
      return lower(cast<OpTy>(op), l);
    };
  }
  template <typename OpTy, typename Lower> void add(Lower lower) {
    functions[OpTy::getOperationName()] = [lower](Operation *op, Lowering &l) {
      return lower(cast<OpTy>(op), l);
    };
  }
  const Function *find(StringRef name) const {
    auto it = functions.find(name);
    return it == functions.end() ? nullptr : &it->second;
  }

private:
  llvm::StringMap<Function> functions;
};

/// Each adds the operators of one theme.
void populateAttentionLowerings(LoweringTable &table);
void populateCastLowerings(LoweringTable &table);
void populateConstantLowerings(LoweringTable &table);
void populateDataMovementLowerings(LoweringTable &table);
void populateElementwiseLowerings(LoweringTable &table);
void populateGatherLowerings(LoweringTable &table);
void populateMatMulLowerings(LoweringTable &table);
void populateNormalizationLowerings(LoweringTable &table);
void populateReductionLowerings(LoweringTable &table);
void populateReshapeLowerings(LoweringTable &table);
void populateScanLowerings(LoweringTable &table);
void populateScatterLowerings(LoweringTable &table);
void populateShapeLowerings(LoweringTable &table);
void populateSliceLowerings(LoweringTable &table);

} // namespace mlir::lowbit

#endif // LOWBIT_CONVERSION_ONNXTOLINALG_LOWERING_H
