//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Einsum as a product of matrices between data movement:
//
//   left [batch, rows, summed] x right [batch, summed, columns]
//
// Operands are contracted from left to right. Dimensions of one kind are merged
// only where MatMul needs it: rows stay apart when there is no batch, as the
// right side is then one matrix.
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "OperatorBuilder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::lowbit;
using onnx::EinsumLabel;

namespace {

using Labels = SmallVector<EinsumLabel>;

/// A tensor and the labels of its dimensions.
struct Term {
  Value value;
  Labels labels;

  int64_t getAxis(EinsumLabel label) const {
    return llvm::find(labels, label) - labels.begin();
  }
  bool has(EinsumLabel label) const {
    return llvm::is_contained(labels, label);
  }
  int64_t getExtent(EinsumLabel label) const {
    return cast<RankedTensorType>(value.getType()).getDimSize(getAxis(label));
  }
};

Labels concatenate(ArrayRef<Labels> parts) {
  Labels result;
  for (const Labels &part : parts)
    result.append(part);
  return result;
}

/// Whether `value` is computed from constants alone. Weights are, behind the
/// dozen operators of a quantizer; what takes many more is not looked at.
bool isConstant(Value value) {
  constexpr unsigned kMaxOperators = 64;
  llvm::SmallSetVector<Operation *, 16> seen;
  SmallVector<Value> rest{value};
  while (!rest.empty()) {
    Operation *op = rest.pop_back_val().getDefiningOp();
    if (!op || seen.size() == kMaxOperators)
      return false;
    if (seen.insert(op))
      llvm::append_range(rest, op->getOperands());
  }
  return true;
}

class EinsumBuilder : public OperatorBuilder {
public:
  EinsumBuilder(onnx::EinsumOp op)
      : OperatorBuilder(op, cast<TensorType>(op.getInputs().front().getType())
                                .getElementType()),
        op(op) {}

  /// The result, null after a diagnostic.
  Value build();

private:
  /// Sums over the labels that `kept` refuses.
  Term sumOver(Term term, function_ref<bool(EinsumLabel)> kept);
  /// Without dimensions of 1 that the other term's dimensions repeat.
  Term dropRepeated(Term term, const Term &other);
  Term transposeTo(Term term, ArrayRef<EinsumLabel> labels);
  /// The term with one dimension for each group of its neighbouring labels.
  Value group(const Term &term, ArrayRef<Labels> groups);
  Value makeShape(
      ArrayRef<SmallVector<std::pair<const Term *, EinsumLabel>>> dimensions);
  /// The product, with the dimensions of `order` that the terms have.
  Term contract(Term a, Term b, ArrayRef<EinsumLabel> order);
  Term multiply(const Term &a, const Term &b, ArrayRef<EinsumLabel> order);
  Term multiplyMatrices(const Term &left, const Term &right,
                        ArrayRef<EinsumLabel> order);

  onnx::EinsumOp op;
};

} // namespace

Term EinsumBuilder::sumOver(Term term, function_ref<bool(EinsumLabel)> kept) {
  Term result;
  SmallVector<int64_t> axes;
  for (auto [axis, label] : llvm::enumerate(term.labels)) {
    if (kept(label))
      result.labels.push_back(label);
    else
      axes.push_back(static_cast<int64_t>(axis));
  }
  if (axes.empty())
    return term;
  auto zero = builder.getI64IntegerAttr(0);
  result.value = make<onnx::ReduceSumOp>(
      term.value, builder.getDenseI64ArrayAttr(axes), zero, zero);
  return result;
}

Term EinsumBuilder::dropRepeated(Term term, const Term &other) {
  Term result;
  SmallVector<int64_t> axes;
  for (auto [axis, label] : llvm::enumerate(term.labels)) {
    if (other.has(label) && term.getExtent(label) == 1 &&
        other.getExtent(label) != 1)
      axes.push_back(static_cast<int64_t>(axis));
    else
      result.labels.push_back(label);
  }
  if (axes.empty())
    return term;
  result.value =
      make<onnx::SqueezeOp>(term.value, builder.getDenseI64ArrayAttr(axes));
  return result;
}

