//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// convert-to-lowbit-entry. The body of @main keeps its memrefs: they are built
// from descriptors through unrealized casts, which the lowering to the LLVM
// dialect resolves.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "Descriptors.h"
#include "Markers.h"
#include "Signature.h"
#include "StringPool.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_CONVERTTOLOWBITENTRY
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {
/// Builds the body of the entry.
class EntryBuilder {
public:
  EntryBuilder(ModuleOp module, func::FuncOp main, StringPool &strings)
      : main(main), strings(strings), builder(module.getContext()),
        loc(main.getLoc()), descriptors(module.getContext()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())) {}

  LLVM::LLVMFuncOp build() {
    builder.setInsertionPoint(main);
    auto type = LLVM::LLVMFunctionType::get(builder.getI32Type(),
                                            {pointer, pointer, pointer});
    entry = LLVM::LLVMFuncOp::create(builder, loc, kEntryName, type,
                                     LLVM::Linkage::Internal);
    Block *first = entry.addEntryBlock(builder);
    host = first->getArgument(0);
    call = first->getArgument(1);

    builder.setInsertionPointToStart(first);
    SmallVector<Value> inputs;
    inputArray = first->getArgument(2);
    for (auto [i, argument] : llvm::enumerate(main.getArguments()))
      inputs.push_back(
          makeInput(inputArray, i, cast<MemRefType>(argument.getType())));
    Block *body = &main.getBody().front();
    for (auto [argument, input] : llvm::zip_equal(body->getArguments(), inputs))
      argument.replaceAllUsesWith(input);
    first->getOperations().splice(first->end(), body->getOperations());

    exit = builder.createBlock(&entry.getBody(), entry.getBody().end());
    LLVM::ReturnOp::create(builder, loc, constant(builder.getI32Type(), 1));
    convertBody(first);
    main.erase();
    return entry;
  }

private:
  Value constant(Type type, int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, type, value);
  }

  /// Field `field` of row `row` in an array of structures of pointers.
  Value loadPointer(Value base, unsigned fields, unsigned row, unsigned field) {
    Value address = LLVM::GEPOp::create(
        builder, loc, pointer, pointer, base,
        ArrayRef<LLVM::GEPArg>(static_cast<int32_t>(row * fields + field)));
    return LLVM::LoadOp::create(builder, loc, pointer, address);
  }

  Value makeInput(Value inputs, unsigned index, MemRefType type) {
    Value data = loadPointer(inputs, 2, index, 0);
    Value dims;
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i))
        continue;
      if (!dims)
        dims = loadPointer(inputs, 2, index, 1);
      Value address =
          LLVM::GEPOp::create(builder, loc, pointer, builder.getI64Type(), dims,
                              ArrayRef<LLVM::GEPArg>(static_cast<int32_t>(i)));
      sizes.push_back(
          LLVM::LoadOp::create(builder, loc, builder.getI64Type(), address));
    }
    return descriptors.makeContiguous(builder, loc, type, data, sizes);
  }

  /// Replaces everything at the top level that needs the host. Splits blocks,
  /// so the operations are collected first.
  void convertBody(Block *first) {
    SmallVector<Operation *> ops;
    for (Operation &op : *first)
      if (isa<cf::AssertOp, func::ReturnOp>(op) ||
          (isa<memref::AllocOp>(op) &&
           (op.hasAttr(kWorkspaceMarker) || op.hasAttr(kOutputMarker))) ||
          (isa<UnrealizedConversionCastOp>(op) && op.hasAttr(kAppendAttr)))
        ops.push_back(&op);
    for (Operation *op : ops) {
      builder.setInsertionPoint(op);
      loc = op->getLoc();
      if (auto check = dyn_cast<cf::AssertOp>(op))
        convertAssert(check);
      else if (auto alloc = dyn_cast<memref::AllocOp>(op))
        convertAlloc(alloc);
      else if (auto storage = dyn_cast<UnrealizedConversionCastOp>(op))
        convertAppend(storage);
      else
        LLVM::ReturnOp::create(builder, loc, constant(builder.getI32Type(), 0));
      op->erase();
    }
  }

  /// Calls function `field` of the host.
  Value callHost(unsigned field, Type result, ValueRange operands) {
    Value function = loadPointer(host, 5, 0, field);
    SmallVector<Type> types(operands.getTypes());
    auto type = LLVM::LLVMFunctionType::get(
        result ? result : LLVM::LLVMVoidType::get(builder.getContext()), types);
    SmallVector<Value> arguments = {function};
    llvm::append_range(arguments, operands);
    auto op = LLVM::CallOp::create(builder, loc, type, arguments);
    return result ? op.getResult() : Value();
  }

  void convertAssert(cf::AssertOp check) {
    Block *failed = builder.createBlock(exit);
    Value text =
        LLVM::AddressOfOp::create(builder, loc, strings.get(check.getMsg()));
    callHost(3, Type(), {call, text});
    LLVM::BrOp::create(builder, loc, ValueRange(), exit);
    branchUnless(check, check.getArg(), failed);
  }

  void convertAlloc(memref::AllocOp alloc) {
    MemRefType type = alloc.getType();
    Type i64 = builder.getI64Type();
    SmallVector<Value> sizes;
    for (Value size : alloc.getDynamicSizes())
      sizes.push_back(arith::IndexCastOp::create(builder, loc, i64, size));
    Value data;
    if (auto output = alloc->getAttrOfType<IntegerAttr>(kOutputMarker)) {
      Value index = constant(builder.getI32Type(), output.getInt());
      data = callHost(1, pointer, {call, index, storeDims(type, sizes)});
    } else {
      Value bytes =
          sizes.empty() ? constant(i64, type.getNumElements()) : sizes.front();
      data = callHost(0, pointer, {call, bytes});
    }
    Value null = LLVM::ZeroOp::create(builder, loc, pointer);
    Value valid =
        LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, data, null);
    Value buffer = descriptors.makeContiguous(builder, loc, type, data, sizes);
    alloc.replaceAllUsesWith(buffer);
    branchUnless(alloc, valid, exit);
  }

  /// Storage with the extents of an input, and its capacity along the axis.
  void convertAppend(UnrealizedConversionCastOp storage) {
    auto append = storage->getAttrOfType<DenseI64ArrayAttr>(kAppendAttr);
    auto type = cast<MemRefType>(storage.getResult(0).getType());
    Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
    Value rows =
        arith::IndexCastOp::create(builder, loc, i64, storage.getOperand(0));
    Value room;
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&entry.getBody().front());
      room =
          LLVM::AllocaOp::create(builder, loc, pointer, i64, constant(i64, 1));
    }
    Value data = callHost(
        4, pointer,
        {call, constant(i32, append[0]), constant(i32, append[2]), rows, room});
    Value dims = loadPointer(inputArray, 2, append[0], 1);
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i))
        continue;
      Value address = room;
      if (i != append[2])
        address = LLVM::GEPOp::create(
            builder, loc, pointer, i64, dims,
            ArrayRef<LLVM::GEPArg>(static_cast<int32_t>(i)));
      sizes.push_back(LLVM::LoadOp::create(builder, loc, i64, address));
    }
    Value null = LLVM::ZeroOp::create(builder, loc, pointer);
    Value valid =
        LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, data, null);
    Value buffer = descriptors.makeContiguous(builder, loc, type, data, sizes);
    storage.getResult(0).replaceAllUsesWith(buffer);
    branchUnless(storage, valid, exit);
  }

  /// The dimensions of an output in memory.
  Value storeDims(MemRefType type, ValueRange sizes) {
    if (type.getRank() == 0)
      return LLVM::ZeroOp::create(builder, loc, pointer);
    Type i64 = builder.getI64Type();
    Value dims;
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&entry.getBody().front());
      dims = LLVM::AllocaOp::create(builder, loc, pointer, i64,
                                    constant(i64, type.getRank()));
    }
    unsigned dynamic = 0;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      Value size = type.isDynamicDim(i) ? sizes[dynamic++]
                                        : constant(i64, type.getDimSize(i));
      Value address =
          LLVM::GEPOp::create(builder, loc, pointer, i64, dims,
                              ArrayRef<LLVM::GEPArg>(static_cast<int32_t>(i)));
      LLVM::StoreOp::create(builder, loc, size, address);
    }
    return dims;
  }

  /// Splits the block at `op`: on to the rest when `condition`, else to
  /// `otherwise`.
  void branchUnless(Operation *op, Value condition, Block *otherwise) {
    Block *block = op->getBlock();
    Block *rest = block->splitBlock(op);
    builder.setInsertionPointToEnd(block);
    LLVM::CondBrOp::create(builder, loc, condition, rest, otherwise);
    builder.setInsertionPoint(op);
  }

  func::FuncOp main;
  StringPool &strings;
  OpBuilder builder;
  Location loc;
  Descriptors descriptors;
  LLVM::LLVMPointerType pointer;
  LLVM::LLVMFuncOp entry;
  Value host, call, inputArray;
  Block *exit = nullptr;
};

