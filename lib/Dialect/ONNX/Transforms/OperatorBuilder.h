//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes operators in front of another one, each with its inferred type.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_OPERATORBUILDER_H
#define LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_OPERATORBUILDER_H

#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "mlir/IR/Builders.h"

namespace mlir::lowbit {

class OperatorBuilder {
public:
  /// Values have elements of type `element` where nothing else is said.
  OperatorBuilder(Operation *before, Type element)
      : builder(before), loc(before->getLoc()), element(element) {}

  /// False once an inference has failed and emitted its diagnostic.
  bool isValid() const { return valid; }

protected:
  template <typename OpT, typename... Args> Value make(Args &&...args) {
    return makeTyped<OpT>(element, std::forward<Args>(args)...);
  }
  template <typename OpT, typename... Args>
  Value makeTyped(Type type, Args &&...args) {
    auto result = OpT::create(builder, loc, UnrankedTensorType::get(type),
                              std::forward<Args>(args)...);
    SmallVector<TensorType> types;
    if (failed(
            result.inferResultTypes(onnx::InferenceScope::Producers, types))) {
      valid = false;
      return result->getResult(0);
    }
    result->getResult(0).setType(types.front());
    return result->getResult(0);
  }
  Value makeInts(ArrayRef<int64_t> values) {
    auto type = RankedTensorType::get(static_cast<int64_t>(values.size()),
                                      builder.getI64Type());
    return onnx::ConstantOp::create(builder, loc, type,
                                    DenseElementsAttr::get(type, values));
  }
  Value reshape(Value value, ArrayRef<int64_t> shape) {
    return make<onnx::ReshapeOp>(value, makeInts(shape),
                                 builder.getI64IntegerAttr(0));
  }
  Value transpose(Value value, ArrayRef<int64_t> perm) {
    return make<onnx::TransposeOp>(value, builder.getDenseI64ArrayAttr(perm));
  }
  /// Dimension `axis` of `value` as a vector of one number.
  Value dimension(Value value, int64_t axis) {
    return makeTyped<onnx::ShapeOp>(builder.getI64Type(), value,
                                    builder.getI64IntegerAttr(axis),
                                    builder.getI64IntegerAttr(axis + 1));
  }

  OpBuilder builder;
  Location loc;
  Type element;

private:
  bool valid = true;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_OPERATORBUILDER_H
