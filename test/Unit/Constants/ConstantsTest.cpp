//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading and making constant tensors.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Constants/Constants.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

struct ConstantsTest : ::testing::Test {
  MLIRContext context;
  Builder builder{&context};

  RankedTensorType tensor(ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  }
};

TEST_F(ConstantsTest, DenseAndSplat) {
  auto type = tensor({3}, builder.getF32Type());
  auto dense = DenseElementsAttr::get(type, ArrayRef<float>{1, 2, 3});
  auto elements = getConstantElements<float>(dense);
  ASSERT_TRUE(elements);
  EXPECT_FALSE(elements->isSplat());
  EXPECT_EQ(elements->toVector(), (std::vector<float>{1, 2, 3}));

  auto splat = getConstantElements<float>(DenseElementsAttr::get(type, 7.0f));
  ASSERT_TRUE(splat);
  EXPECT_TRUE(splat->isSplat());
  EXPECT_EQ(splat->size(), 3);
  std::vector<float> scratch;
  EXPECT_EQ(splat->toArray(scratch), (ArrayRef<float>{7, 7, 7}));
}

TEST_F(ConstantsTest, ElementTypesMustMatch) {
  auto signless = DenseElementsAttr::get(tensor({2}, builder.getIntegerType(8)),
                                         ArrayRef<int8_t>{-1, 2});
  EXPECT_TRUE(getConstantElements<int8_t>(signless));
  EXPECT_TRUE(getConstantElements<uint8_t>(signless));
  EXPECT_FALSE(getConstantElements<int32_t>(signless));
  EXPECT_FALSE(getConstantElements<float>(signless));
  EXPECT_FALSE(getConstantElements<bool>(signless));
  EXPECT_FALSE(getConstantElements<float>(ElementsAttr()));
}

TEST_F(ConstantsTest, Bools) {
  auto attr =
      makeConstant<uint8_t>(tensor({3}, builder.getI1Type()), {1, 0, 1});
  auto elements = getConstantElements<bool>(attr);
  ASSERT_TRUE(elements);
  EXPECT_EQ((*elements)[0], true);
  EXPECT_EQ((*elements)[1], false);
  EXPECT_EQ(getConstantInts(attr), (std::vector<int64_t>{1, 0, 1}));
}

TEST_F(ConstantsTest, SmallIsDenseLargeIsResource) {
  auto small = makeConstant<float>(tensor({2}, builder.getF32Type()), {1, 2});
  EXPECT_TRUE(isa<DenseElementsAttr>(small));
  std::vector<float> values(100);
  values[99] = 5;
  auto large = makeConstant(tensor({4, 25}, builder.getF32Type()), values);
  EXPECT_TRUE(isa<DenseResourceElementsAttr>(large));
  auto elements = getConstantElements<float>(large);
  ASSERT_TRUE(elements);
  EXPECT_EQ(elements->toVector(), values);
}

TEST_F(ConstantsTest, ResourcesHaveDifferentNames) {
  auto type = tensor({1}, builder.getF32Type());
  auto a = makeResource(type, std::vector<float>{1});
  auto b = makeResource(type, std::vector<float>{2});
  EXPECT_NE(a.getRawHandle().getKey(), b.getRawHandle().getKey());
}

TEST_F(ConstantsTest, MisalignedResourceIsCopied) {
  alignas(8) static const char bytes[9] = {
      0, 0, 0, static_cast<char>(0x80), 0x3f, 0, 0, 0, 0};
  auto attr = makeResource(tensor({1}, builder.getF32Type()),
                           ArrayRef<char>(bytes + 1, 4), nullptr);
  auto elements = getConstantElements<float>(attr);
  ASSERT_TRUE(elements);
  EXPECT_EQ((*elements)[0], 1.0f);
}

TEST_F(ConstantsTest, ResourceOfWrongSizeIsRefused) {
  auto attr =
      makeResource(tensor({2}, builder.getF32Type()), std::vector<float>{1});
  EXPECT_FALSE(getConstantElements<float>(attr));
}

TEST_F(ConstantsTest, Scalars) {
  auto f32 = builder.getF32Type();
  EXPECT_EQ(
      getConstantScalarFloat(makeConstant<float>(tensor({1, 1}, f32), {2.5f})),
      2.5);
  EXPECT_EQ(
      getConstantScalarFloat(DenseElementsAttr::get(tensor({4}, f32), 0.5f)),
      0.5);
  EXPECT_FALSE(
      getConstantScalarFloat(makeConstant<float>(tensor({2}, f32), {1, 2})));
  EXPECT_FALSE(getConstantScalarInt(makeConstant<float>(tensor({}, f32), {1})));
  EXPECT_EQ(getConstantScalarInt(
                makeConstant<int64_t>(tensor({}, builder.getI64Type()), {-3})),
            -3);
}

TEST_F(ConstantsTest, Limits) {
  auto attr =
      makeConstant<int64_t>(tensor({3}, builder.getI64Type()), {1, 2, 3});
  EXPECT_TRUE(getConstantInts(attr, 3));
  EXPECT_FALSE(getConstantInts(attr, 2));
}

TEST_F(ConstantsTest, Empty) {
  auto attr = DenseElementsAttr::get(tensor({0, 3}, builder.getF32Type()),
                                     ArrayRef<Attribute>());
  auto elements = getConstantElements<float>(attr);
  ASSERT_TRUE(elements);
  EXPECT_TRUE(elements->empty());
  EXPECT_TRUE(elements->toVector().empty());
  EXPECT_FALSE(getConstantScalarFloat(attr));
}

TEST_F(ConstantsTest, ReshapeSharesStorage) {
  auto attr =
      makeResource(tensor({2, 3}, builder.getF32Type()), std::vector<float>(6));
  auto other = dyn_cast_or_null<DenseResourceElementsAttr>(
      reshapeConstant(attr, tensor({6}, builder.getF32Type())));
  ASSERT_TRUE(other);
  EXPECT_EQ(other.getRawHandle().getKey(), attr.getRawHandle().getKey());
  EXPECT_FALSE(reshapeConstant(attr, tensor({5}, builder.getF32Type())));
  EXPECT_FALSE(reshapeConstant(attr, tensor({6}, builder.getF64Type())));
}

} // namespace
