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
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
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

/// Panels of whole numbers, and what one of a column is worth.
struct EightBits {
  std::vector<int8_t> codes;
  std::vector<float> scales;
};

/// Every column in 255 levels around 0, with a remark that tells what the
/// numbers lose; empty where some are infinite or none.
static std::optional<EightBits> roundToInt8(ArrayRef<float> panels,
                                            int64_t depth, int64_t columns,
                                            Operation *op) {
  auto at = [&](int64_t k, int64_t column) {
    return (column / kPanelColumns * depth + k) * kPanelColumns +
           column % kPanelColumns;
  };
  EightBits rounded{std::vector<int8_t>(panels.size(), 0),
                    std::vector<float>(columns, 0.0f)};
  float change = 0;
  for (int64_t column = 0; column < columns; ++column) {
    float largest = 0;
    for (int64_t k = 0; k < depth; ++k) {
      float number = panels[at(k, column)];
      if (!std::isfinite(number))
        return std::nullopt;
      largest = std::max(largest, std::abs(number));
    }
    float scale = largest / 127;
    rounded.scales[column] = scale;
    // Also for subnormal numbers, of which the quotient is 0.
    if (scale == 0) {
      change = std::max(change, largest);
      continue;
    }
    for (int64_t k = 0; k < depth; ++k) {
      float number = panels[at(k, column)];
      float code = std::clamp(std::nearbyint(number / scale), -127.0f, 127.0f);
      rounded.codes[at(k, column)] = static_cast<int8_t>(code);
      change = std::max(change, std::abs(code * scale - number));
    }
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", change);
  op->emitRemark() << "stored as int8: " << rounded.codes.size()
                   << " bytes; numbers change by " << text << " at most";
  return rounded;
}

/// Lets the product read narrower elements.
static void widenRightSide(GenericOp op, Type stored) {
  Block &body = op.getRegion().front();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  BlockArgument right = body.getArgument(1);
  right.setType(stored);
  Type f32 = builder.getF32Type();
  Operation *wide =
      stored.isInteger()
          ? arith::SIToFPOp::create(builder, op.getLoc(), f32, right)
                .getOperation()
          : arith::ExtFOp::create(builder, op.getLoc(), f32, right);
  right.replaceAllUsesExcept(wide->getResult(0), wide);
}

/// Multiplies the columns of a product by their scales before it is added to
/// what the operation adds to.
static void scaleColumns(GenericOp op, Value scales) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  OpOperand &init = op.getDpsInitsMutable()[0];
  Value added = init.get();
  auto type = cast<RankedTensorType>(added.getType());
  Value empty = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, added),
      type.getElementType());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0));
  init.set(linalg::FillOp::create(builder, loc, zero, empty).getResult(0));
  builder.setInsertionPointAfter(op);
  int64_t rank = type.getRank();
  AffineMap all = builder.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
  SmallVector<Value> operands{op.getResult(0), scales};
  SmallVector<AffineMap> maps{all, all.getMinorSubMap(1), all};
  // Most products begin at zero.
  auto fill = added.getDefiningOp<linalg::FillOp>();
  bool addsZero = fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  if (!addsZero) {
    operands.push_back(added);
    maps.push_back(all);
  }
  auto scaled = GenericOp::create(
      builder, loc, type, operands, empty, maps, loops,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        Value product = arith::MulFOp::create(b, loc, x[0], x[1]);
        if (!addsZero)
          product = arith::AddFOp::create(b, loc, x[2], product);
        linalg::YieldOp::create(b, loc, product);
      });
  op.getResult(0).replaceAllUsesExcept(scaled.getResult(0), scaled);
}

/// Packs the constant if it is nothing else than the right side of products.
static void pack(arith::ConstantOp constant, StringRef form) {
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
  OpBuilder builder(constant);
  Location loc = constant.getLoc();
  std::vector<float> panels = packPanels(*table, depth, columns);
  std::optional<EightBits> rounded;
  if (form == "int8")
    rounded = roundToInt8(panels, depth, columns, constant);
  Type stored = rounded          ? Type(builder.getI8Type())
                : form == "bf16" ? Type(builder.getBF16Type())
                                 : type.getElementType();
  auto packedType = RankedTensorType::get(
      {static_cast<int64_t>(llvm::divideCeil(columns, kPanelColumns)), depth,
       kPanelColumns},
      stored);
  Value scales;
  ElementsAttr elements;
  if (rounded) {
    elements = makeConstant(packedType, std::move(rounded->codes));
    scales = arith::ConstantOp::create(
        builder, loc,
        makeConstant(RankedTensorType::get({columns}, builder.getF32Type()),
                     std::move(rounded->scales)));
  } else if (stored.isBF16()) {
    elements = roundToBF16(packedType, panels, constant);
  } else {
    elements = makeConstant(packedType, std::move(panels));
  }
  Value packed = arith::ConstantOp::create(builder, loc, packedType, elements);
  for (OpOperand &use : llvm::make_early_inc_range(constant->getUses())) {
    auto op = cast<GenericOp>(use.getOwner());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps[1] = getPanelMap(op.getContext(), op.getNumLoops());
    op.setIndexingMapsAttr(builder.getAffineMapArrayAttr(maps));
    use.set(packed);
    if (!stored.isF32())
      widenRightSide(op, stored);
    if (scales)
      scaleColumns(op, scales);
  }
  constant.erase();
}

namespace {
struct PackTables : mlir::lowbit::impl::LowbitPackTablesBase<PackTables> {
  using LowbitPackTablesBase::LowbitPackTablesBase;

  void runOnOperation() override {
    if (type != "f32" && type != "bf16" && type != "int8") {
      getOperation()->emitError("unknown type '")
          << type << "' of tables, expected f32, bf16 or int8";
      return signalPassFailure();
    }
    SmallVector<arith::ConstantOp> constants;
    getOperation().walk(
        [&](arith::ConstantOp constant) { constants.push_back(constant); });
    for (arith::ConstantOp constant : constants)
      pack(constant, type);
  }
};
} // namespace
