//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values, sizes, scalars, checks: what the lowerings share.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "lowbit/Constants/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::lowbit;

static StringAttr findName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      if (StringAttr name = findName(part))
        return name;
  }
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return findName(call.getCallee());
  return {};
}

StringRef mlir::lowbit::getNodeName(Operation *op) {
  if (StringAttr name = findName(op->getLoc()))
    return name.getValue();
  return op->getName().getStringRef();
}

Type mlir::lowbit::convertElementType(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.isSignless())
    return type;
  return IntegerType::get(type.getContext(), integer.getWidth());
}

RankedTensorType mlir::lowbit::convertTensorType(RankedTensorType type) {
  return type.clone(convertElementType(type.getElementType()));
}

Lowering::Lowering(func::FuncOp function)
    : function(function), builder(function.getContext()), math(builder) {
  // Dimensions that share a symbol agree in every run (the entry checks it), so
  // the first of them stands for all.
  Block &block = function.getBody().front();
  setOperator(&block.front());
  llvm::StringMap<OpFoldResult> symbols;
  SmallVector<BlockArgument> arguments(block.getArguments());
  for (auto [number, argument] : llvm::enumerate(arguments)) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    RankedTensorType converted = convertTensorType(type);
    Value value = argument;
    if (converted != type) {
      value = block.insertArgument(argument.getArgNumber() + 1, converted,
                                   argument.getLoc());
      replacedArguments.push_back(argument);
    }
    auto names = function.getArgAttrOfType<ArrayAttr>(number, "onnx.dims");
    SmallVector<OpFoldResult> dims;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i)) {
        dims.push_back(math.index(type.getDimSize(i)));
        continue;
      }
      StringAttr name;
      if (names && i < static_cast<int64_t>(names.size()))
        name = dyn_cast<StringAttr>(names[i]);
      OpFoldResult *known = nullptr;
      if (name && !name.getValue().empty())
        known = &symbols[name.getValue()];
      if (known && *known) {
        dims.push_back(*known);
        continue;
      }
      dims.push_back(math.build([&](OpBuilder &b, Location loc) {
        return b.createOrFold<tensor::DimOp>(loc, value, i);
      }));
      if (known)
        *known = dims.back();
    }
    lowered[argument] = value;
    sizes[value] = dims;
  }
}

void Lowering::finish() {
  for (BlockArgument argument : replacedArguments)
    function.getBody().front().eraseArgument(argument.getArgNumber());
  auto convert = [](Type type) -> Type {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor ? Type(convertTensorType(tensor)) : type;
  };
  // What the conversion of the type drops is told by an attribute.
  FunctionType type = function.getFunctionType();
  auto isUnsigned = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getElementType().isUnsignedInteger();
  };
  for (auto [i, input] : llvm::enumerate(type.getInputs()))
    if (isUnsigned(input))
      function.setArgAttr(i, "onnx.unsigned", builder.getUnitAttr());
  for (auto [i, result] : llvm::enumerate(type.getResults()))
    if (isUnsigned(result))
      function.setResultAttr(i, "onnx.unsigned", builder.getUnitAttr());
  function.setFunctionType(
      type.clone(llvm::map_to_vector(type.getInputs(), convert),
                 llvm::map_to_vector(type.getResults(), convert)));
}

void Lowering::setOperator(Operation *op) {
  current = op;
  builder.setInsertionPoint(op);
  math.setLoc(op->getLoc());
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value Lowering::operand(Value value) {
  if (!value)
    return value;
  Value known = lookup(value);
  return known ? known : value;
}

Value Lowering::getWithDeclaredType(Value value) {
  Value known = lookup(value);
  RankedTensorType type = getDeclaredType(value);
  if (!type || known.getType() == type)
    return known;
  Value &cast = declared[value];
  if (!cast) {
    cast = tensor::CastOp::create(builder, getLoc(), type, known);
    setSizes(cast, getSizes(known));
  }
  return cast;
}

LogicalResult Lowering::replace(Value result, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  RankedTensorType wanted = getDeclaredType(result);
  if (wanted.getRank() != type.getRank() ||
      wanted.getElementType() != type.getElementType())
    return fail("has a result of type " + Twine(debugString(wanted)) +
                ", its operands give " + Twine(debugString(type)));
  SmallVector<OpFoldResult> dims = refine(getSizes(value), wanted);
  SmallVector<int64_t> shape;
  for (auto [size, extent] : llvm::zip(dims, type.getShape())) {
    std::optional<int64_t> constant = getConstantSize(size);
    shape.push_back(constant ? *constant : extent);
  }
  RankedTensorType refined = type.clone(shape);
  if (!tensor::CastOp::areCastCompatible(type, refined))
    return fail("has a result of type " + Twine(debugString(wanted)) +
                ", its operands give " + Twine(debugString(type)));
  if (refined != type)
    value = tensor::CastOp::create(builder, getLoc(), refined, value);
  lowered[result] = value;
  setSizes(value, dims);
  return success();
}

void Lowering::addResult(Value result, ArrayRef<OpFoldResult> given) {
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<OpFoldResult> dims;
  SmallVector<int64_t> shape(type.getShape());
  for (auto [size, extent] : llvm::zip(given, shape)) {
    std::optional<int64_t> constant = getConstantSize(size);
    if (constant && ShapedType::isDynamic(extent))
      extent = *constant;
    dims.push_back(ShapedType::isDynamic(extent) ? size : math.index(extent));
  }
  setSizes(result, dims);
  if (ArrayRef<int64_t>(shape) == type.getShape())
    return;
  builder.setInsertionPointAfter(current);
  Value cast =
      tensor::CastOp::create(builder, getLoc(), type.clone(shape), result);
  setSizes(cast, dims);
  lowered[result] = cast;
  declared[result] = result; // for its other users
}

SmallVector<OpFoldResult> Lowering::getSizes(Value value) {
  auto it = sizes.find(value);
  if (it != sizes.end())
    return it->second;
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> result;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (!type.isDynamicDim(i))
      result.push_back(math.index(type.getDimSize(i)));
    else
      result.push_back(math.build([&](OpBuilder &b, Location loc) {
        return b.createOrFold<tensor::DimOp>(loc, value, i);
      }));
  }
  sizes[value] = result;
  return result;
}

