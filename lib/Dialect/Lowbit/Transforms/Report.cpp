//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes what became of every matmul into the module's attribute
// `lowbit.report`, as JSON: its size, the levels of both sides, the kernel, the
// bytes of a constant right side, or why it stayed float. Works before and
// after packing.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/JSON.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITREPORT
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// The marks that the conversion to linalg leaves on float products.
constexpr llvm::StringLiteral kFloatMatmul = "lowbit.float_matmul";
constexpr llvm::StringLiteral kFloatReason = "lowbit.float_reason";

/// The extents of a product; `kDynamic` where not known.
struct Extents {
  int64_t batch = 1, m = 1, k = 1, n = 1;
};

int64_t multiply(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b)
             ? ShapedType::kDynamic
             : a * b;
}

int64_t product(ArrayRef<int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents)
    result = multiply(result, extent);
  return result;
}

/// A number, or null when it depends on the sizes at run time.
llvm::json::Value toJSON(int64_t extent) {
  if (ShapedType::isDynamic(extent))
    return nullptr;
  return extent;
}

/// "-1, 0, 1"; "-128 ... 127" when there are many; "f32" for no levels.
std::string toString(LevelsType levels) {
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

std::string getNodeName(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return name.getName().str();
  return op->getName().getStringRef().str();
}

/// The bytes of a constant, 0 for a value computed at run time. Levels count
/// as the bit planes that they will be packed into.
int64_t getConstantBytes(Value value) {
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

class Report {
public:
  void add(MatmulOp op) {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto result = cast<RankedTensorType>(op.getResult().getType());
    Extents extents = getExtents(result);
    extents.k = lhs.getShape().back();
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    addEntry(op, extents, dyn_cast<LevelsType>(lhs.getElementType()),
             cast<LevelsType>(rhs.getElementType()), nullptr,
             getConstantBytes(op.getRhs()));
  }

  void add(PackedMatmulOp op) {
    auto result = dyn_cast<RankedTensorType>(op.getInit().getType());
    if (!result)
      return;
    Extents extents = getExtents(result);
    extents.k = op.getDynamicSize() ? ShapedType::kDynamic : op.getSize();
    std::optional<PackingAttr> lhs = op.getLhsPacking();
    addEntry(op, extents, lhs ? lhs->getLevels() : LevelsType(),
             op.getRhsPacking().getLevels(), op.getKernel(),
             getConstantBytes(op.getRhs()));
  }

  /// A float product: its last parallel loops are m and n.
  void add(linalg::LinalgOp op) {
    Extents extents;
    SmallVector<int64_t> loops;
    for (auto [extent, iterator] :
         llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray())) {
      if (iterator == utils::IteratorType::parallel)
        loops.push_back(extent);
      else
        extents.k = multiply(extents.k, extent);
    }
    if (!loops.empty())
      extents.n = loops.pop_back_val();
    if (!loops.empty())
      extents.m = loops.pop_back_val();
    extents.batch = product(loops);
    int64_t bytes = 0;
    for (Value input : op.getDpsInputs())
      bytes += getConstantBytes(input);
    addEntry(op, extents, LevelsType(), LevelsType(), StringRef("float"),
             bytes);
  }

  std::string toText() {
    int64_t total = matmuls.size();
    llvm::json::Object report{
        {"matmuls", std::move(matmuls)},
        {"summary", llvm::json::Object{{"matmuls", total},
                                       {"quantized", total - floats},
                                       {"float", floats},
                                       {"weight_bytes", weightBytes}}}};
    std::string text;
    llvm::raw_string_ostream(text) << llvm::json::Value(std::move(report));
    return text;
  }

private:
  /// Batch, m and n of a result `[batch..., m, n]`.
  static Extents getExtents(RankedTensorType result) {
    Extents extents;
    ArrayRef<int64_t> shape = result.getShape();
    extents.n = shape.back();
    extents.m = shape[shape.size() - 2];
    extents.batch = product(shape.drop_back(2));
    return extents;
  }

  void addEntry(Operation *op, const Extents &extents, LevelsType lhs,
                LevelsType rhs, llvm::json::Value kernel, int64_t bytes) {
    llvm::json::Value reason = nullptr;
    if (auto attr = op->getAttrOfType<StringAttr>(kFloatReason))
      reason = attr.getValue();
    int64_t macs = multiply(multiply(extents.batch, extents.m),
                            multiply(extents.k, extents.n));
    matmuls.push_back(llvm::json::Object{{"name", getNodeName(op)},
                                         {"batch", toJSON(extents.batch)},
                                         {"m", toJSON(extents.m)},
                                         {"k", toJSON(extents.k)},
                                         {"n", toJSON(extents.n)},
                                         {"lhs", toString(lhs)},
                                         {"rhs", toString(rhs)},
                                         {"kernel", std::move(kernel)},
                                         {"weight_bytes", bytes},
                                         {"macs", toJSON(macs)},
                                         {"reason", std::move(reason)}});
    floats += !rhs;
    weightBytes += bytes;
  }

  llvm::json::Array matmuls;
  int64_t floats = 0, weightBytes = 0;
};

struct LowbitReport : lowbit::impl::LowbitReportBase<LowbitReport> {
  void runOnOperation() override {
    Report report;
    getOperation()->walk([&](Operation *op) {
      if (auto matmul = dyn_cast<MatmulOp>(op))
        report.add(matmul);
      else if (auto packed = dyn_cast<PackedMatmulOp>(op))
        report.add(packed);
      else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
               linalgOp && op->hasAttr(kFloatMatmul) &&
               isa<RankedTensorType>(op->getOperand(0).getType()))
        report.add(linalgOp);
    });
    getOperation()->setAttr("lowbit.report",
                            StringAttr::get(&getContext(), report.toText()));
    markAllAnalysesPreserved();
  }
};

} // namespace
