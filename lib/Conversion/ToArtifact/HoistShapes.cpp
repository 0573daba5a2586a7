//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dimensions of buffers are first traced back through views to the sizes of
// allocations and to the dimensions of inputs.
//
//===----------------------------------------------------------------------===//

#include "HoistShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::lowbit;

/// The extent `dim` of a buffer, from what the buffer is made of.
static Value getExtent(OpBuilder &builder, Location loc, Value buffer,
                       int64_t dim) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(dim))
    return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(dim));
  if (auto cast = buffer.getDefiningOp<memref::CastOp>();
      cast && isa<MemRefType>(cast.getSource().getType()))
    return getExtent(builder, loc, cast.getSource(), dim);
  if (auto alloc = buffer.getDefiningOp<memref::AllocOp>())
    return alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)];
  if (auto expand = buffer.getDefiningOp<memref::ExpandShapeOp>())
    return getValueOrCreateConstantIndexOp(builder, loc,
                                           expand.getMixedOutputShape()[dim]);
  if (auto collapse = buffer.getDefiningOp<memref::CollapseShapeOp>()) {
    Value extent;
    // Named, so that it outlives the loop's range.
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t source : group) {
      Value part = getExtent(builder, loc, collapse.getSrc(), source);
      extent = extent ? builder.createOrFold<arith::MulIOp>(loc, extent, part)
                      : part;
    }
    return extent;
  }
  if (auto transpose = buffer.getDefiningOp<memref::TransposeOp>()) {
    auto source =
        dyn_cast<AffineDimExpr>(transpose.getPermutation().getResult(dim));
    if (source)
      return getExtent(builder, loc, transpose.getIn(), source.getPosition());
  }
  return builder.createOrFold<memref::DimOp>(loc, buffer, dim);
}

static void resolveDims(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto dim = dyn_cast<memref::DimOp>(op);
    if (!dim || !isa<MemRefType>(dim.getSource().getType()))
      continue;
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!index || isa<BlockArgument>(dim.getSource()))
      continue;
    OpBuilder builder(dim);
    Value extent = getExtent(builder, dim.getLoc(), dim.getSource(), *index);
    dim.replaceAllUsesWith(extent);
    dim.erase();
  }
}

Operation *mlir::lowbit::hoistShapes(Block &block) {
  resolveDims(block);
  DenseSet<Value> known;
  for (BlockArgument argument : block.getArguments())
    known.insert(argument);
  SmallVector<Operation *> hoisted;
  for (Operation &op : block) {
    bool movable = isa<cf::AssertOp>(op) ||
                   (op.getNumRegions() == 0 && isMemoryEffectFree(&op) &&
                    !op.hasTrait<OpTrait::IsTerminator>());
    if (!movable || !llvm::all_of(op.getOperands(), [&](Value operand) {
          return known.contains(operand);
        }))
      continue;
    hoisted.push_back(&op);
    known.insert_range(op.getResults());
  }
  Operation *last = nullptr;
  for (Operation *op : hoisted) {
    if (last)
      op->moveAfter(last);
    else
      op->moveBefore(&block, block.begin());
    last = op;
  }
  return last ? last->getNextNode() : &block.front();
}
