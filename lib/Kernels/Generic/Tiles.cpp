//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Tiles.h.
//
//===----------------------------------------------------------------------===//

#include "Tiles.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::lowbit;

void Tiles::configure(Operation *op) {
  constexpr llvm::StringLiteral kName = "lowbit_tile_configuration";
  auto type = MemRefType::get({64}, e.b.getI8Type());
  auto module = op->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(kName)) {
    std::vector<int8_t> bytes(64, 0);
    bytes[0] = 1; // The palette.
    for (int64_t tile = 0; tile < 8; ++tile) {
      bytes[16 + 2 * tile] = kTileStep;
      bytes[48 + tile] = kTileRows;
    }
    OpBuilder atModule = OpBuilder::atBlockBegin(module.getBody());
    memref::GlobalOp::create(
        atModule, e.loc, kName, atModule.getStringAttr("private"), type,
        DenseElementsAttr::get(RankedTensorType::get({64}, e.b.getI8Type()),
                               ArrayRef<int8_t>(bytes)),
        /*constant=*/true, atModule.getI64IntegerAttr(64));
  }
  Value configuration = memref::GetGlobalOp::create(e.b, e.loc, type, kName);
  call("llvm.x86.ldtilecfg", e.pointer(configuration, e.index(0)));
}

void Tiles::release() { call("llvm.x86.tilerelease", {}); }

void Tiles::zero(int64_t tile) { call("llvm.x86.tilezero", number(tile)); }

void Tiles::load(int64_t tile, Value address, Value stride) {
  call("llvm.x86.tileloadd64", {number(tile), address, stride});
}

void Tiles::loadStreaming(int64_t tile, Value address, Value stride) {
  call("llvm.x86.tileloaddt164", {number(tile), address, stride});
}

void Tiles::store(int64_t tile, Value address, Value stride) {
  call("llvm.x86.tilestored64", {number(tile), address, stride});
}

void Tiles::multiplyAdd(int64_t sums, int64_t left, int64_t right) {
  call("llvm.x86.tdpbusd", {number(sums), number(left), number(right)});
}

Value Tiles::number(int64_t tile) {
  return LLVM::ConstantOp::create(e.b, e.loc, e.b.getI8Type(), tile);
}

void Tiles::call(StringRef name, ValueRange arguments) {
  LLVM::CallIntrinsicOp::create(e.b, e.loc, e.b.getStringAttr(name), arguments);
}
