//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-outline-parallel. A parallel loop becomes one loop over a range of
// fused iterations; that loop moves into a function `(begin, end,
// captures...)`, and a small task `(context, begin, end)` unpacks the captures
// for it. The split gives LLVM the `noalias` of arguments, which it keeps when
// it inlines one into the other.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "Descriptors.h"
#include "HostFunctions.h"
#include "Markers.h"
#include "WorkEstimate.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITOUTLINEPARALLEL
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Replaces a parallel loop without results by a nest of sequential ones.
static void makeSequential(scf::ParallelOp loop) {
  OpBuilder builder(loop);
  SmallVector<Value> ivs;
  for (auto [lower, upper, step] : llvm::zip_equal(
           loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
    auto nested =
        scf::ForOp::create(builder, loop.getLoc(), lower, upper, step);
    ivs.push_back(nested.getInductionVar());
    builder.setInsertionPointToStart(nested.getBody());
  }
  Block *target = builder.getInsertionBlock();
  Block *body = loop.getBody();
  for (auto [argument, iv] : llvm::zip_equal(body->getArguments(), ivs))
    argument.replaceAllUsesWith(iv);
  body->getTerminator()->erase();
  target->getOperations().splice(builder.getInsertionPoint(),
                                 body->getOperations());
  loop.erase();
}

/// Whether a body is so cheap that its iteration should not pay for the
/// division that takes a fused iteration apart.
static bool isCheap(Block *body) {
  return llvm::none_of(*body,
                       [](Operation &op) { return op.getNumRegions() != 0; });
}

namespace {
/// A parallel loop rewritten as one loop over fused iterations, and how many
/// there are of what size.
struct FusedLoop {
  scf::ForOp loop; // from 0 to count
  Value count, grain;
};

class Outliner {
public:
  explicit Outliner(ModuleOp module)
      : builder(module.getContext()), loc(module.getLoc()),
        descriptors(module.getContext()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        i64(builder.getI64Type()) {}

  /// Moves the body of a loop of `function` out.
  LogicalResult outline(scf::ParallelOp parallel, HostFunction function) {
    caller = function;
    loc = parallel.getLoc();
    FusedLoop fused = fuse(parallel);
    APInt count, grain;
    bool direct = matchPattern(fused.count, m_ConstantInt(&count)) &&
                  matchPattern(fused.grain, m_ConstantInt(&grain)) &&
                  count.sle(grain);
    return moveOut(fused, direct);
  }

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  template <typename Op> Value fold(Value a, Value b) {
    return builder.createOrFold<Op>(loc, a, b);
  }

  FusedLoop fuse(scf::ParallelOp parallel);
  Value chooseGrain(scf::ParallelOp parallel, Block *work);
  LogicalResult moveOut(FusedLoop fused, bool direct);
  LogicalResult collectCaptures(scf::ForOp loop, SetVector<Value> &captures);
  LLVM::LLVMFuncOp makeTask(LLVM::LLVMFuncOp body, ArrayRef<Type> parts,
                            LLVM::LLVMStructType context);
  void callPool(FusedLoop fused, LLVM::LLVMFuncOp task,
                LLVM::LLVMStructType contextType, ArrayRef<Value> parts);

  HostFunction caller;
  OpBuilder builder;
  Location loc;
  Descriptors descriptors;
  LLVM::LLVMPointerType pointer;
  Type i64;
  unsigned counter = 0;
};
} // namespace

/// The fewest iterations for one thread.
Value Outliner::chooseGrain(scf::ParallelOp parallel, Block *work) {
  if (auto grain = parallel->getAttrOfType<IntegerAttr>(kGrainAttr))
    return index(std::max<int64_t>(1, grain.getInt()));
  Value cost = estimateWork(builder, loc, work, parallel);
  // A trip count may be zero at run time.
  cost = fold<arith::MaxSIOp>(cost, index(1));
  return fold<arith::MaxSIOp>(fold<arith::DivSIOp>(index(kGrainWork), cost),
                              index(1));
}

FusedLoop Outliner::fuse(scf::ParallelOp parallel) {
  builder.setInsertionPoint(parallel);
  unsigned rank = parallel.getNumLoops();
  SmallVector<Value> lower(parallel.getLowerBound());
  SmallVector<Value> upper(parallel.getUpperBound());
  SmallVector<Value> step(parallel.getStep());
  SmallVector<Value> trips;
  for (unsigned i = 0; i < rank; ++i)
    trips.push_back(fold<arith::CeilDivSIOp>(
        fold<arith::SubIOp>(upper[i], lower[i]), step[i]));

  // The innermost dimension of a cheap body stays a loop of its own.
  unsigned shared = rank;
  if (rank > 1 && !parallel->hasAttr(kGrainAttr) && isCheap(parallel.getBody()))
    shared = rank - 1;
  FusedLoop fused;
  fused.count = trips.front();
  for (unsigned i = 1; i < shared; ++i)
    fused.count = fold<arith::MulIOp>(fused.count, trips[i]);
  fused.grain = chooseGrain(parallel, parallel.getBody());
  if (shared < rank) {
    Value rows = fold<arith::CeilDivSIOp>(
        fused.grain, fold<arith::MaxSIOp>(trips.back(), index(1)));
    fused.grain = fold<arith::MaxSIOp>(rows, index(1));
  }

  fused.loop =
      scf::ForOp::create(builder, loc, index(0), fused.count, index(1));
  builder.setInsertionPointToStart(fused.loop.getBody());
  SmallVector<Value> ivs(rank);
  Value rest = fused.loop.getInductionVar();
  for (unsigned i = shared; i-- > 0;) {
    Value iteration = rest;
    if (i > 0) {
      iteration = fold<arith::RemUIOp>(rest, trips[i]);
      rest = fold<arith::DivUIOp>(rest, trips[i]);
    }
    ivs[i] =
        fold<arith::AddIOp>(lower[i], fold<arith::MulIOp>(iteration, step[i]));
  }
  if (shared < rank) {
    auto inner = scf::ForOp::create(builder, loc, lower.back(), upper.back(),
                                    step.back());
    ivs.back() = inner.getInductionVar();
    builder.setInsertionPointToStart(inner.getBody());
  }
  Block *body = parallel.getBody();
  for (auto [argument, iv] : llvm::zip_equal(body->getArguments(), ivs))
    argument.replaceAllUsesWith(iv);
  body->getTerminator()->erase();
  builder.getInsertionBlock()->getOperations().splice(
      builder.getInsertionPoint(), body->getOperations());
  parallel.erase();
  return fused;
}

/// Values that the loop takes from outside; constants and addresses of globals
/// are cloned into it instead.
LogicalResult Outliner::collectCaptures(scf::ForOp loop,
                                        SetVector<Value> &captures) {
  SetVector<Value> used;
  getUsedValuesDefinedAbove(loop.getRegion(), used);
  builder.setInsertionPointToStart(loop.getBody());
  for (Value value : used) {
    Operation *op = value.getDefiningOp();
    if (op && (op->hasTrait<OpTrait::ConstantLike>() ||
               isa<memref::GetGlobalOp>(op))) {
      Value local = builder.clone(*op)->getResult(0);
      value.replaceUsesWithIf(local, [&](OpOperand &use) {
        return loop->isProperAncestor(use.getOwner());
      });
      continue;
    }
    Type type = value.getType();
    if (!isa<MemRefType>(type) && !descriptors.convert(type))
      return emitError(loc) << "parallel loop: cannot pass a value of type "
                            << type << " to its threads";
    captures.insert(value);
  }
  return success();
}

LogicalResult Outliner::moveOut(FusedLoop fused, bool direct) {
  SetVector<Value> captureSet;
  if (failed(collectCaptures(fused.loop, captureSet)))
    return failure();
  ArrayRef<Value> captures = captureSet.getArrayRef();
  SmallVector<bool> distinct =
      findDistinctBuffers(captures, caller.distinctArguments);

  // The captures as LLVM values, in the caller.
  builder.setInsertionPoint(fused.loop);
  SmallVector<Value> parts;
  SmallVector<unsigned> noalias;
  for (auto [value, alone] : llvm::zip_equal(captures, distinct)) {
    if (isa<MemRefType>(value.getType())) {
      if (alone)
        noalias.push_back(parts.size());
      llvm::append_range(parts, descriptors.take(builder, loc, value));
    } else if (value.getType().isIndex()) {
      parts.push_back(arith::IndexCastOp::create(builder, loc, i64, value));
    } else {
      parts.push_back(value);
    }
  }

  SmallVector<Type> partTypes(ValueRange(parts).getTypes());
  SmallVector<Type> bodyTypes = {i64, i64};
  llvm::append_range(bodyTypes, partTypes);
  Type none = LLVM::LLVMVoidType::get(builder.getContext());
  // Profilers show these names: they say which kernel a loop belongs to.
  std::string name =
      (caller.function.getName() + "_loop" + Twine(counter++)).str();
  builder.setInsertionPoint(caller.function);
  auto body = LLVM::LLVMFuncOp::create(
      builder, loc, name, LLVM::LLVMFunctionType::get(none, bodyTypes),
      LLVM::Linkage::Internal);
  for (unsigned position : noalias)
    body.setArgAttr(position + 2, LLVM::LLVMDialect::getNoAliasAttrName(),
                    builder.getUnitAttr());
  Block *block = body.addEntryBlock(builder);

  // The captures again, in the body.
  builder.setInsertionPointToStart(block);
  ArrayRef<BlockArgument> arguments = block->getArguments();
  unsigned next = 2;
  for (Value value : captures) {
    Value local;
    if (auto type = dyn_cast<MemRefType>(value.getType())) {
      unsigned size = descriptors.getPartTypes(type).size();
      SmallVector<Value> own(arguments.slice(next, size));
      local = descriptors.make(builder, loc, type, own);
      next += size;
    } else if (value.getType().isIndex()) {
      local = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                         arguments[next++]);
    } else {
      local = arguments[next++];
    }
    value.replaceUsesWithIf(local, [&](OpOperand &use) {
      return fused.loop->isProperAncestor(use.getOwner());
    });
  }
  Value begin = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                           arguments[0]);
  Value end = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                         arguments[1]);
  Value one = index(1);
  LLVM::ReturnOp::create(builder, loc, ValueRange());

  Operation *position = fused.loop->getNextNode();
  fused.loop->moveBefore(block->getTerminator());
  fused.loop.getLowerBoundMutable().assign(begin);
  fused.loop.getUpperBoundMutable().assign(end);
  fused.loop.getStepMutable().assign(one);
  // Stack memory of an iteration is reused by the next one.
  SmallVector<memref::AllocaOp> stack;
  fused.loop.walk([&](memref::AllocaOp op) {
    if (op->getNumOperands() == 0)
      stack.push_back(op);
  });
  for (memref::AllocaOp op : stack)
    op->moveBefore(block, block->begin());

  builder.setInsertionPoint(position);
  if (direct) {
    Value count = arith::IndexCastOp::create(builder, loc, i64, fused.count);
    Value zero = LLVM::ConstantOp::create(builder, loc, i64, 0);
    SmallVector<Value> operands = {zero, count};
    llvm::append_range(operands, parts);
    LLVM::CallOp::create(builder, loc, body, operands);
    return success();
  }
  auto context =
      LLVM::LLVMStructType::getLiteral(builder.getContext(), partTypes);
  LLVM::LLVMFuncOp task = makeTask(body, partTypes, context);
  builder.setInsertionPoint(position);
  callPool(fused, task, context, parts);
  return success();
}

