//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loop nests for linalg operations on buffers. LLVM vectorizes the innermost
// loop only, so the nest is ordered for it: the dimension that walks most
// operands contiguously comes last. Dimensions of extent one make no loop.
// Reductions that it would leave scalar are emitted on vectors.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "FloatProduct.h"
#include "PanelProduct.h"
#include "Reduction.h"
#include "VectorReduction.h"
#include "lowbit/Target/Target.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITLINALGTOLOOPS
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;
using linalg::LinalgOp;

namespace {
/// The order of the loops of one operation.
struct LoopOrder {
  SmallVector<unsigned> parallel;   // one scf.parallel
  SmallVector<unsigned> sequential; // scf.for, outermost first
  unsigned carried = 0; // how many of the last are reductions in registers
};
} // namespace

/// How well dimension `dim` does as the innermost loop.
static int scoreAsInnermost(LinalgOp op, unsigned dim) {
  int score = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    if (op.isScalar(&operand))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (map.getNumResults() == 0 || !map.isFunctionOfDim(dim))
      continue;
    auto last = dyn_cast<AffineDimExpr>(map.getResult(map.getNumResults() - 1));
    bool contiguous = last && last.getPosition() == dim;
    score += contiguous ? 2 : -3;
  }
  return score;
}

static LoopOrder chooseOrder(LinalgOp op, ArrayRef<int64_t> extents) {
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  SmallVector<unsigned> dims;
  for (unsigned dim = 0; dim < extents.size(); ++dim)
    if (extents[dim] != 1)
      dims.push_back(dim);

  LoopOrder order;
  if (dims.empty())
    return order;
  unsigned innermost = dims.front();
  int best = scoreAsInnermost(op, innermost);
  for (unsigned dim : ArrayRef<unsigned>(dims).drop_front()) {
    int score = scoreAsInnermost(op, dim);
    if (score >= best) {
      best = score;
      innermost = dim;
    }
  }
  for (unsigned dim : dims)
    if (dim != innermost)
      (linalg::isParallelIterator(kinds[dim]) ? order.parallel
                                              : order.sequential)
          .push_back(dim);
  bool innermostParallel = linalg::isParallelIterator(kinds[innermost]);
  if (innermostParallel && order.parallel.empty() && order.sequential.empty())
    order.parallel.push_back(innermost);
  else
    order.sequential.push_back(innermost);
  if (!innermostParallel)
    order.carried = order.sequential.size();
  return order;
}

namespace {
/// Emits the nest of one operation.
class NestEmitter {
public:
  NestEmitter(LinalgOp op, OpBuilder &builder, unsigned vectorBits)
      : op(op), builder(builder), loc(op.getLoc()), vectorBits(vectorBits) {}

  void emit() {
    ranges = op.createLoopRanges(builder, loc);
    extents = op.getStaticLoopRanges();
    order = chooseOrder(op, extents);
    for (const Range &range : ranges)
      bounds.push_back(
          getValueOrCreateConstantIndexOp(builder, loc, range.size));
    zero = arith::ConstantIndexOp::create(builder, loc, 0);
    one = arith::ConstantIndexOp::create(builder, loc, 1);
    ivs.assign(ranges.size(), zero);
    if (order.carried != 0) {
      unsigned innermost = order.sequential.back();
      vectors = VectorReduction::match(op, innermost, vectorBits);
      if (vectors)
        vectors->prepare(builder, bounds[innermost]);
    }
    if (order.parallel.empty()) {
      emitSequential(0);
      return jam();
    }
    SmallVector<Value> lower, upper, step;
    for (unsigned dim : order.parallel) {
      lower.push_back(zero);
      upper.push_back(bounds[dim]);
      step.push_back(one);
    }
    auto loop = scf::ParallelOp::create(builder, loc, lower, upper, step);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    for (auto [dim, iv] :
         llvm::zip_equal(order.parallel, loop.getInductionVars()))
      ivs[dim] = iv;
    emitSequential(0);
    jam();
  }

private:
  /// The address of an operand for the current induction variables.
  SmallVector<Value> indices(OpOperand &operand) {
    SmallVector<Value> result;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (unsigned i = 0; i < map.getNumResults(); ++i) {
      AffineExpr expr = map.getResult(i);
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        result.push_back(ivs[dim.getPosition()]);
      else
        result.push_back(affine::makeComposedAffineApply(
            builder, loc, map.getSubMap({i}), getAsOpFoldResult(ivs)));
    }
    return result;
  }

  Value load(OpOperand &operand) {
    if (op.isScalar(&operand))
      return operand.get();
    return memref::LoadOp::create(builder, loc, operand.get(),
                                  indices(operand));
  }

  SmallVector<Value> loadInits() {
    SmallVector<Value> values;
    for (OpOperand &init : op.getDpsInitsMutable())
      values.push_back(load(init));
    return values;
  }

