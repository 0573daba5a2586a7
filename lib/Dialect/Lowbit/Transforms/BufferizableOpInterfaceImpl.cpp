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
#include "lowbit/Kernels/Kernels.h"
#include "lowbit/Kernels/TopProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mlir::lowbit;

/// Attention works on a few rows of scores and codes at a time. They live in
/// buffers of their own, one for each part of the work that may run in
/// parallel. Where the least probability is subtracted, the exponentials of all
/// rows are kept until it is known.
static void addScratch(PackedAttentionOp attention, RewriterBase &rewriter,
                       SmallVectorImpl<Value> &operands) {
  Location loc = attention.getLoc();
  Value q = operands[0];
  auto type = cast<MemRefType>(q.getType());
  SmallVector<int64_t> batch(type.getShape().drop_back(2));
  SmallVector<Value> extents;
  for (auto [dim, extent] : llvm::enumerate(batch))
    if (ShapedType::isDynamic(extent))
      extents.push_back(memref::DimOp::create(rewriter, loc, q, dim));
  Value words = rewriter.createOrFold<arith::CeilDivUIOp>(
      loc, attention.getKeys(),
      arith::ConstantIndexOp::create(rewriter, loc, 64));
  // Dimensions behind the batch: those that are values are not known.
  auto allocate = [&](ArrayRef<OpFoldResult> dims, Type element) -> Value {
    SmallVector<int64_t> shape(batch);
    SmallVector<Value> sizes(extents);
    for (OpFoldResult dim : dims) {
      auto value = dyn_cast<Value>(dim);
      shape.push_back(value ? ShapedType::kDynamic : *getConstantIntValue(dim));
      if (value)
        sizes.push_back(value);
    }
    return memref::AllocOp::create(rewriter, loc,
                                   MemRefType::get(shape, element), sizes,
                                   rewriter.getI64IntegerAttr(64));
  };
  Value scores = rewriter.createOrFold<arith::MulIOp>(
      loc, words, arith::ConstantIndexOp::create(rewriter, loc, 64));
  // Codes are written for 64 keys at a time.
  PackingAttr packing = attention.getCodes();
  int64_t perStep = packing.hasWholeCodes() ? 64 / packing.getElementsPerWord()
                                            : packing.getPlanes();
  Value codes = rewriter.createOrFold<arith::AddIOp>(
      loc,
      rewriter.createOrFold<arith::MulIOp>(
          loc, words, arith::ConstantIndexOp::create(rewriter, loc, perStep)),
      arith::ConstantIndexOp::create(rewriter, loc, 1));
  Type f32 = rewriter.getF32Type();
  OpFoldResult parts = rewriter.getIndexAttr(kAttentionParts);
  auto isInTiles = [](StringRef name) {
    const KernelRow *kernel = findKernel(name);
    return kernel && !kernel->fewRows.empty();
  };
  bool inTiles = isInTiles(attention.getKernel()) ||
                 isInTiles(attention.getContextKernel().value_or(StringRef()));
  OpFoldResult together =
      rewriter.getIndexAttr(inTiles ? kTileScratchUnit : kAttentionRows);
  SmallVector<Value> buffers;
  Value codeBuffer =
      allocate({parts, together, codes}, packing.getElementType());
  if (attention.getSubtractMinimum()) {
    OpFoldResult rows =
        rewriter.createOrFold<memref::DimOp>(loc, q, type.getRank() - 2);
    buffers = {allocate({rows, scores}, f32), codeBuffer, allocate({rows}, f32),
               allocate({parts}, f32)};
    buffers.push_back(memref::AllocOp::create(rewriter, loc,
                                              MemRefType::get({}, f32),
                                              rewriter.getI64IntegerAttr(64)));
  } else {
    buffers = {allocate({parts, together, scores}, f32), codeBuffer};
  }
  operands.insert(operands.end() - 1, buffers.begin(), buffers.end());
}