/// `void task(context, begin, end)`: what the host calls.
LLVM::LLVMFuncOp Outliner::makeTask(LLVM::LLVMFuncOp body, ArrayRef<Type> parts,
                                    LLVM::LLVMStructType context) {
  builder.setInsertionPoint(caller.function);
  Type none = LLVM::LLVMVoidType::get(builder.getContext());
  auto task = LLVM::LLVMFuncOp::create(
      builder, loc, (body.getName() + "_task").str(),
      LLVM::LLVMFunctionType::get(none, {pointer, i64, i64}),
      LLVM::Linkage::Internal);
  Block *block = task.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> operands = {block->getArgument(1), block->getArgument(2)};
  for (auto [i, type] : llvm::enumerate(parts)) {
    Value address = LLVM::GEPOp::create(
        builder, loc, pointer, context, block->getArgument(0),
        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    operands.push_back(LLVM::LoadOp::create(builder, loc, type, address));
  }
  LLVM::CallOp::create(builder, loc, body, operands);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  return task;
}

/// Stores the captures on the stack and calls the host's `parallel_for`.
void Outliner::callPool(FusedLoop fused, LLVM::LLVMFuncOp task,
                        LLVM::LLVMStructType contextType,
                        ArrayRef<Value> parts) {
  Value context;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(
        &caller.function.getFunctionBody().front());
    Value one = LLVM::ConstantOp::create(builder, loc, i64, 1);
    context = LLVM::AllocaOp::create(builder, loc, pointer, contextType, one);
  }
  for (auto [i, part] : llvm::enumerate(parts)) {
    Value address =
        LLVM::GEPOp::create(builder, loc, pointer, contextType, context,
                            ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    LLVM::StoreOp::create(builder, loc, part, address);
  }
  Value host = caller.function.getArgument(0);
  Value call = caller.function.getArgument(1);
  // parallel_for is the third pointer of LowbitHost.
  Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, host,
                                   ArrayRef<LLVM::GEPArg>(2));
  Value function = LLVM::LoadOp::create(builder, loc, pointer, slot);
  Value address = LLVM::AddressOfOp::create(builder, loc, task);
  Value count = arith::IndexCastOp::create(builder, loc, i64, fused.count);
  Value grain = arith::IndexCastOp::create(builder, loc, i64, fused.grain);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                  {pointer, pointer, pointer, i64, i64});
  LLVM::CallOp::create(
      builder, loc, type,
      ValueRange{function, call, address, context, count, grain});
}

namespace {
struct OutlineParallel
    : mlir::lowbit::impl::LowbitOutlineParallelBase<OutlineParallel> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<scf::ParallelOp> nested;
    module.walk([&](scf::ParallelOp loop) {
      if (loop.getNumResults() == 0 && loop->getParentOfType<scf::ParallelOp>())
        nested.push_back(loop);
    });
    for (scf::ParallelOp loop : nested)
      makeSequential(loop);
    auto entry = module.lookupSymbol<LLVM::LLVMFuncOp>(kEntryName);
    if (!entry) {
      module.emitError("expected a function @") << kEntryName;
      return signalPassFailure();
    }
    Outliner outliner(module);
    for (const HostFunction &caller : passHost(module, entry)) {
      SmallVector<scf::ParallelOp> loops;
      caller.function->walk([&](scf::ParallelOp loop) {
        if (loop.getNumResults() == 0)
          loops.push_back(loop);
      });
      for (scf::ParallelOp loop : loops)
        if (failed(outliner.outline(loop, caller)))
          return signalPassFailure();
    }
  }
};
} // namespace
