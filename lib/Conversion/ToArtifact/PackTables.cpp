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
#include "llvm/Support/MathExtras.h"

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

/// Packs the constant if it is nothing else than the right side of products.
static void pack(arith::ConstantOp constant) {
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
      type.getElementType());
  OpBuilder builder(constant);
  Value packed = arith::ConstantOp::create(
      builder, constant.getLoc(), packedType,
      makeConstant(packedType, packPanels(*table, depth, columns)));
  for (OpOperand &use : llvm::make_early_inc_range(constant->getUses())) {
    auto op = cast<GenericOp>(use.getOwner());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps[1] = getPanelMap(op.getContext(), op.getNumLoops());
    op.setIndexingMapsAttr(builder.getAffineMapArrayAttr(maps));
    use.set(packed);
  }
  constant.erase();
}

namespace {
struct PackTables : mlir::lowbit::impl::LowbitPackTablesBase<PackTables> {
  void runOnOperation() override {
    SmallVector<arith::ConstantOp> constants;
    getOperation().walk(
        [&](arith::ConstantOp constant) { constants.push_back(constant); });
    for (arith::ConstantOp constant : constants)
      pack(constant);
  }
};
} // namespace
