//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-select-outputs: outputs that are wanted for their largest elements
// only. It runs between convert-onnx-to-lowbit, which has taken the products of
// levels, and convert-onnx-to-linalg: a MatMul that is left multiplies floats.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Conversion/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITSELECTOUTPUTS
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// A product of float rows `[..., K]` and a constant table.
struct OutputProduct {
  Value rows;
  /// `[K, N]`, or `[N, K]` when `transposed`.
  Value table;
  bool transposed = false;
  /// `[N]`, or null.
  ElementsAttr bias;
  /// Why there is no such product.
  std::string reason;
};

} // namespace

static std::string describe(Value value) {
  Operation *op = value.getDefiningOp();
  return op ? "'" + getNodeName(op) + "' (" +
                  op->getName().getStringRef().str() + ")"
            : "an input";
}

/// Reads the product behind `value`, which is a MatMul or a Gemm.
static OutputProduct matchProduct(Value value) {
  OutputProduct product;
  if (auto matmul = value.getDefiningOp<onnx::MatMulOp>()) {
    product.rows = matmul.getA();
    product.table = matmul.getB();
  } else if (auto gemm = value.getDefiningOp<onnx::GemmOp>()) {
    product.rows = gemm.getA();
    product.table = gemm.getB();
    product.transposed = gemm.getTransB() != 0;
    if (gemm.getTransA() != 0 || !gemm.getAlpha().isExactlyValue(1.0) ||
        (gemm.getC() && !gemm.getBeta().isExactlyValue(1.0)))
      product.reason = "its Gemm scales, or transposes its rows";
    else if (gemm.getC() &&
             !(product.bias = matchChannelVector(gemm.getC(), value)))
      product.reason = "its bias is not one constant for each column";
  } else {
    product.reason =
        "it is made by " + describe(value) + ", not by a product of floats";
  }
  return product;
}

/// Reads `rows x table + bias` behind `value`.
static OutputProduct matchOutput(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  OutputProduct product;
  ElementsAttr bias;
  if (auto add = value.getDefiningOp<onnx::AddOp>()) {
    for (auto [x, vector] : {std::pair(add.getA(), add.getB()),
                             std::pair(add.getB(), add.getA())}) {
      if (!x.getDefiningOp<onnx::MatMulOp>())
        continue;
      bias = matchChannelVector(vector, x);
      value = x;
      break;
    }
    if (!bias) {
      product.reason = "it is a sum of other things than a product of floats "
                       "and one constant for each column";
      return product;
    }
  }
  product = matchProduct(value);
  if (bias)
    product.bias = bias;
  if (!product.reason.empty())
    return product;
  // Large tables that are tied to embeddings are not transposed by folding.
  auto transpose = product.table.getDefiningOp<onnx::TransposeOp>();
  if (transpose && getFloatTensor(transpose.getData()) &&
      getFloatTensor(transpose.getData()).getRank() == 2 &&
      (!transpose.getPerm() || transpose.getPerm()->front() == 1)) {
    product.table = transpose.getData();
    product.transposed = !product.transposed;
  }
  auto rows = getFloatTensor(product.rows);
  auto table = getFloatTensor(product.table);
  if (!rows || rows.getRank() < 2)
    product.reason = "its left side is not of float32 and rank 2 or more";
  else if (!table || table.getRank() != 2 || !table.hasStaticShape() ||
           !getConstantElements<float>(product.table))
    product.reason = "its right side is not a constant matrix of float32";
  return product;
}

/// The constant `[N, K]` of the product's table.
static Value createTable(OpBuilder &builder, Location loc,
                         const OutputProduct &product) {
  auto type = cast<RankedTensorType>(product.table.getType());
  ElementsAttr attr = getConstantAttr(product.table);
  if (!product.transposed) {
    std::vector<float> values = getConstantElements<float>(attr)->toVector();
    ConstantTensor transposed = transposeConstant(
        ConstantTensor(SmallVector<int64_t>(type.getShape()), values), {1, 0});
    type = RankedTensorType::get(transposed.getShape(), type.getElementType());
    attr = makeConstant<float>(
        type, std::vector<float>(transposed.getValues().begin(),
                                 transposed.getValues().end()));
  }
  return arith::ConstantOp::create(builder, loc, type, cast<TypedAttr>(attr));
}

/// The rows, once it is checked that they have the length K.
static Value castRows(OpBuilder &builder, Operation *op, Value rows,
                      int64_t size) {
  auto type = cast<RankedTensorType>(rows.getType());
  if (!type.isDynamicDim(type.getRank() - 1))
    return rows;
  Location loc = op->getLoc();
  Value found = tensor::DimOp::create(builder, loc, rows, type.getRank() - 1);
  Value expected = arith::ConstantIndexOp::create(builder, loc, size);
  cf::AssertOp::create(
      builder, loc,
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, found,
                            expected),
      "node '" + getNodeName(op) + "': the inner dimensions do not agree");
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = size;
  return castTo(builder, loc, rows,
                RankedTensorType::get(shape, type.getElementType()));
}