Term EinsumBuilder::transposeTo(Term term, ArrayRef<EinsumLabel> labels) {
  if (ArrayRef<EinsumLabel>(term.labels) == labels)
    return term;
  SmallVector<int64_t> perm;
  for (EinsumLabel label : labels)
    perm.push_back(term.getAxis(label));
  return {transpose(term.value, perm), Labels(labels)};
}

Value EinsumBuilder::makeShape(
    ArrayRef<SmallVector<std::pair<const Term *, EinsumLabel>>> dimensions) {
  // Constant extents are multiplied here, the others when the model runs.
  SmallVector<Value> parts;
  SmallVector<int64_t> constants;
  auto flush = [&] {
    if (!constants.empty())
      parts.push_back(makeInts(constants));
    constants.clear();
  };
  for (const auto &factors : dimensions) {
    int64_t product = 1;
    Value dynamic;
    for (auto [term, label] : factors) {
      if (int64_t extent = term->getExtent(label);
          !ShapedType::isDynamic(extent)) {
        product *= extent;
        continue;
      }
      Value factor = dimension(term->value, term->getAxis(label));
      dynamic = dynamic ? makeTyped<onnx::MulOp>(builder.getI64Type(), dynamic,
                                                 factor)
                        : factor;
    }
    if (!dynamic) {
      constants.push_back(product);
      continue;
    }
    flush();
    if (product != 1)
      dynamic = makeTyped<onnx::MulOp>(builder.getI64Type(), dynamic,
                                       makeInts({product}));
    parts.push_back(dynamic);
  }
  flush();
  if (parts.empty())
    return makeInts({});
  return parts.size() == 1
             ? parts.front()
             : makeTyped<onnx::ConcatOp>(builder.getI64Type(), parts,
                                         builder.getI64IntegerAttr(0));
}

Value EinsumBuilder::group(const Term &term, ArrayRef<Labels> groups) {
  if (llvm::all_of(groups,
                   [](const Labels &labels) { return labels.size() == 1; }))
    return term.value;
  SmallVector<SmallVector<std::pair<const Term *, EinsumLabel>>> dimensions;
  for (const Labels &labels : groups) {
    dimensions.emplace_back();
    for (EinsumLabel label : labels)
      dimensions.back().emplace_back(&term, label);
  }
  // Every extent is written out, so 0 means 0.
  return make<onnx::ReshapeOp>(term.value, makeShape(dimensions),
                               builder.getI64IntegerAttr(1));
}

Term EinsumBuilder::multiply(const Term &a, const Term &b,
                             ArrayRef<EinsumLabel> order) {
  Term result;
  for (EinsumLabel label : order)
    if (a.has(label) || b.has(label))
      result.labels.push_back(label);
  auto align = [&](const Term &term) {
    Labels present;
    SmallVector<int64_t> missing;
    for (auto [axis, label] : llvm::enumerate(result.labels)) {
      if (term.has(label))
        present.push_back(label);
      else
        missing.push_back(static_cast<int64_t>(axis));
    }
    Value value = transposeTo(term, present).value;
    return missing.empty() ? value
                           : make<onnx::UnsqueezeOp>(
                                 value, builder.getDenseI64ArrayAttr(missing));
  };
  Value left = align(a), right = align(b);
  result.value = make<onnx::MulOp>(left, right);
  return result;
}

