//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-screen-products: the 8-bit copy of a table from which the kernel of
// `lowbit.top_product` tells which rows can be among the largest products, and
// for each row w = scale * code + error the bounds of |error| and |w|.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>
#include <limits>

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITSCREENPRODUCTS
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// The largest code.
static constexpr int kMaxCode = 127;
/// Sums of as many products of codes, 255 * 128 each, fit 31 bits.
static constexpr int64_t kMaxSize = 65536;
/// Rows of this norm or more always count as candidates: their products could
/// overflow, which no bound covers (see the kernel).
static constexpr double kMaxNorm = 1e18;

/// A float that is not below `value`, which carries a few rounding errors.
static float roundUp(double value) {
  return std::nextafter(static_cast<float>(value * (1 + 1e-9)), kInfinity);
}

namespace {

/// The screen of one table.
class Screen {
public:
  Screen(int64_t rows, int64_t size)
      : quads(llvm::divideCeil(size, TopProductOp::kQuad)),
        lanes(llvm::alignTo(rows, TopProductOp::kPanelRows)),
        codes(lanes * quads * TopProductOp::kQuad, zero),
        bounds(TopProductOp::kBounds * lanes, 0.0f) {
    // Nothing beyond the table is ever large.
    for (int64_t lane = rows; lane < lanes; ++lane)
      bound(TopProductOp::kBias, lane) = -kInfinity;
  }

  void setRow(int64_t row, ArrayRef<float> elements, float bias) {
    bound(TopProductOp::kBias, row) = bias;
    double squares = 0;
    float largest = 0;
    for (float element : elements) {
      squares += static_cast<double>(element) * element;
      largest = std::max(largest, std::fabs(element));
    }
    double norm = std::sqrt(squares);
    if (!(norm < kMaxNorm)) {
      bound(TopProductOp::kError, row) = kInfinity;
      bound(TopProductOp::kNorm, row) = kInfinity;
      return;
    }
    float scale = largest / kMaxCode;
    double errors = 0;
    for (auto [column, element] : llvm::enumerate(elements)) {
      double code = 0;
      if (scale > 0)
        code = std::clamp<double>(std::nearbyint(element / double(scale)),
                                  -kMaxCode, kMaxCode);
      double error = element - scale * code;
      errors += error * error;
      codes[position(row, column)] = static_cast<int8_t>(
          static_cast<int>(code) + static_cast<int>(TopProductOp::kCodeOffset));
    }
    bound(TopProductOp::kScale, row) = scale;
    bound(TopProductOp::kError, row) = roundUp(std::sqrt(errors));
    bound(TopProductOp::kNorm, row) = roundUp(norm);
  }

  /// The two constants in front of `op`.
  SmallVector<Value> create(OpBuilder &builder, Location loc) {
    auto constant = [&](ShapedType type, ElementsAttr attr) -> Value {
      return arith::ConstantOp::create(builder, loc, type,
                                       cast<TypedAttr>(attr));
    };
    auto codesType =
        RankedTensorType::get({lanes / TopProductOp::kPanelRows, quads,
                               TopProductOp::kPanelRows * TopProductOp::kQuad},
                              builder.getI8Type());
    auto boundsType = RankedTensorType::get({TopProductOp::kBounds, lanes},
                                            builder.getF32Type());
    return {
        constant(codesType, makeConstant<int8_t>(codesType, std::move(codes))),
        constant(boundsType,
                 makeConstant<float>(boundsType, std::move(bounds)))};
  }

private:
  static constexpr auto zero = static_cast<int8_t>(TopProductOp::kCodeOffset);

  float &bound(TopProductOp::Bound kind, int64_t row) {
    return bounds[kind * lanes + row];
  }
  int64_t position(int64_t row, int64_t column) const {
    int64_t panel = row / TopProductOp::kPanelRows;
    int64_t quad = panel * quads + column / TopProductOp::kQuad;
    return (quad * TopProductOp::kPanelRows + row % TopProductOp::kPanelRows) *
               TopProductOp::kQuad +
           column % TopProductOp::kQuad;
  }

  int64_t quads, lanes;
  std::vector<int8_t> codes;
  std::vector<float> bounds;
};

struct ScreenProducts : lowbit::impl::LowbitScreenProductsBase<ScreenProducts> {
  void runOnOperation() override {
    getOperation()->walk([](TopProductOp op) {
      if (op.getScreen().empty() && isa<TensorType>(op.getTable().getType()))
        addScreen(op);
    });
  }

  static void addScreen(TopProductOp op) {
    auto table = getConstantElements<float>(op.getTable());
    std::optional<ConstantElements<float>> bias;
    if (op.getBias()) {
      bias = getConstantElements<float>(op.getBias());
      if (!bias)
        return;
    }
    int64_t rows = op.getTableRows(), size = op.getSize();
    if (!table || size > kMaxSize || size == 0)
      return;
    std::vector<float> scratch;
    ArrayRef<float> elements = table->toArray(scratch);
    Screen screen(rows, size);
    for (int64_t row = 0; row < rows; ++row)
      screen.setRow(row, elements.slice(row * size, size),
                    bias ? (*bias)[row] : 0.0f);
    OpBuilder builder(op);
    op.getScreenMutable().assign(screen.create(builder, op.getLoc()));
  }
};

} // namespace
