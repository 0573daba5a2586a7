//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Type inference of Einsum: every label has one extent, which a dimension of 1
// takes on.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"
#include "lowbit/Dialect/ONNX/IR/EinsumEquation.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mlir::onnx;

FailureOr<EinsumEquation> EinsumOp::parseEquation() {
  SmallVector<int64_t> ranks;
  for (Value input : getInputs())
    ranks.push_back(cast<RankedTensorType>(input.getType()).getRank());
  return parseEinsumEquation(getEquation(), ranks,
                             [&] { return emitOpError(); });
}

LogicalResult EinsumOp::inferResultTypes(InferenceScope, TypeList &types) {
  if (getInputs().empty())
    return emitOpError("must have an operand");
  Type element = getElement(getInputs().front());
  bool ranked = true;
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    if (failed(checkElement(*this, i, ElementSet::Numeric)) ||
        failed(checkSameElement(*this, 0, i)))
      return failure();
    ranked &= getShapeOf(input).has_value();
  }
  if (!ranked) {
    types.push_back(makeUnranked(element));
    return success();
  }
  FailureOr<EinsumEquation> equation = parseEquation();
  if (failed(equation))
    return failure();
  DenseMap<EinsumLabel, int64_t> extents;
  for (auto [labels, input] : llvm::zip(equation->operands, getInputs()))
    for (auto [label, extent] : llvm::zip(labels, *getShapeOf(input))) {
      auto [known, isNew] = extents.try_emplace(label, extent);
      if (isNew || extent == 1 || known->second == extent)
        continue;
      if (known->second == 1 || ShapedType::isDynamic(known->second)) {
        known->second = extent;
      } else if (!ShapedType::isDynamic(extent)) {
        return emitOpError("label '") << getLabelName(label) << "' stands for "
                                      << known->second << " and for " << extent;
      }
    }
  Shape result;
  for (EinsumLabel label : equation->result)
    result.push_back(extents.lookup(label));
  types.push_back(makeType(result, element));
  return success();
}
