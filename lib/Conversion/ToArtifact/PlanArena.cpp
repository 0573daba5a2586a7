//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-plan-arena. In order: buffers inside loops move out (or onto the
// stack), shape computations move to the start, results get their outputs, and
// what is left becomes views of the workspace (ArenaPlanner.h).
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "ArenaPlanner.h"
#include "HoistShapes.h"
#include "Markers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITPLANARENA
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// The largest buffer of one iteration of a parallel loop, in bytes: it lives
/// on the stack of the thread.
static constexpr int64_t kMaxStackBytes = 64 * 1024;

static scf::ParallelOp getOutermostParallel(Operation *op) {
  scf::ParallelOp outermost;
  for (auto loop = op->getParentOfType<scf::ParallelOp>(); loop;
       loop = loop->getParentOfType<scf::ParallelOp>())
    outermost = loop;
  return outermost;
}

/// Turns a buffer of a parallel iteration into stack memory.
static LogicalResult moveToStack(memref::AllocOp alloc, scf::ParallelOp loop) {
  MemRefType type = alloc.getType();
  int64_t bytes = DataLayout::closest(alloc).getTypeSize(type.getElementType());
  if (!type.hasStaticShape())
    return alloc.emitOpError("inside a parallel loop: expected a static shape, "
                             "got ")
           << type;
  bytes *= type.getNumElements();
  if (bytes > kMaxStackBytes)
    return alloc.emitOpError("inside a parallel loop: expected at most ")
           << kMaxStackBytes << " bytes, got " << bytes;
  OpBuilder builder(loop.getBody(), loop.getBody()->begin());
  auto stack =
      memref::AllocaOp::create(builder, alloc.getLoc(), type, ValueRange(),
                               builder.getI64IntegerAttr(kArenaAlignment));
  alloc.replaceAllUsesWith(stack.getResult());
  alloc.erase();
  return success();
}

/// Moves the buffers of nested regions to the function's block, where one
/// iteration reuses the memory of the last.
static LogicalResult hoistNested(func::FuncOp function) {
  Block &block = function.getBody().front();
  SmallVector<memref::AllocOp> nested;
  function.walk([&](Operation *op) {
    if (op->getBlock() == &block)
      return;
    if (auto alloc = dyn_cast<memref::AllocOp>(op))
      nested.push_back(alloc);
    // Stack memory of a sequential loop would grow with every iteration.
    if (isa<memref::AllocaOp>(op) && op->getNumOperands() == 0 &&
        !getOutermostParallel(op))
      op->moveBefore(&block, block.begin());
  });
  if (nested.empty())
    return success();
  BufferViewFlowAnalysis aliases(function);
  for (memref::AllocOp alloc : nested) {
    for (Value alias : aliases.resolve(alloc.getResult()))
      for (Operation *user : alias.getUsers())
        if (user->hasTrait<OpTrait::IsTerminator>())
          return alloc.emitOpError(
              "the buffer leaves the region that allocates it");
    if (scf::ParallelOp loop = getOutermostParallel(alloc)) {
      if (failed(moveToStack(alloc, loop)))
        return failure();
      continue;
    }
    Operation *ancestor = block.findAncestorOpInBlock(*alloc);
    for (Value size : alloc.getDynamicSizes())
      if (size.getParentBlock() != &block)
        return alloc.emitOpError(
            "inside a loop: its size must not change between iterations");
    alloc->moveBefore(ancestor);
  }
  return success();
}

/// The storage that holds result `index` with room behind it, if there is one.
static Value findAppended(func::FuncOp function, unsigned index) {
  for (auto cast : function.getOps<UnrealizedConversionCastOp>())
    if (auto append = cast->getAttrOfType<DenseI64ArrayAttr>(kAppendAttr))
      if (append[1] == index)
        return cast.getResult(0);
  return nullptr;
}

/// Copies a buffer. Between layouts as loops: upstream would call a library
/// that no process has.
static void createCopy(OpBuilder &builder, Location loc, Value source,
                       Value target) {
  auto isIdentity = [](Value value) {
    return cast<MemRefType>(value.getType()).getLayout().isIdentity();
  };
  if (isIdentity(source) && isIdentity(target)) {
    memref::CopyOp::create(builder, loc, source, target);
    return;
  }
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  int64_t rank = cast<MemRefType>(source.getType()).getRank();
  SmallVector<Value> lower(rank, zero), upper, step(rank, one);
  for (int64_t dim = 0; dim < rank; ++dim)
    upper.push_back(builder.createOrFold<memref::DimOp>(loc, source, dim));
  scf::ParallelOp::create(
      builder, loc, lower, upper, step,
      [&](OpBuilder &body, Location loc, ValueRange position) {
        Value element = memref::LoadOp::create(body, loc, source, position);
        memref::StoreOp::create(body, loc, element, target, position);
      });
}

/// Marks one allocation per result, adding a copy where the result is no whole
/// buffer of its own.
static void makeOutputs(func::FuncOp function) {
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  OpBuilder builder(ret);
  for (OpOperand &operand : ret->getOpOperands()) {
    Value root = operand.get();
    while (auto view = root.getDefiningOp<memref::CastOp>())
      root = view.getSource();
    Location loc = ret.getLoc();
    if (Value storage = findAppended(function, operand.getOperandNumber())) {
      // What was written there is the result; else it goes there now.
      if (root != storage)
        createCopy(builder, loc, root, storage);
      operand.set(storage);
      continue;
    }
    auto index = builder.getI32IntegerAttr(operand.getOperandNumber());
    auto alloc = root.getDefiningOp<memref::AllocOp>();
    if (alloc && !alloc->hasAttr(kOutputMarker) &&
        alloc->getBlock() == ret->getBlock()) {
      alloc->setAttr(kOutputMarker, index);
      continue;
    }
    auto type = cast<MemRefType>(operand.get().getType());
    SmallVector<Value> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        sizes.push_back(
            memref::DimOp::create(builder, loc, operand.get(), dim));
    auto copy = memref::AllocOp::create(
        builder, loc, MemRefType::get(type.getShape(), type.getElementType()),
        sizes);
    createCopy(builder, loc, root, copy);
    copy->setAttr(kOutputMarker, index);
    operand.set(copy);
  }
  function.setType(FunctionType::get(function.getContext(),
                                     function.getArgumentTypes(),
                                     ret.getOperandTypes()));
}