Term EinsumBuilder::multiplyMatrices(const Term &left, const Term &right,
                                     ArrayRef<EinsumLabel> order) {
  Labels batch, rows, columns, summed;
  for (EinsumLabel label : order) {
    if (left.has(label) && right.has(label))
      batch.push_back(label);
    else if (left.has(label))
      rows.push_back(label);
    else if (right.has(label))
      columns.push_back(label);
  }
  for (EinsumLabel label : left.labels)
    if (!llvm::is_contained(order, label))
      summed.push_back(label);
  Term lhs = transposeTo(left, concatenate({batch, rows, summed}));
  Term rhs = transposeTo(right, concatenate({batch, summed, columns}));

  SmallVector<Labels> lhsGroups, rhsGroups;
  SmallVector<std::pair<const Term *, EinsumLabel>> extents;
  for (EinsumLabel label : batch) {
    lhsGroups.push_back({label});
    rhsGroups.push_back({label});
    bool isKnown = !ShapedType::isDynamic(lhs.getExtent(label));
    extents.emplace_back(isKnown ? &lhs : &rhs, label);
  }
  // One matrix on the right takes any number of rows on the left.
  bool keepRows = batch.empty() && !rows.empty();
  if (keepRows)
    for (EinsumLabel label : rows)
      lhsGroups.push_back({label});
  else
    lhsGroups.push_back(rows);
  lhsGroups.push_back(summed);
  rhsGroups.push_back(summed);
  rhsGroups.push_back(columns);
  for (EinsumLabel label : rows)
    extents.emplace_back(&lhs, label);
  for (EinsumLabel label : columns)
    extents.emplace_back(&rhs, label);

  Value product =
      make<onnx::MatMulOp>(group(lhs, lhsGroups), group(rhs, rhsGroups));
  if (!(keepRows || rows.size() == 1) || columns.size() != 1) {
    SmallVector<SmallVector<std::pair<const Term *, EinsumLabel>>> dimensions;
    for (auto extent : extents)
      dimensions.push_back({extent});
    product = make<onnx::ReshapeOp>(product, makeShape(dimensions),
                                    builder.getI64IntegerAttr(1));
  }
  return {product, concatenate({batch, rows, columns})};
}

Term EinsumBuilder::contract(Term a, Term b, ArrayRef<EinsumLabel> order) {
  Term other = a;
  a = dropRepeated(a, b);
  b = dropRepeated(b, other);
  auto inOrder = [&](EinsumLabel label) {
    return llvm::is_contained(order, label);
  };
  a = sumOver(
      a, [&](EinsumLabel label) { return b.has(label) || inOrder(label); });
  b = sumOver(
      b, [&](EinsumLabel label) { return a.has(label) || inOrder(label); });
  auto isSummed = [&](EinsumLabel label) {
    return b.has(label) && !inOrder(label);
  };
  if (llvm::none_of(a.labels, isSummed))
    return multiply(a, b, order);

  // Weights go to the right. Otherwise the order is chosen in which fewer last
  // dimensions move: summed on the left, columns on the right and in the
  // result.
  auto countMoves = [&](const Term &left, const Term &right) {
    EinsumLabel rightLast = right.labels.back();
    int moves = left.has(rightLast); // Not one of the columns.
    moves += !right.has(left.labels.back()) || inOrder(left.labels.back());
    auto last = llvm::find_if(llvm::reverse(order), [&](EinsumLabel label) {
      return left.has(label) != right.has(label);
    });
    return moves + (last != order.rend() && left.has(*last));
  };
  bool swap = isConstant(a.value) != isConstant(b.value)
                  ? isConstant(a.value)
                  : countMoves(b, a) < countMoves(a, b);
  return swap ? multiplyMatrices(b, a, order) : multiplyMatrices(a, b, order);
}

Value EinsumBuilder::build() {
  FailureOr<onnx::EinsumEquation> equation = op.parseEquation();
  if (failed(equation))
    return {};
  SmallVector<Term> terms;
  for (auto [value, labels] : llvm::zip(op.getInputs(), equation->operands))
    terms.push_back({value, labels});
  Term result = terms.front();
  for (size_t next = 1; next < terms.size(); ++next) {
    // What the result or a later term has is kept.
    Labels order = equation->result;
    for (const Term &term : ArrayRef(terms).drop_front(next + 1))
      for (EinsumLabel label : term.labels)
        if (!llvm::is_contained(order, label))
          order.push_back(label);
    result = contract(result, terms[next], order);
  }
  result = sumOver(result, [&](EinsumLabel label) {
    return llvm::is_contained(equation->result, label);
  });
  result = transposeTo(result, equation->result);
  return isValid() ? result.value : Value();
}

LogicalResult lowbit::decomposeEinsum(onnx::EinsumOp op) {
  if (!llvm::all_of(op.getInputs(), [](Value input) {
        return isa<RankedTensorType>(input.getType());
      }))
    return success();
  Value result = EinsumBuilder(op).build();
  if (!result)
    return failure();
  op.getOutput().replaceAllUsesWith(result);
  op.erase();
  return success();
}
