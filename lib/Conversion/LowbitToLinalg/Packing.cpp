//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Definitions of pack and unpack.
//
// A packed tensor is a tensor.generate of its words. A word asks for the codes
// that it holds; those beyond the ends of the logical operand are zero.
//
//===----------------------------------------------------------------------===//

#include "Definitions.h"
#include "PackedWords.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

namespace {

SmallVector<Value> getDynamicSizes(OpBuilder &builder, Location loc,
                                   Value value) {
  SmallVector<Value> sizes;
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t dim : llvm::seq<int64_t>(type.getRank()))
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, loc, value, dim));
  return sizes;
}

struct GenerateOfPack : OpConversionPattern<PackOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PackOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getInit().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    PackingAttr packing = op.getPacking();
    int64_t rank = getRank(op.getInput());
    bool transposed = op.getTranspose();
    auto getExtent = [&](Value value, int64_t dim) -> Value {
      return tensor::DimOp::create(rewriter, loc, value, dim);
    };
    Value input = adaptor.getInput();
    Codes codes{input, packing.getLevels(), transposed,
                getExtent(input, transposed ? rank - 1 : rank - 2),
                getExtent(input, transposed ? rank - 2 : rank - 1)};
    int64_t depth = type.getRank() - (packing.hasPanels() ? 2 : 1);
    Value count = getExtent(adaptor.getInit(), depth);

    auto generate = tensor::GenerateOp::create(
        rewriter, loc, type, getDynamicSizes(rewriter, loc, adaptor.getInit()),
        [&](OpBuilder &b, Location loc, ValueRange position) {
          tensor::YieldOp::create(
              b, loc, getPackedWord({b, loc}, codes, packing, position, count));
        });
    rewriter.replaceOp(op, generate);
    return success();
  }
};

struct GenerateOfUnpack : OpConversionPattern<UnpackOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(UnpackOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, op.getLoc(), adaptor.getInit());
    rewriter.replaceOp(op,
                       createUnpacked(rewriter, op.getLoc(), adaptor.getInput(),
                                      op.getPacking(), sizes));
    return success();
  }
};

/// The code of element `k` of a row in the order `digits`.
Value getDigitCode(Arithmetic a, Value packed, PackingAttr packing,
                   ValueRange batch, Value row, Value k) {
  Value count = tensor::DimOp::create(a.b, a.loc, packed, batch.size() + 1);
  Value byte = arith::RemUIOp::create(a.b, a.loc, k, count);
  Value digit = arith::DivUIOp::create(a.b, a.loc, k, count);
  SmallVector<Value> at(batch);
  at.append({row, byte});
  Value left =
      arith::ExtUIOp::create(a.b, a.loc, a.b.getI64Type(),
                             tensor::ExtractOp::create(a.b, a.loc, packed, at));
  Value code = a.word(0);
  for (int64_t i = 0, e = packing.getElementsPerWord(); i < e; ++i) {
    Value next = a.mul(left, a.word(packing.getLevels().getCount()));
    Value isAsked = arith::CmpIOp::create(a.b, a.loc, arith::CmpIPredicate::eq,
                                          digit, a.index(i));
    code = arith::SelectOp::create(
        a.b, a.loc, isAsked,
        arith::ShRUIOp::create(a.b, a.loc, next, a.word(8)), code);
    left = arith::AndIOp::create(a.b, a.loc, next, a.word(255));
  }
  return code;
}

/// The code of element `k` of a row in the orders made of planes or bytes.
Value getCode(Arithmetic a, Value packed, PackingAttr packing, ValueRange batch,
              Value row, Value k) {
  // Codes less a centre have a sign and fill their bytes.
  int64_t planes = packing.getCentre() ? 8 : packing.getPlanes();
  int64_t lanes = packing.getLanes();
  int64_t perWord = packing.getElementsPerWord();
  Value panel = a.div(row, lanes), lane = a.rem(row, lanes);
  Value code = a.word(0);
  for (int64_t plane = 0; plane < planes; ++plane) {
    SmallVector<Value> at(batch);
    auto getStep = [&](Value block) {
      return a.add(a.mul(block, a.index(planes)), a.index(plane));
    };
    bool dwords = packing.getOrder() == Order::dwords;
    Value bit = a.rem(k, dwords ? 32 : 64);
    switch (packing.getOrder()) {
    case Order::rows:
      at.append({row, getStep(a.div(k, 64))});
      break;
    case Order::panels:
    case Order::dwords:
      at.append({panel, getStep(a.div(k, dwords ? 32 : 64)), lane});
      break;
    case Order::lanes:
      at.append({panel, getStep(k), a.div(lane, 8)});
      bit = a.rem(lane, 8);
      break;
    case Order::bytes:
    case Order::quads: {
      at.push_back(packing.getOrder() == Order::bytes ? row : panel);
      at.push_back(a.div(k, perWord));
      if (packing.getOrder() == Order::quads)
        at.push_back(lane);
      // Byte k mod 4, and up in it the fourth part of where k lies.
      Value inWord = a.rem(k, perWord);
      bit = a.add(a.mul(a.rem(inWord, 4), a.index(8)),
                  a.add(a.mul(a.div(inWord, 4), a.index(32 / perWord)),
                        a.index(plane)));
      break;
    }
    case Order::nibbles:
    case Order::sextets: {
      auto [byte, inByte] = getLookupBit(a, packing, k);
      at.append({panel, byte, getByteOfLane(a, packing, lane)});
      bit = inByte;
      break;
    }
    case Order::digits:
      llvm_unreachable("digits have no planes");
    }
    Value word = tensor::ExtractOp::create(a.b, a.loc, packed, at);
    if (!packing.getElementType().isInteger(64))
      word = arith::ExtUIOp::create(a.b, a.loc, a.b.getI64Type(), word);
    code = a.add(code, a.at(a.bit(word, bit), a.index(plane)));
  }
  return code;
}

} // namespace

Value definitions::createUnpacked(OpBuilder &builder, Location loc,
                                  Value packed, PackingAttr packing,
                                  ArrayRef<OpFoldResult> sizes) {
  auto [shape, dynamicSizes] = decomposeMixedValues(
      SmallVector<OpFoldResult>(sizes.begin(), sizes.end()));
  auto type = RankedTensorType::get(shape, builder.getI8Type());
  int64_t rank = sizes.size();
  LevelsType levels = packing.getLevels();

  auto body = [&](OpBuilder &b, Location loc, ValueRange position) {
    Arithmetic a{b, loc};
    Value row = position[rank - 2], k = position[rank - 1];
    ValueRange batch = position.drop_back(2);
    Value code = packing.getOrder() == Order::digits
                     ? getDigitCode(a, packed, packing, batch, row, k)
                     : getCode(a, packed, packing, batch, row, k);
    if (int64_t centre = packing.getCentre()) {
      Value byte = arith::TruncIOp::create(b, loc, b.getI8Type(), code);
      code = a.add(arith::ExtSIOp::create(b, loc, b.getI64Type(), byte),
                   a.word(centre));
    }
    Value level =
        a.add(a.mul(code, a.word(levels.getStep())), a.word(levels.getFirst()));
    Value stored = arith::TruncIOp::create(b, loc, b.getI8Type(), level);
    tensor::YieldOp::create(b, loc, stored);
  };
  return tensor::GenerateOp::create(builder, loc, type, dynamicSizes, body);
}

void definitions::populatePacking(const TypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<GenerateOfPack, GenerateOfUnpack>(converter,
                                                 patterns.getContext());
}
