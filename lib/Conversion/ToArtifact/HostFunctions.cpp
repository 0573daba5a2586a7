//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See HostFunctions.h. Calls form no cycles: compiled models do not recurse.
//
//===----------------------------------------------------------------------===//

#include "HostFunctions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::lowbit;

Value mlir::lowbit::getBufferRoot(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>()) {
    if (isa<memref::ViewOp>(view))
      break;
    memref = view.getViewSource();
  }
  return memref;
}

SmallVector<bool> mlir::lowbit::findDistinctBuffers(ValueRange values,
                                                    bool argumentsDistinct) {
  SmallVector<Value> roots;
  bool known = true;
  for (Value value : values) {
    Value root;
    if (isa<MemRefType>(value.getType())) {
      root = getBufferRoot(value);
      known &=
          isa_and_present<memref::ViewOp, memref::GetGlobalOp, memref::AllocaOp,
                          UnrealizedConversionCastOp>(root.getDefiningOp()) ||
          (isa<BlockArgument>(root) && argumentsDistinct &&
           root.getParentBlock()->isEntryBlock() &&
           isa<FunctionOpInterface>(root.getParentBlock()->getParentOp()));
    }
    roots.push_back(root);
  }
  SmallVector<bool> distinct;
  for (Value root : roots)
    distinct.push_back(known && root && llvm::count(roots, root) == 1);
  return distinct;
}

/// Whether all buffers of a call are known to lie apart.
static bool hasDistinctBuffers(func::CallOp call) {
  SmallVector<bool> distinct =
      findDistinctBuffers(call.getOperands(), /*argumentsDistinct=*/false);
  for (auto [operand, alone] : llvm::zip_equal(call.getOperands(), distinct))
    if (isa<BaseMemRefType>(operand.getType()) && !alone)
      return false;
  return true;
}

SmallVector<HostFunction> mlir::lowbit::passHost(ModuleOp module,
                                                 LLVM::LLVMFuncOp entry) {
  llvm::StringMap<SmallVector<func::CallOp>> calls;
  module.walk(
      [&](func::CallOp call) { calls[call.getCallee()].push_back(call); });

  // Functions with parallel loops, then their callers.
  SetVector<Operation *> functions;
  module.walk([&](scf::ParallelOp loop) {
    if (loop.getNumResults() == 0)
      if (auto parent = loop->getParentOfType<func::FuncOp>())
        functions.insert(parent);
  });
  for (unsigned i = 0; i < functions.size(); ++i)
    for (func::CallOp call :
         calls.lookup(cast<func::FuncOp>(functions[i]).getName()))
      if (auto caller = call->getParentOfType<func::FuncOp>())
        functions.insert(caller);

  SmallVector<HostFunction> result = {{entry, true}};
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  for (Operation *op : functions) {
    auto function = cast<func::FuncOp>(op);
    HostFunction entryPoint{function, true};
    for (func::CallOp call : calls.lookup(function.getName()))
      entryPoint.distinctArguments &= hasDistinctBuffers(call);
    for (unsigned i = 0; i < 2; ++i)
      (void)function.insertArgument(0, pointer, {}, function.getLoc());
    result.push_back(entryPoint);
  }
  for (HostFunction &callee : llvm::drop_begin(result))
    for (func::CallOp call : calls.lookup(callee.function.getName())) {
      auto caller = call->getParentOfType<FunctionOpInterface>();
      call->insertOperands(0, {caller.getArgument(0), caller.getArgument(1)});
    }
  return result;
}