namespace {
/// Emits the size computation and the views of a plan.
class ArenaEmitter {
public:
  ArenaEmitter(const ArenaPlan &plan, OpBuilder &builder, Location loc)
      : plan(plan), builder(builder), loc(loc) {}

  void emit(ModuleOp module) {
    Value offset = index(0);
    SmallVector<Value> offsets;
    for (const ArenaSlot &slot : plan.slots) {
      offsets.push_back(offset);
      offset =
          builder.createOrFold<arith::AddIOp>(loc, offset, slotBytes(slot));
    }
    APInt bytes;
    bool fixed = matchPattern(offset, m_ConstantInt(&bytes));
    auto type =
        MemRefType::get({fixed ? bytes.getSExtValue() : ShapedType::kDynamic},
                        builder.getI8Type());
    auto workspace = memref::AllocOp::create(
        builder, loc, type, fixed ? ValueRange() : ValueRange(offset),
        builder.getI64IntegerAttr(kArenaAlignment));
    workspace->setAttr(kWorkspaceMarker, builder.getUnitAttr());
    for (auto [slot, start] : llvm::zip_equal(plan.slots, offsets))
      for (unsigned member : slot.buffers) {
        memref::AllocOp alloc = plan.buffers[member].alloc;
        OpBuilder at(alloc);
        Value view =
            memref::ViewOp::create(at, alloc.getLoc(), alloc.getType(),
                                   workspace, start, alloc.getDynamicSizes());
        alloc.replaceAllUsesWith(view);
        alloc.erase();
      }
    NamedAttrList summary;
    summary.set("buffers", builder.getI64IntegerAttr(plan.buffers.size()));
    summary.set("slots", builder.getI64IntegerAttr(plan.slots.size()));
    if (fixed)
      summary.set("bytes", builder.getI64IntegerAttr(bytes.getSExtValue()));
    module->setAttr(kWorkspaceMarker,
                    summary.getDictionary(module.getContext()));
  }

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }

  /// The size of the largest member, rounded up to the alignment.
  Value slotBytes(const ArenaSlot &slot) {
    Value largest;
    SmallVector<unsigned> seen;
    for (unsigned member : slot.buffers) {
      const ArenaBuffer &buffer = plan.buffers[member];
      if (llvm::any_of(seen, [&](unsigned other) {
            return plan.buffers[other].staticBytes == buffer.staticBytes &&
                   plan.buffers[other].dynamic == buffer.dynamic;
          }))
        continue;
      seen.push_back(member);
      Value bytes = index(buffer.staticBytes);
      for (Value extent : buffer.dynamic)
        bytes = builder.createOrFold<arith::MulIOp>(loc, bytes, extent);
      largest = largest
                    ? builder.createOrFold<arith::MaxSIOp>(loc, largest, bytes)
                    : bytes;
    }
    Value rounded = builder.createOrFold<arith::AddIOp>(
        loc, largest, index(kArenaAlignment - 1));
    return builder.createOrFold<arith::AndIOp>(loc, rounded,
                                               index(-kArenaAlignment));
  }

  const ArenaPlan &plan;
  OpBuilder &builder;
  Location loc;
};

struct PlanArena : mlir::lowbit::impl::LowbitPlanArenaBase<PlanArena> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto function = module.lookupSymbol<func::FuncOp>("main");
    if (!function || !function.getBody().hasOneBlock()) {
      module.emitError("expected a function @main with one block");
      return signalPassFailure();
    }
    for (Type type : function.getResultTypes())
      if (!isa<MemRefType>(type)) {
        function.emitOpError("expected results in memory, got ") << type;
        return signalPassFailure();
      }
    SmallVector<memref::DeallocOp> deallocs;
    function.walk([&](memref::DeallocOp op) { deallocs.push_back(op); });
    for (memref::DeallocOp dealloc : deallocs)
      dealloc.erase();
    if (failed(hoistNested(function)))
      return signalPassFailure();
    Block &block = function.getBody().front();
    Operation *start = hoistShapes(block);
    makeOutputs(function);

    SmallVector<memref::AllocOp> allocs;
    for (auto alloc : block.getOps<memref::AllocOp>()) {
      if (alloc->hasAttr(kOutputMarker))
        continue;
      for (Value size : alloc.getDynamicSizes())
        if (Operation *op = size.getDefiningOp();
            op && !op->isBeforeInBlock(start)) {
          InFlightDiagnostic diagnostic = alloc.emitOpError(
              "the size of this buffer depends on computed data, not only on "
              "the dimensions of the inputs");
          diagnostic.attachNote(op->getLoc()) << "computed here";
          return signalPassFailure();
        }
      if (!alloc.getType().getLayout().isIdentity()) {
        alloc.emitOpError("expected an identity layout, got ")
            << alloc.getType();
        return signalPassFailure();
      }
      allocs.push_back(alloc);
    }
    if (allocs.empty())
      return;
    ArenaPlan plan = planArena(function, allocs);
    OpBuilder builder(start);
    ArenaEmitter(plan, builder, function.getLoc()).emit(module);
  }
};
} // namespace