/// Kernels that multiply in tiles expand a number of rows of the left side to
/// bytes, which all columns read. Whether the operation has a scratch buffer.
static bool addScratch(PackedMatmulOp matmul, RewriterBase &rewriter,
                       SmallVectorImpl<Value> &operands) {
  const KernelRow *kernel = findKernel(matmul.getKernel());
  if (!kernel || kernel->fewRows.empty() || matmul.getDynamicSize() ||
      matmul.getRhsPacking().getBits())
    return false;
  Location loc = matmul.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  Value lhs = operands[0], rows = constant(1);
  int64_t rank = cast<MemRefType>(lhs.getType()).getRank();
  for (int64_t dim = 0; dim + 1 < rank; ++dim)
    rows = rewriter.createOrFold<arith::MulIOp>(
        loc, rows, rewriter.createOrFold<memref::DimOp>(loc, lhs, dim));
  Value blocks = rewriter.createOrFold<arith::CeilDivUIOp>(
      loc, rows, constant(kTileColumns));
  rows =
      rewriter.createOrFold<arith::MulIOp>(loc, blocks, constant(kTileColumns));
  rows = rewriter.createOrFold<arith::MinUIOp>(loc, rows,
                                               constant(kTileScratchRows));
  int64_t bytes = llvm::alignTo(matmul.getSize(), kTileScratchStep);
  Value size = rewriter.createOrFold<arith::MulIOp>(loc, rows, constant(bytes));
  operands.push_back(memref::AllocOp::create(
      rewriter, loc,
      MemRefType::get({ShapedType::kDynamic}, rewriter.getI8Type()), size,
      rewriter.getI64IntegerAttr(64)));
  return true;
}

/// The buffers in which top products are screened, one row each for every row
/// of the input. They stand in front of the destinations.
static size_t addScratch(TopProductOp product, RewriterBase &rewriter,
                         SmallVectorImpl<Value> &operands) {
  if (product.getScreen().empty())
    return 0;
  Location loc = product.getLoc();
  Value input = operands[0];
  Value rows = arith::ConstantIndexOp::create(rewriter, loc, 1);
  int64_t rank = cast<MemRefType>(input.getType()).getRank();
  for (int64_t dim = 0; dim + 1 < rank; ++dim)
    rows = rewriter.createOrFold<arith::MulIOp>(
        loc, rows, rewriter.createOrFold<memref::DimOp>(loc, input, dim));
  SmallVector<Value> buffers;
  for (MemRefType type : getTopProductScratch(product))
    buffers.push_back(memref::AllocOp::create(rewriter, loc, type, rows,
                                              rewriter.getI64IntegerAttr(64)));
  operands.insert(operands.end() - product.getInits().size(), buffers.begin(),
                  buffers.end());
  return buffers.size();
}

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
    SmallVector<Value> inits;
    for (OpOperand &init : destination.getDpsInitsMutable())
      inits.push_back(operands[init.getOperandNumber()]);
    bool hasScratch = false;
    size_t buffers = 0;
    if (auto attention = dyn_cast<PackedAttentionOp>(op))
      addScratch(attention, rewriter, operands);
    else if (auto matmul = dyn_cast<PackedMatmulOp>(op))
      hasScratch = addScratch(matmul, rewriter, operands);
    else if (auto product = dyn_cast<TopProductOp>(op))
      buffers = addScratch(product, rewriter, operands);
    OperationState onBuffers(op->getLoc(), op->getName(), operands, TypeRange(),
                             op->getAttrs());
    onBuffers.propertiesAttr = op->getPropertiesAsAttribute();
    for (Region &region : op->getRegions())
      onBuffers.addRegion()->takeBody(region);
    Operation *created = rewriter.create(onBuffers);
    if (auto attention = dyn_cast<PackedAttentionOp>(created)) {
      // The segment of the scratch buffers, in front of the destination.
      auto &segments = attention.getProperties().operandSegmentSizes;
      segments[std::size(segments) - 2] =
          static_cast<int32_t>(attention.getNumScratchBuffers());
    } else if (auto matmul = dyn_cast<PackedMatmulOp>(created)) {
      auto &segments = matmul.getProperties().operandSegmentSizes;
      segments[std::size(segments) - 1] = hasScratch;
    } else if (auto product = dyn_cast<TopProductOp>(created)) {
      auto &segments = product.getProperties().operandSegmentSizes;
      segments[std::size(segments) - 2] = static_cast<int32_t>(buffers);
    }
    replaceOpWithBufferizedValues(rewriter, op, inits);
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
    PackedAttentionOp::attachInterface<DestinationModel<PackedAttentionOp>>(
        *context);
    PackedLookupOp::attachInterface<DestinationModel<PackedLookupOp>>(*context);
    LayerNormOp::attachInterface<DestinationModel<LayerNormOp>>(*context);
    LayerNormPackOp::attachInterface<DestinationModel<LayerNormPackOp>>(
        *context);
    SoftmaxOp::attachInterface<DestinationModel<SoftmaxOp>>(*context);
    TopProductOp::attachInterface<DestinationModel<TopProductOp>>(*context);
  });
}