/// Erases `op` and what only it reads, where nothing reads `op`.
static void eraseDead(Operation *op) {
  if (!op || !isOpTriviallyDead(op))
    return;
  SmallVector<Operation *> operands;
  for (Value operand : op->getOperands())
    if (!llvm::is_contained(operands, operand.getDefiningOp()))
      operands.push_back(operand.getDefiningOp());
  op->erase();
  llvm::for_each(operands, eraseDead);
}

static TopProductOp createTopProduct(OpBuilder &builder, Operation *op,
                                     const OutputProduct &product,
                                     int64_t count) {
  Location loc = op->getLoc();
  Value table = createTable(builder, loc, product);
  int64_t size = cast<RankedTensorType>(table.getType()).getShape().back();
  Value rows = castRows(builder, op, product.rows, size);
  Value bias;
  if (product.bias)
    bias =
        arith::ConstantOp::create(builder, loc, cast<TypedAttr>(product.bias));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, rows);
  sizes.back() = builder.getIndexAttr(count);
  Value values =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  Value indices =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getI64Type());
  return TopProductOp::create(
      builder, loc, TypeRange{values.getType(), indices.getType()}, rows, table,
      bias, /*screen=*/ValueRange(), /*scratch=*/ValueRange(),
      ValueRange{values, indices});
}

namespace {

struct SelectOutputs : lowbit::impl::LowbitSelectOutputsBase<SelectOutputs> {
  using LowbitSelectOutputsBase::LowbitSelectOutputsBase;

  void runOnOperation() override {
    for (const std::string &text : top) {
      // Names may hold colons.
      auto [name, number] = StringRef(text).rsplit(':');
      int64_t count;
      if (name.empty() || number.getAsInteger(10, count)) {
        getOperation().emitError("expected NAME:COUNT, got '") << text << "'";
        return signalPassFailure();
      }
      for (auto function : getOperation().getOps<func::FuncOp>())
        if (!function.isExternal() && failed(select(function, name, count)))
          return signalPassFailure();
    }
  }

  /// Replaces the result called `name` of `function`, if there is one.
  LogicalResult select(func::FuncOp function, StringRef name, int64_t count) {
    std::optional<unsigned> index;
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (auto attr = function.getResultAttrOfType<StringAttr>(i, "onnx.name"))
        if (attr.getValue() == name)
          index = i;
    if (!index)
      return success();
    Operation *terminator = function.getBody().back().getTerminator();
    Value logits = terminator->getOperand(*index);
    OutputProduct product = matchOutput(logits);
    if (!product.reason.empty())
      return emitError(logits.getLoc())
             << "the largest elements of output '" << name
             << "' cannot be selected: " << product.reason;
    int64_t columns = cast<RankedTensorType>(product.table.getType())
                          .getDimSize(product.transposed ? 0 : 1);
    if (count < 1 || count > columns)
      return emitError(logits.getLoc())
             << "expected 1 to " << columns << " elements of output '" << name
             << "', which has rows of as many, got " << count;
    OpBuilder builder(terminator);
    TopProductOp top =
        createTopProduct(builder, logits.getDefiningOp(), product, count);
    replaceResult(function, terminator, *index, top, name);
    eraseDead(logits.getDefiningOp());
    return success();
  }

  /// Puts the outputs `name`_values and `name`_indices in the place of one.
  void replaceResult(func::FuncOp function, Operation *terminator,
                     unsigned index, TopProductOp top, StringRef name) {
    Builder builder(&getContext());
    auto declared = cast<RankedTensorType>(function.getResultTypes()[index]);
    SmallVector<Type> types(function.getResultTypes());
    SmallVector<Attribute> attributes;
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      DictionaryAttr attrs = function.getResultAttrDict(i);
      attributes.push_back(attrs ? attrs : builder.getDictionaryAttr({}));
    }
    SmallVector<Value> operands(terminator->getOperands());

    SmallVector<int64_t> shape(declared.getShape());
    shape.back() = top.getCount();
    auto old = cast<DictionaryAttr>(attributes[index]);
    auto dims = old.getAs<ArrayAttr>("onnx.dims");
    OpBuilder casts(terminator);
    auto put = [&](unsigned at, Value result, StringRef suffix) {
      auto type = RankedTensorType::get(
          shape, cast<RankedTensorType>(result.getType()).getElementType());
      NamedAttrList list(old);
      list.set("onnx.name", builder.getStringAttr(name + suffix));
      if (dims && dims.size() == shape.size()) {
        SmallVector<Attribute> names(dims.getValue());
        names.back() = builder.getStringAttr("");
        list.set("onnx.dims", builder.getArrayAttr(names));
      }
      types[at] = type;
      operands[at] = castTo(casts, top.getLoc(), result, type);
      attributes[at] = list.getDictionary(&getContext());
    };
    types.insert(types.begin() + index, Type());
    operands.insert(operands.begin() + index, Value());
    attributes.insert(attributes.begin() + index, Attribute());
    put(index, top.getOutputs()[0], "_values");
    put(index + 1, top.getOutputs()[1], "_indices");
    terminator->setOperands(operands);
    function.setType(
        builder.getFunctionType(function.getFunctionType().getInputs(), types));
    function.setResAttrsAttr(builder.getArrayAttr(attributes));
  }
};

} // namespace
