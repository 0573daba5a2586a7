//===- LowbitOpBase.td - What operations share -------------*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operand types, and the form of operations: every one is in destination style,
// so that tiling, fusion and bufferization treat it like a linalg operation.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPBASE
#define LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPBASE

include "lowbit/Dialect/Lowbit/IR/LowbitDialect.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

//===----------------------------------------------------------------------===//
// Operand types
//===----------------------------------------------------------------------===//

def Lowbit_LevelsTensor : RankedTensorOf<[Lowbit_LevelsType]>;
def Lowbit_FloatShaped : Type<Or<[RankedTensorOf<[F32]>.predicate, MemRefOf<[F32]>.predicate]>,
    "tensor or memref of f32", "::mlir::ShapedType">;
def Lowbit_IntShaped : Type<Or<[RankedTensorOf<[I32]>.predicate, MemRefOf<[I32]>.predicate]>,
    "tensor or memref of i32", "::mlir::ShapedType">;
def Lowbit_IndexShaped : Type<Or<[RankedTensorOf<[I32, I64]>.predicate, MemRefOf<[I32, I64]>.predicate]>,
    "tensor or memref of i32 or i64", "::mlir::ShapedType">;
def Lowbit_WordsShaped : Type<Or<[RankedTensorOf<[I64, I32, I8]>.predicate, MemRefOf<[I64, I32, I8]>.predicate]>,
    "tensor or memref of packed words", "::mlir::ShapedType">;
def Lowbit_LhsShaped : Type<Or<[Lowbit_WordsShaped.predicate, Lowbit_FloatShaped.predicate]>,
    "tensor or memref of packed words or f32", "::mlir::ShapedType">;
def Lowbit_AnyShaped : Type<Or<[AnyRankedTensor.predicate, AnyMemRef.predicate]>,
    "ranked tensor or memref", "::mlir::ShapedType">;

class Lowbit_Op<string opMnemonic, list<Trait> traits = []>
    : Op<Lowbit_Dialect, opMnemonic, traits>;

/// An operation `ins(...) outs(init)` with one result when it works on tensors
/// and none when it works on buffers.
class Lowbit_DestinationOp<string opMnemonic, list<Trait> traits = []>
    : Lowbit_Op<opMnemonic, traits # [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ConditionallySpeculatable, ["getSpeculatability"]>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let hasVerifier = 1;
  code destinationDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let extraClassDeclaration = destinationDeclaration;
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::MemoryEffects::EffectInstance> &effects) {
      ::mlir::lowbit::detail::getDestinationEffects(*this, effects);
    }
    ::mlir::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder, ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::mlir::lowbit::detail::reifyFromInit(*this, builder, shapes);
    }
    ::mlir::Speculation::Speculatability $cppClass::getSpeculatability() {
      return ::mlir::lowbit::detail::getDestinationSpeculatability(*this);
    }
  }];
}

/// The methods of `TilingInterface` that an operation implements whose loops are
/// the (parallel) dimensions of its result.
def Lowbit_Tiling : DeclareOpInterfaceMethods<TilingInterface, [
    "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
    "getResultTilePosition", "generateResultTileValue",
    "getIterationDomainTileFromResultTile"]>;

#endif // LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPBASE
