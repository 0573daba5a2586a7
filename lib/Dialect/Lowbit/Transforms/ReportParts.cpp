//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads sizes, constants and regions for the report.
//
//===----------------------------------------------------------------------===//

#include "ReportParts.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::lowbit;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

int64_t mlir::lowbit::multiply(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b)
             ? ShapedType::kDynamic
             : a * b;
}

int64_t mlir::lowbit::multiplyAll(ArrayRef<int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents)
    result = multiply(result, extent);
  return result;
}

int64_t mlir::lowbit::getConstantBytes(Value value) {
  Operation *op = value.getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!op || !type || !type.hasStaticShape() ||
      !(isa<ConstantOp>(op) || matchPattern(op, m_Constant())))
    return 0;
  if (auto levels = dyn_cast<LevelsType>(type.getElementType()))
    return llvm::divideCeil(type.getNumElements() * levels.getPlanes(), 8);
  return llvm::divideCeil(type.getNumElements() * type.getElementTypeBitWidth(),
                          8);
}

std::string mlir::lowbit::toString(LevelsType levels) {
  if (!levels)
    return "f32";
  std::string text;
  llvm::raw_string_ostream out(text);
  if (levels.getCount() > 4)
    out << levels.getFirst() << " ... " << levels.getLast();
  else
    llvm::interleaveComma(levels.getLevels(), out);
  return text;
}

llvm::json::Value mlir::lowbit::toJSON(int64_t extent) {
  if (ShapedType::isDynamic(extent))
    return nullptr;
  return extent;
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

llvm::json::Array mlir::lowbit::listOperations(Block &body) {
  llvm::json::Array names;
  for (Operation &op : body.without_terminator())
    if (!op.hasTrait<OpTrait::ConstantLike>())
      names.push_back(op.getName().stripDialect());
  return names;
}

bool mlir::lowbit::usesFloats(Block &body) {
  return llvm::any_of(body.getOperations(), [](Operation &op) {
    return llvm::any_of(op.getOperandTypes(), llvm::IsaPred<FloatType>);
  });
}

void mlir::lowbit::addNodeNames(Block &body, NodeNames &names) {
  if (body.getNumArguments() != 0)
    addNodeNames(body.getArgument(0).getLoc(), names);
  for (Operation &op : body)
    addNodeNames(op.getLoc(), names);
}

llvm::json::Array mlir::lowbit::toJSON(const NodeNames &names) {
  return llvm::json::Array(names.getArrayRef());
}

std::string mlir::lowbit::describeOrders(Value packed) {
  llvm::SmallSetVector<StringRef, 4> orders;
  for (Operation *user : packed.getUsers()) {
    auto repack = dyn_cast<RepackOp>(user);
    orders.insert(
        stringifyOrder(repack ? repack.getPacking().getOrder() : Order::rows));
  }
  return llvm::join(orders, ", ");
}
