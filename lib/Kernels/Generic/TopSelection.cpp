//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The selection of `lowbit.top_product`. The k-th largest lower bound is what a
// logit must reach to be among the k largest; whatever can reach it is a
// candidate and multiplied in floats, eight at a time, as the sum of each waits
// for its last addition. The destination is the list of the largest: it holds
// first the lower bounds, then the logits of the candidates.
//
//===----------------------------------------------------------------------===//

#include "TopProduct.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

/// Bounds that are looked at together, and candidates that are multiplied so.
static constexpr int64_t kLanes = 16, kTogether = 8;

namespace {

class TopSelection {
public:
  TopSelection(Emission &e, TopProductOp op, const TopProductRow &row, bool fma)
      : e(e), op(op), row(row), fma(fma), f32(e.b.getF32Type()),
        last(e.index(op.getCount() - 1)) {}

  void emit() {
    reset();
    emitThreshold();
    Value count = emitCandidates(load(op.getInits()[0], last));
    reset();
    Value chunks = e.ceilDiv(count, kTogether);
    e.forLoop(e.index(0), chunks, 1, [&](Value chunk) {
      Value begin = e.mul(chunk, e.index(kTogether));
      Value end = e.min(e.add(begin, e.index(kTogether)), count);
      emitProducts(begin, end);
      e.forLoop(begin, end, 1, [&](Value candidate) {
        Value index = loadCandidate(candidate);
        insert(memref::LoadOp::create(e.b, e.loc, op.getScratch()[kUppers],
                                      ValueRange{row.index, index}),
               index);
      });
    });
  }

private:
  Value load(Value memref, Value column) {
    SmallVector<Value> indices(row.position);
    indices.push_back(column);
    return memref::LoadOp::create(e.b, e.loc, memref, indices);
  }
  void store(Value value, Value memref, Value column) {
    SmallVector<Value> indices(row.position);
    indices.push_back(column);
    memref::StoreOp::create(e.b, e.loc, value, memref, indices);
  }
  Value loadScratch(TopProductScratch buffer, Value column) {
    return memref::LoadOp::create(e.b, e.loc, op.getScratch()[buffer],
                                  ValueRange{row.index, column});
  }
  Value loadCandidate(Value position) {
    return arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(),
                                      loadScratch(kCandidates, position));
  }
  Value compare(arith::CmpFPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpFOp::create(e.b, e.loc, predicate, lhs, rhs);
  }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(e.b, e.loc, condition, yes, no);
  }

  //===--------------------------------------------------------------------===//
  // The list
  //===--------------------------------------------------------------------===//

  /// Empties the list: a place with a negative index is free.
  void reset() {
    Value none = e.constant(f32, -std::numeric_limits<double>::infinity());
    e.forLoop(e.index(0), e.index(op.getCount()), 1, [&](Value place) {
      store(none, op.getInits()[0], place);
      store(e.i64(-1), op.getInits()[1], place);
    });
  }

  /// Whether `value` goes in front of what the list has at `place`: it is
  /// greater, NaN being the greatest, or the place is free.
  Value precedes(Value value, Value held, Value index) {
    Value greater = arith::AndIOp::create(
        e.b, e.loc, compare(arith::CmpFPredicate::UGT, value, held),
        compare(arith::CmpFPredicate::ORD, held, held));
    Value free = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt,
                                       index, e.i64(0));
    return arith::OrIOp::create(e.b, e.loc, free, greater);
  }

  void insert(Value value, Value index) {
    Value values = op.getInits()[0], indices = op.getInits()[1];
    index = arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), index);
    Value enters = precedes(value, load(values, last), load(indices, last));
    auto shift = [&](Value place, ValueRange carried) -> SmallVector<Value> {
      Value held = load(values, place), heldIndex = load(indices, place);
      // Behind the new one all move by a place.
      Value moves = arith::OrIOp::create(e.b, e.loc, carried[2],
                                         precedes(carried[0], held, heldIndex));
      store(select(moves, carried[0], held), values, place);
      store(select(moves, carried[1], heldIndex), indices, place);
      return {select(moves, held, carried[0]),
              select(moves, heldIndex, carried[1]), moves};
    };
    e.ifElse(
        enters,
        [&] {
          Value no = arith::ConstantIntOp::create(e.b, e.loc, 0, 1);
          e.forLoop(e.index(0), e.index(op.getCount()), 1, {value, index, no},
                    shift);
        },
        [] {});
  }

  //===--------------------------------------------------------------------===//
  // Candidates
  //===--------------------------------------------------------------------===//

  Value any(Value mask) {
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ne,
                                 e.joinBits({mask}), e.i64(0));
  }

  /// Makes a list of the largest lower bounds.
  void emitThreshold() {
    Value groups = op.getScratch()[kGroups];
    Value size = e.dim(groups, 1);
    e.forLoop(e.index(0), size, kLanes, [&](Value group) {
      Value bounds = e.load(groups, ValueRange{row.index, group}, kLanes);
      Value least = e.broadcast(load(op.getInits()[0], last), kLanes);
      e.ifElse(
          any(compare(arith::CmpFPredicate::OGT, bounds, least)),
          [&] {
            e.forLoop(group, e.add(group, e.index(kLanes)), 1, [&](Value each) {
              insert(loadScratch(kGroups, each), each);
            });
          },
          [] {});
    });
  }

  /// Lists the rows of the table whose upper bound is not below `threshold`;
  /// returns how many there are.
  Value emitCandidates(Value threshold) {
    constexpr auto notLess = arith::CmpFPredicate::UGE;
    Value limit = e.broadcast(threshold, kLanes);
    auto look = [&](Value first, Value end, Value count) -> Value {
      return e.forLoop(
          first, end, 1, {count},
          [&](Value each, ValueRange carried) -> SmallVector<Value> {
            Value is = compare(notLess, loadScratch(kUppers, each), threshold);
            // Written in any case, counted when it is one.
            memref::StoreOp::create(
                e.b, e.loc,
                arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), each),
                op.getScratch()[kCandidates],
                ValueRange{row.index, carried[0]});
            return {e.add(carried[0], select(is, e.index(1), e.index(0)))};
          })[0];
    };
    return e.forVectors(
        e.index(op.getTableRows()), kLanes, {e.index(0)},
        [&](Value first, Value rest, ValueRange carried) -> SmallVector<Value> {
          Value uppers = e.load(op.getScratch()[kUppers],
                                ValueRange{row.index, first}, kLanes);
          Value end = e.add(first, rest ? rest : e.index(kLanes));
          Value some = any(compare(notLess, uppers, limit));
          auto branch =
              scf::IfOp::create(e.b, e.loc, TypeRange(e.b.getIndexType()), some,
                                /*withElseRegion=*/true);
          OpBuilder::InsertionGuard guard(e.b);
          e.b.setInsertionPointToStart(branch.thenBlock());
          scf::YieldOp::create(e.b, e.loc, look(first, end, carried[0]));
          e.b.setInsertionPointToStart(branch.elseBlock());
          scf::YieldOp::create(e.b, e.loc, carried[0]);
          return {branch.getResult(0)};
        })[0];
  }

  /// Replaces the bounds of candidates [begin, end), at most kTogether, by
  /// their logits, summed as FloatProduct does.
  void emitProducts(Value begin, Value end) {
    Value most = e.sub(end, e.index(1));
    SmallVector<Value> indices;
    for (int64_t i = 0; i < kTogether; ++i)
      indices.push_back(loadCandidate(e.min(e.add(begin, e.index(i)), most)));
    SmallVector<Value> sums(kTogether, e.constant(f32, 0));
    sums = e.forLoop(
        e.index(0), e.index(op.getSize()), 1, sums,
        [&](Value k, ValueRange carried) {
          Value x = load(op.getInput(), k);
          SmallVector<Value> next;
          for (auto [index, sum] : llvm::zip_equal(indices, carried)) {
            Value w = memref::LoadOp::create(e.b, e.loc, op.getTable(),
                                             ValueRange{index, k});
            if (fma)
              next.push_back(math::FmaOp::create(e.b, e.loc, x, w, sum));
            else
              next.push_back(arith::AddFOp::create(
                  e.b, e.loc, sum, arith::MulFOp::create(e.b, e.loc, x, w)));
          }
          return next;
        });
    for (auto [index, sum] : llvm::zip_equal(indices, sums)) {
      if (op.getBias())
        sum = arith::AddFOp::create(
            e.b, e.loc, sum,
            memref::LoadOp::create(e.b, e.loc, op.getBias(), index));
      memref::StoreOp::create(e.b, e.loc, sum, op.getScratch()[kUppers],
                              ValueRange{row.index, index});
    }
  }

  Emission &e;
  TopProductOp op;
  const TopProductRow &row;
  bool fma;
  Type f32;
  Value last;
};

} // namespace

void mlir::lowbit::emitTopProductSelection(Emission &e, TopProductOp op,
                                           const TopProductRow &row,
                                           const Target &target) {
  TopSelection(e, op, row, target.has("fma")).emit();
}
