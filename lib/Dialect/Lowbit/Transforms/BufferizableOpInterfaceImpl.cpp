//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bufferization of operations that write their whole destination.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/Transforms/BufferizableOpInterfaceImpl.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mlir::lowbit;

namespace {

template <typename OpTy>
struct DestinationModel
    : DstBufferizableOpInterfaceExternalModel<DestinationModel<OpTy>, OpTy> {
  /// The destination gives the shape only; what it held is overwritten.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    auto destination = cast<DestinationStyleOpInterface>(op);
    Value init =
        operands[destination.getDpsInitOperand(0)->getOperandNumber()];
    OperationState onBuffers(op->getLoc(), op->getName(), operands,
                             TypeRange(), op->getAttrs());
    onBuffers.propertiesAttr = op->getPropertiesAsAttribute();
    for (Region &region : op->getRegions())
      onBuffers.addRegion()->takeBody(region);
    rewriter.create(onBuffers);
    replaceOpWithBufferizedValues(rewriter, op, init);
    return success();
  }
};

} // namespace

void mlir::lowbit::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LowbitDialect *) {
    PackedMatmulOp::attachInterface<DestinationModel<PackedMatmulOp>>(*context);
    QuantizePackOp::attachInterface<DestinationModel<QuantizePackOp>>(*context);
    RepackOp::attachInterface<DestinationModel<RepackOp>>(*context);
    PackedLookupOp::attachInterface<DestinationModel<PackedLookupOp>>(*context);
    LayerNormOp::attachInterface<DestinationModel<LayerNormOp>>(*context);
    SoftmaxOp::attachInterface<DestinationModel<SoftmaxOp>>(*context);
  });
}
