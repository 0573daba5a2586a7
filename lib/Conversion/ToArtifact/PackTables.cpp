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

bool mlir::lowbit::isTableType(StringRef type) {
  return type == "f32" || type == "bf16" || type == "int8";
}

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
template <typename T>
static std::vector<T> packPanels(ArrayRef<T> table, int64_t depth,
                                 int64_t columns) {
  int64_t panels = llvm::divideCeil(columns, kPanelColumns);
  std::vector<T> packed(panels * depth * kPanelColumns, T(0));
  const T *row = table.data();
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

namespace {
/// A table in narrower elements.
template <typename T> struct Rounded {
  std::vector<T> elements;
  float change = 0; ///< of a number, at most
};

/// What an element of each column is worth.
struct RoundedToInt8 : Rounded<int8_t> {
  std::vector<float> scales;
};
} // namespace

static Rounded<uint16_t> roundToBF16(ArrayRef<float> numbers) {
  Rounded<uint16_t> rounded;
  rounded.elements.reserve(numbers.size());
  for (float number : numbers) {
    rounded.elements.push_back(toBF16(number));
    float back = llvm::bit_cast<float>(uint32_t(rounded.elements.back()) << 16);
    rounded.change = std::max(rounded.change, std::abs(back - number));
  }
  return rounded;
}

/// Every column in 255 levels around 0; empty where some numbers are infinite
/// or none.
static std::optional<RoundedToInt8> roundToInt8(ArrayRef<float> numbers,
                                                int64_t columns) {
  if (!llvm::all_of(numbers, [](float x) { return std::isfinite(x); }))
    return std::nullopt;
  RoundedToInt8 rounded;
  rounded.scales.assign(columns, 0.0f);
  for (auto [i, number] : llvm::enumerate(numbers)) {
    float &largest = rounded.scales[i % columns];
    largest = std::max(largest, std::abs(number));
  }
  for (float &scale : rounded.scales)
    scale /= 127;
  rounded.elements.reserve(numbers.size());
  for (auto [i, number] : llvm::enumerate(numbers)) {
    // A scale is 0 for zeros and for the smallest of subnormal numbers.
    float scale = rounded.scales[i % columns];
    float steps = scale == 0 ? 0.0f : std::nearbyint(number / scale);
    float code = std::clamp(steps, -127.0f, 127.0f);
    rounded.elements.push_back(static_cast<int8_t>(code));
    rounded.change = std::max(rounded.change, std::abs(code * scale - number));
  }
  return rounded;
}

/// The panels of a table in narrower elements, with a remark on `op` that tells
/// what the numbers lose.
template <typename T>
static std::vector<T> packRounded(const Rounded<T> &rounded, int64_t depth,
                                  int64_t columns, StringRef form,
                                  Operation *op) {
  std::vector<T> panels =
      packPanels(ArrayRef<T>(rounded.elements), depth, columns);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", rounded.change);
  op->emitRemark() << "stored as " << form << ": " << panels.size() * sizeof(T)
                   << " bytes; numbers change by " << text << " at most";
  return panels;
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
  std::vector<float> scratch;
  ArrayRef<float> numbers = table->toArray(scratch);
  std::optional<RoundedToInt8> eight;
  if (form == "int8")
    eight = roundToInt8(numbers, columns);
  Type stored = eight            ? Type(builder.getI8Type())
                : form == "bf16" ? Type(builder.getBF16Type())
                                 : type.getElementType();
  auto packedType = RankedTensorType::get(
      {static_cast<int64_t>(llvm::divideCeil(columns, kPanelColumns)), depth,
       kPanelColumns},
      stored);
  ElementsAttr elements;
  Value scales;
  if (eight) {
    elements = makeConstant(
        packedType, packRounded(*eight, depth, columns, form, constant));
    scales = arith::ConstantOp::create(
        builder, loc,
        makeConstant(RankedTensorType::get({columns}, builder.getF32Type()),
                     std::move(eight->scales)));
  } else if (stored.isBF16()) {
    elements = makeResource(packedType, packRounded(roundToBF16(numbers), depth,
                                                    columns, form, constant));
  } else {
    elements = makeConstant(packedType, packPanels(numbers, depth, columns));
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
    if (!isTableType(type)) {
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
