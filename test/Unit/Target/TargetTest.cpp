//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Target specifications: levels, implied features, refusals.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Target/Target.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include <gtest/gtest.h>

using namespace mlir::lowbit;

static Target parse(llvm::StringRef spec) {
  llvm::Expected<Target> target = Target::parse(spec);
  EXPECT_TRUE(bool(target)) << spec.str();
  if (target)
    return *target;
  llvm::consumeError(target.takeError());
  return Target();
}

static std::string error(llvm::StringRef spec) {
  llvm::Expected<Target> target = Target::parse(spec);
  return target ? "" : llvm::toString(target.takeError());
}

TEST(Target, LevelsGrow) {
  EXPECT_TRUE(parse("x86-64").has("sse2"));
  EXPECT_FALSE(parse("x86-64").has("popcnt"));
  EXPECT_TRUE(parse("x86-64-v2").has("popcnt"));
  EXPECT_FALSE(parse("x86-64-v2").has("avx"));
  EXPECT_TRUE(parse("x86-64-v3").has("avx2"));
  EXPECT_TRUE(parse("x86-64-v3").has("sse4.2"));
  EXPECT_FALSE(parse("x86-64-v3").has("avx512f"));
  EXPECT_TRUE(parse("x86-64-v4").has("avx512vl"));
  EXPECT_FALSE(parse("x86-64-v4").has("avx512vpopcntdq"));
  EXPECT_FALSE(parse("x86-64-v4").has("amx-tile"));
  EXPECT_TRUE(parse("amx").has("amx-tile"));
  EXPECT_TRUE(parse("amx").has("avx512vpopcntdq"));
  EXPECT_TRUE(parse("amx").has("avx512vl"));
}

TEST(Target, VectorBits) {
  EXPECT_EQ(parse("x86-64").getVectorBits(), 128u);
  EXPECT_EQ(parse("x86-64-v2").getVectorBits(), 128u);
  EXPECT_EQ(parse("x86-64-v3").getVectorBits(), 256u);
  EXPECT_EQ(parse("x86-64-v4").getVectorBits(), 512u);
}

TEST(Target, AddingImplies) {
  Target target = parse("x86-64,+avx512vpopcntdq");
  EXPECT_TRUE(target.has("avx512vpopcntdq"));
  EXPECT_TRUE(target.has("avx512f"));
  EXPECT_TRUE(target.has("avx2"));
  EXPECT_FALSE(target.has("avx512vnni"));
}

TEST(Target, RemovingTakesDependents) {
  Target target = parse("x86-64-v4,-avx");
  EXPECT_FALSE(target.has("avx"));
  EXPECT_FALSE(target.has("avx2"));
  EXPECT_FALSE(target.has("avx512f"));
  EXPECT_FALSE(target.has("fma"));
  EXPECT_TRUE(target.has("sse4.2"));
}

TEST(Target, LaterChangesWin) {
  EXPECT_FALSE(parse("x86-64,+avx2,-avx2").has("avx2"));
  EXPECT_TRUE(parse("x86-64,-avx2,+avx2").has("avx2"));
}

TEST(Target, NativeIsPortable) {
  Target target = parse("native");
  for (const std::string &feature : target.getFeatures())
    EXPECT_EQ(error("x86-64,+" + feature), "") << feature;
  EXPECT_EQ(target.getSpec(), "native");
}

TEST(Target, FeatureStringIsSorted) {
  EXPECT_EQ(parse("x86-64,+sse3").getFeatureString(),
            "+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+sse3");
}

TEST(Target, Refusals) {
  EXPECT_NE(error("armv8").find("unknown target 'armv8', expected 'native'"),
            std::string::npos);
  EXPECT_NE(error("").find("unknown target ''"), std::string::npos);
  EXPECT_NE(error("x86-64-v3,avx")
                .find("expected '+feature' or '-feature', got 'avx'"),
            std::string::npos);
  std::string unknown = error("x86-64,+avx3");
  EXPECT_NE(unknown.find("unknown feature 'avx3', known are"),
            std::string::npos);
  EXPECT_NE(unknown.find("avx512vpopcntdq"), std::string::npos);
  EXPECT_NE(error("x86-64,-sse2").find("cannot be removed"), std::string::npos);
}

TEST(Target, SplitsLists) {
  using Specs = std::vector<std::string>;
  EXPECT_EQ(Target::split("native"), Specs({"native"}));
  EXPECT_EQ(Target::split("x86-64-v3,x86-64-v4,+avx512vpopcntdq, -fma,x86-64"),
            Specs({"x86-64-v3", "x86-64-v4,+avx512vpopcntdq,-fma", "x86-64"}));
  EXPECT_EQ(Target::split("+avx"), Specs({"+avx"}));
}

TEST(Target, ReadsModuleAttribute) {
  mlir::MLIRContext context;
  mlir::OpBuilder builder(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(builder, builder.getUnknownLoc());
  EXPECT_FALSE(Target::get(*module).has("avx"));
  (*module)->setAttr(Target::kAttrName, builder.getStringAttr("x86-64-v3"));
  EXPECT_TRUE(Target::get(*module).has("avx2"));
}