void Lowering::setSizes(Value value, ArrayRef<OpFoldResult> newSizes) {
  sizes[value] = SmallVector<OpFoldResult>(newSizes);
}

RankedTensorType Lowering::getDeclaredType(Value result) {
  auto type = dyn_cast<RankedTensorType>(result.getType());
  return type ? convertTensorType(type) : RankedTensorType();
}

SmallVector<OpFoldResult> Lowering::refine(ArrayRef<OpFoldResult> given,
                                           RankedTensorType type) {
  SmallVector<OpFoldResult> result(given);
  for (auto [size, extent] : llvm::zip(result, type.getShape())) {
    if (ShapedType::isDynamic(extent) || getConstantSize(size))
      continue;
    OpFoldResult fixed = math.index(extent);
    assertEqual(size, fixed,
                "a dimension of the result is not " + Twine(extent));
    size = fixed;
  }
  return result;
}

void Lowering::noteClamped(OpFoldResult clamped, OpFoldResult wanted) {
  if (!math.equal(clamped, wanted))
    clampedFrom.push_back({clamped, wanted});
}

bool Lowering::isClampedFrom(OpFoldResult clamped, OpFoldResult wanted) {
  return llvm::any_of(clampedFrom, [&](const auto &pair) {
    return math.equal(pair.first, clamped) && math.equal(pair.second, wanted);
  });
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

bool Lowering::isSmall(RankedTensorType type) {
  return type.hasStaticShape() && type.getNumElements() <= kMaxScalars;
}

bool Lowering::isScalars(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!isSmall(type) || !type.getElementType().isIntOrFloat())
    return false;
  return tensor.getDefiningOp<tensor::FromElementsOp>() ||
         getConstantAttr(tensor);
}

SmallVector<Value> Lowering::getScalars(Value tensor) {
  if (auto elements = tensor.getDefiningOp<tensor::FromElementsOp>())
    return SmallVector<Value>(elements.getElements());
  auto type = cast<RankedTensorType>(tensor.getType());
  Type elementType = type.getElementType();
  SmallVector<Value> scalars;
  if (ElementsAttr attr = getConstantAttr(tensor)) {
    if (isa<FloatType>(elementType)) {
      if (auto values = getConstantFloats(attr)) {
        for (double value : *values)
          scalars.push_back(
              math.constant(builder.getFloatAttr(elementType, value)));
        return scalars;
      }
    } else if (auto values = getConstantInts(attr)) {
      for (int64_t value : *values)
        scalars.push_back(
            math.constant(builder.getIntegerAttr(elementType, value)));
      return scalars;
    }
  }
  SmallVector<int64_t> index(type.getRank(), 0);
  for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
    SmallVector<Value> indices;
    int64_t rest = i;
    for (int64_t d = type.getRank() - 1; d >= 0; --d) {
      index[d] = rest % type.getDimSize(d);
      rest /= type.getDimSize(d);
    }
    for (int64_t position : index)
      indices.push_back(math.toValue(math.index(position)));
    scalars.push_back(math.build([&](OpBuilder &b, Location loc) {
      return b.createOrFold<tensor::ExtractOp>(loc, tensor, indices);
    }));
  }
  return scalars;
}

Value Lowering::getUniformScalar(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.getElementType().isIntOrFloat())
    return {};
  if (auto attr = dyn_cast_or_null<DenseElementsAttr>(getConstantAttr(tensor)))
    if (attr.isSplat())
      return math.constant(cast<TypedAttr>(attr.getSplatValue<Attribute>()));
  if (isScalars(tensor) && type.getNumElements() == 1)
    return getScalars(tensor).front();
  return {};
}

SmallVector<OpFoldResult> Lowering::getIndices(Value tensor) {
  return llvm::map_to_vector(
      getScalars(tensor), [&](Value scalar) { return math.toIndex(scalar); });
}

Value Lowering::fromScalars(ArrayRef<Value> scalars, RankedTensorType type) {
  Value tensor =
      tensor::FromElementsOp::create(builder, getLoc(), type, scalars);
  setSizes(tensor,
           getAsIndexOpFoldResult(builder.getContext(), type.getShape()));
  return tensor;
}

//===----------------------------------------------------------------------===//
// Checks and diagnostics
//===----------------------------------------------------------------------===//

void Lowering::assertTrue(Value condition, const Twine &message) {
  if (std::optional<int64_t> constant = getConstantIntValue(condition)) {
    if (*constant != 0)
      return;
  } else if (!asserted.insert(condition).second) {
    return;
  }
  std::string text = ("node '" + getNodeName(current) + "': " + message).str();
  cf::AssertOp::create(builder, getLoc(), condition, text);
}

void Lowering::assertEqual(OpFoldResult a, OpFoldResult b,
                           const Twine &message) {
  if (math.equal(a, b))
    return;
  assertTrue(math.isEqual(a, b), message);
  math.assumeEqual(a, b);
}

LogicalResult Lowering::fail(const Twine &message) {
  return current->emitError()
         << "node '" << getNodeName(current) << "': operator '"
         << current->getName().stripDialect() << "' " << message;
}