struct ConvertToEntry
    : mlir::lowbit::impl::ConvertToLowbitEntryBase<ConvertToEntry> {
  using ConvertToLowbitEntryBase::ConvertToLowbitEntryBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      module.emitError("expected a function @main with one block");
      return signalPassFailure();
    }
    if (failed(checkPlanned(main)))
      return signalPassFailure();
    FailureOr<Signature> signature = readSignature(main);
    if (failed(signature))
      return signalPassFailure();
    StringPool strings(module, "lowbit_message");
    LLVM::LLVMFuncOp entry = EntryBuilder(module, main, strings).build();
    markEntry(entry, module.getSymName().value_or(name), *signature);
  }

  /// Refuses what the entry cannot do: allocate, or fail inside a loop.
  static LogicalResult checkPlanned(func::FuncOp main) {
    unsigned outputs = 0;
    for (auto cast : main.getOps<UnrealizedConversionCastOp>())
      outputs += cast->hasAttr(kAppendAttr);
    WalkResult result = main.walk([&](Operation *op) {
      if (isa<cf::AssertOp>(op) && op->getParentOp() != main) {
        op->emitOpError("expected at the top level of @main, got one inside '")
            << op->getParentOp()->getName() << "'";
        return WalkResult::interrupt();
      }
      if (isa<memref::AllocOp>(op)) {
        outputs += op->hasAttr(kOutputMarker);
        if (op->getParentOp() != main ||
            !(op->hasAttr(kOutputMarker) || op->hasAttr(kWorkspaceMarker))) {
          op->emitOpError("expected lowbit-plan-arena to have placed it");
          return WalkResult::interrupt();
        }
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
    if (outputs != main.getNumResults())
      return main.emitOpError("expected ")
             << main.getNumResults() << " allocations marked '" << kOutputMarker
             << "', got " << outputs;
    return success();
  }
};
} // namespace
