//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-pack-tables. A row of a constant right side is longer than a memory
// page, so that a product would touch another page at every step along K. In
// panels it reads one stream of memory.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "FloatProduct.h"
#include "PanelProduct.h"
#include "lowbit/Constants/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITPACKTABLES
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;
using linalg::GenericOp;

/// Columns that a panel is worth for: less than half of it would be padding.
static constexpr int64_t kMinColumns = kPanelColumns / 2;

/// Whether `use` reads a table `[K, N]` as the right side of a float product.
static bool isRightSide(OpOperand &use) {
  auto op = dyn_cast<GenericOp>(use.getOwner());
  if (!op || !op.hasPureTensorSemantics() ||
      !isFloatProduct(cast<linalg::LinalgOp>(*op)) ||
      &use != op.getDpsInputOperand(1))
    return false;
  unsigned loops = op.getNumLoops();
  return op.getMatchingIndexingMap(&use) ==
         AffineMap::getMultiDimIdentityMap(loops, op.getContext())
             .getMinorSubMap(2);
}

/// The panels of a table `[K, N]`, with zeros behind the last column.
static std::vector<float> packPanels(ConstantElements<float> table,
                                     int64_t depth, int64_t columns) {
  int64_t panels = llvm::divideCeil(columns, kPanelColumns);
  std::vector<float> scratch, packed(panels * depth * kPanelColumns, 0.0f);
  const float *row = table.toArray(scratch).data();
  for (int64_t k = 0; k < depth; ++k, row += columns)
    for (int64_t panel = 0; panel < panels; ++panel) {
      int64_t first = panel * kPanelColumns;
      std::copy(row + first, row + std::min(first + kPanelColumns, columns),
                packed.data() + (panel * depth + k) * kPanelColumns);
    }
  return packed;
}

/// The nearest bf16, ties to even; a NaN stays one.
static uint16_t toBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return bits >> 16 | 0x40;
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

/// The numbers as bf16, with a remark that tells what they lose.
static ElementsAttr roundToBF16(RankedTensorType type, ArrayRef<float> numbers,
                                Operation *op) {
  std::vector<uint16_t> rounded;
  rounded.reserve(numbers.size());
  float change = 0;
  for (float number : numbers) {
    rounded.push_back(toBF16(number));
    float back = llvm::bit_cast<float>(uint32_t(rounded.back()) << 16);
    change = std::max(change, std::abs(back - number));
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", change);
  op->emitRemark() << "stored as bf16: " << rounded.size() * 2
                   << " bytes; numbers change by " << text << " at most";
  return makeResource(type, std::move(rounded));
}

/// Lets the product read bf16.
static void widenRightSide(GenericOp op) {
  Block &body = op.getRegion().front();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  BlockArgument right = body.getArgument(1);
  right.setType(builder.getBF16Type());
  auto wide =
      arith::ExtFOp::create(builder, op.getLoc(), builder.getF32Type(), right);
  right.replaceAllUsesExcept(wide, wide);
}

/// Packs the constant if it is nothing else than the right side of products.
static void pack(arith::ConstantOp constant, bool asBF16) {
  auto type = dyn_cast<RankedTensorType>(constant.getType());
  if (!type || type.getRank() != 2 || !type.getElementType().isF32() ||
      type.getDimSize(0) == 0 || type.getDimSize(1) < kMinColumns ||
      constant->use_empty() || !llvm::all_of(constant->getUses(), isRightSide))
    return;
  auto table =
      getConstantElements<float>(cast<ElementsAttr>(constant.getValue()));
  if (!table)
    return;
  int64_t depth = type.getDimSize(0), columns = type.getDimSize(1);
  auto packedType = RankedTensorType::get(
      {static_cast<int64_t>(llvm::divideCeil(columns, kPanelColumns)), depth,
       kPanelColumns},
      asBF16 ? Type(BFloat16Type::get(type.getContext()))
             : type.getElementType());
  OpBuilder builder(constant);
  std::vector<float> panels = packPanels(*table, depth, columns);
  ElementsAttr stored = asBF16 ? roundToBF16(packedType, panels, constant)
                               : makeConstant(packedType, std::move(panels));
  Value packed =
      arith::ConstantOp::create(builder, constant.getLoc(), packedType, stored);
  for (OpOperand &use : llvm::make_early_inc_range(constant->getUses())) {
    auto op = cast<GenericOp>(use.getOwner());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps[1] = getPanelMap(op.getContext(), op.getNumLoops());
    op.setIndexingMapsAttr(builder.getAffineMapArrayAttr(maps));
    use.set(packed);
    if (asBF16)
      widenRightSide(op);
  }
  constant.erase();
}

namespace {
struct PackTables : mlir::lowbit::impl::LowbitPackTablesBase<PackTables> {
  using LowbitPackTablesBase::LowbitPackTablesBase;

  void runOnOperation() override {
    if (type != "f32" && type != "bf16") {
      getOperation()->emitError("unknown type '")
          << type << "' of tables, expected f32 or bf16";
      return signalPassFailure();
    }
    SmallVector<arith::ConstantOp> constants;
    getOperation().walk(
        [&](arith::ConstantOp constant) { constants.push_back(constant); });
    for (arith::ConstantOp constant : constants)
      pack(constant, type == "bf16");
  }
};
} // namespace