  void store(ValueRange values) {
    for (auto [init, value] : llvm::zip_equal(op.getDpsInitsMutable(), values))
      memref::StoreOp::create(builder, loc, value, init.get(), indices(init));
  }

  /// The sequential loops from `depth` on.
  void emitSequential(unsigned depth) {
    if (depth == order.sequential.size()) {
      store(emitBody(loadInits()));
      return;
    }
    if (order.sequential.size() - depth == order.carried) {
      SmallVector<Value> inits = loadInits();
      auto outer = ArrayRef(order.sequential).drop_front(depth).drop_back();
      store(vectors ? vectors->emit(builder, outer, ivs, bounds, inits)
                    : emitCarried(depth, inits));
      return;
    }
    scf::ForOp loop = beginLoop(order.sequential[depth], {});
    if (depth + 2 == order.sequential.size() && order.carried == 0)
      outside = loop;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    emitSequential(depth + 1);
  }

  /// The carried reductions from `depth` on; returns the final accumulators.
  SmallVector<Value> emitCarried(unsigned depth, ValueRange inits) {
    if (depth == order.sequential.size())
      return emitBody(inits);
    scf::ForOp loop = beginLoop(order.sequential[depth], inits);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next = emitCarried(depth + 1, loop.getRegionIterArgs());
    scf::YieldOp::create(builder, loc, next);
    return llvm::to_vector(llvm::map_range(
        loop.getResults(), [](OpResult result) -> Value { return result; }));
  }

  /// Takes several steps of the reduction around a parallel innermost loop at
  /// once, in order: the result is then read and written that much less often.
  void jam() {
    if (!outside)
      return;
    int64_t trips = extents[order.sequential[order.sequential.size() - 2]];
    for (uint64_t factor : {8, 4, 2})
      if (!ShapedType::isDynamic(trips) && trips % factor == 0)
        return (void)loopUnrollJamByFactor(outside, factor);
  }

  scf::ForOp beginLoop(unsigned dim, ValueRange inits) {
    auto loop = scf::ForOp::create(builder, loc, zero, bounds[dim], one, inits);
    ivs[dim] = loop.getInductionVar();
    return loop;
  }

  SmallVector<Value> emitBody(ValueRange inits) {
    IRMapping map;
    Block *block = op.getBlock();
    unsigned argument = 0;
    for (OpOperand *input : op.getDpsInputOperands()) {
      BlockArgument arg = block->getArgument(argument++);
      if (!arg.use_empty())
        map.map(arg, load(*input));
    }
    for (Value init : inits)
      map.map(block->getArgument(argument++), init);
    SmallVector<Operation *> body;
    for (Operation &inner : block->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
        map.map(index.getResult(), ivs[index.getDim()]);
        continue;
      }
      body.push_back(builder.clone(inner, map));
    }
    if (op.getNumReductionLoops() != 0)
      relaxReduction(body, inits, order.carried != 0);
    SmallVector<Value> results;
    for (Value result : block->getTerminator()->getOperands())
      results.push_back(map.lookupOrDefault(result));
    return results;
  }

  LinalgOp op;
  OpBuilder &builder;
  Location loc;
  unsigned vectorBits;
  std::optional<VectorReduction> vectors; // emits the carried loops
  SmallVector<Range> ranges;
  SmallVector<int64_t> extents;
  LoopOrder order;
  SmallVector<Value> bounds, ivs;
  Value zero, one;
  scf::ForOp outside; // the loop around the innermost one
};

struct LinalgToLoops
    : mlir::lowbit::impl::LowbitLinalgToLoopsBase<LinalgToLoops> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    Target target = Target::get(getOperation());
    // A copy between layouts would become a library call.
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp copy) {
      auto source = dyn_cast<MemRefType>(copy.getSource().getType());
      auto target = dyn_cast<MemRefType>(copy.getTarget().getType());
      if (source && target &&
          !(memref::isStaticShapeAndContiguousRowMajor(source) &&
            memref::isStaticShapeAndContiguousRowMajor(target)) &&
          !(source.getLayout().isIdentity() && target.getLayout().isIdentity()))
        copies.push_back(copy);
    });
    for (memref::CopyOp copy : copies) {
      rewriter.setInsertionPoint(copy);
      linalg::CopyOp::create(rewriter, copy.getLoc(), copy.getSource(),
                             copy.getTarget());
      rewriter.eraseOp(copy);
    }

    SmallVector<LinalgOp> ops;
    getOperation().walk([&](LinalgOp op) {
      if (op.hasPureBufferSemantics())
        ops.push_back(op);
    });
    for (LinalgOp op : ops) {
      rewriter.setInsertionPoint(op);
      if (std::optional<PanelProduct> panels = PanelProduct::match(op, target))
        panels->emit(rewriter);
      else if (std::optional<FloatProduct> product =
                   FloatProduct::match(op, target))
        product->emit(rewriter);
      else
        NestEmitter(op, rewriter, target.getVectorBits()).emit();
      rewriter.eraseOp(op);
    }
  }
};
} // namespace
