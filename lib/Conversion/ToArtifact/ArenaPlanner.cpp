//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Liveness follows every alias of a buffer (views, casts, values that leave a
// region), as upstream's BufferViewFlowAnalysis finds them. Slots are coloured
// greedily, large buffers first; a buffer prefers a slot whose members have its
// very size, because a slot is as large as its largest member.
//
//===----------------------------------------------------------------------===//

#include "ArenaPlanner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::lowbit;

/// What a symbolic dimension counts as when buffers are compared by size.
static constexpr int64_t kNominalExtent = 128;

/// The value of an index computation with every dimension at its nominal
/// extent.
static int64_t evaluateNominal(Value value, unsigned depth = 0) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  Operation *op = value.getDefiningOp();
  if (!op || depth > 16)
    return kNominalExtent;
  auto operand = [&](unsigned i) {
    return evaluateNominal(op->getOperand(i), depth + 1);
  };
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
          arith::TruncIOp>(op))
    return operand(0);
  if (isa<arith::AddIOp>(op))
    return operand(0) + operand(1);
  if (isa<arith::SubIOp>(op))
    return operand(0) - operand(1);
  if (isa<arith::MulIOp>(op))
    return operand(0) * operand(1);
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op))
    return operand(0) / std::max<int64_t>(1, operand(1));
  if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    return llvm::divideCeilSigned(operand(0), std::max<int64_t>(1, operand(1)));
  if (isa<arith::MaxSIOp, arith::MaxUIOp>(op))
    return std::max(operand(0), operand(1));
  if (isa<arith::MinSIOp, arith::MinUIOp>(op))
    return std::min(operand(0), operand(1));
  return kNominalExtent;
}

static bool sameSize(const ArenaBuffer &a, const ArenaBuffer &b) {
  return a.staticBytes == b.staticBytes && a.dynamic == b.dynamic;
}

static bool interfere(const ArenaBuffer &a, const ArenaBuffer &b) {
  return a.first <= b.last && b.first <= a.last;
}

/// Measures the buffers: live ranges and sizes.
static SmallVector<ArenaBuffer> measure(func::FuncOp function,
                                        ArrayRef<memref::AllocOp> allocs) {
  Block &block = function.getBody().front();
  DenseMap<Operation *, unsigned> position;
  DenseMap<Value, unsigned> number;
  for (BlockArgument argument : block.getArguments())
    number[argument] = number.size();
  for (Operation &op : block) {
    position[&op] = position.size();
    for (Value result : op.getResults())
      number[result] = number.size();
  }

  BufferViewFlowAnalysis aliases(function);
  DataLayout layout = DataLayout::closest(function);
  SmallVector<ArenaBuffer> buffers;
  for (memref::AllocOp alloc : allocs) {
    ArenaBuffer buffer;
    buffer.alloc = alloc;
    buffer.first = position.size();
    for (Value alias : aliases.resolve(alloc.getResult()))
      for (Operation *user : alias.getUsers()) {
        Operation *ancestor = block.findAncestorOpInBlock(*user);
        if (!ancestor)
          continue;
        buffer.first = std::min(buffer.first, position[ancestor]);
        buffer.last = std::max(buffer.last, position[ancestor]);
      }
    MemRefType type = alloc.getType();
    buffer.staticBytes = layout.getTypeSize(type.getElementType());
    for (int64_t extent : type.getShape())
      if (!ShapedType::isDynamic(extent))
        buffer.staticBytes *= extent;
    buffer.dynamic = alloc.getDynamicSizes();
    llvm::sort(buffer.dynamic, [&](Value a, Value b) {
      return number.lookup(a) < number.lookup(b);
    });
    buffer.nominalBytes = buffer.staticBytes;
    for (Value extent : buffer.dynamic)
      buffer.nominalBytes *= std::max<int64_t>(1, evaluateNominal(extent));
    buffers.push_back(std::move(buffer));
  }
  return buffers;
}

ArenaPlan mlir::lowbit::planArena(func::FuncOp function,
                                  ArrayRef<memref::AllocOp> allocs) {
  ArenaPlan plan;
  plan.buffers = measure(function, allocs);
  ArrayRef<ArenaBuffer> buffers = plan.buffers;

  SmallVector<unsigned> bySize =
      llvm::to_vector(llvm::seq<unsigned>(0, buffers.size()));
  llvm::sort(bySize, [&](unsigned a, unsigned b) {
    return std::make_pair(-buffers[a].nominalBytes, a) <
           std::make_pair(-buffers[b].nominalBytes, b);
  });
  for (unsigned index : bySize) {
    const ArenaBuffer &buffer = buffers[index];
    // 2: a free slot of equal size, 1: a free slot, 0: none.
    int bestFit = 0;
    ArenaSlot *best = nullptr;
    for (ArenaSlot &slot : plan.slots) {
      if (llvm::any_of(slot.buffers, [&](unsigned member) {
            return interfere(buffers[member], buffer);
          }))
        continue;
      int fit = sameSize(buffers[slot.buffers.front()], buffer) ? 2 : 1;
      if (fit > bestFit) {
        bestFit = fit;
        best = &slot;
      }
    }
    if (!best)
      best = &plan.slots.emplace_back();
    best->buffers.push_back(index);
  }
  return plan;
}
