// RUN: lowbit-opt %s --convert-to-lowbit-entry --split-input-file --allow-unregistered-dialect | FileCheck %s

// CHECK-DAG:   llvm.mlir.global internal constant @[[TEXT:.*]]("too short\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("tokens\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("scores\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("batch\00")
// CHECK-LABEL: llvm.func internal @lowbit_entry
// CHECK-SAME:    (%[[HOST:.*]]: !llvm.ptr, %[[CALL:.*]]: !llvm.ptr, %[[IN:.*]]: !llvm.ptr) -> i32
// CHECK:         %[[DATA:.*]] = llvm.load
// CHECK:         %[[DIMS:.*]] = llvm.load
// CHECK:         %[[X:.*]] = builtin.unrealized_conversion_cast {{.*}} to memref<?x4xf32>
// CHECK:         llvm.cond_br %{{.*}}, ^[[OK:.*]], ^[[FAIL:.*]]
// CHECK:       ^[[OK]]:
// The workspace, then the output; null ends the run.
// CHECK:         llvm.call %{{.*}}(%[[CALL]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, i64) -> !llvm.ptr
// CHECK:         llvm.cond_br %{{.*}}, ^{{.*}}, ^[[EXIT:.*]]
// CHECK:         llvm.call %{{.*}}(%[[CALL]], %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr) -> !llvm.ptr
// CHECK:         llvm.cond_br %{{.*}}, ^{{.*}}, ^[[EXIT]]
// CHECK:         "test.use"(%[[X]]
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         llvm.return %[[ZERO]]
// CHECK:       ^[[FAIL]]:
// CHECK:         llvm.mlir.addressof @[[TEXT]] :
// CHECK:         llvm.br ^[[EXIT]]
// CHECK:       ^[[EXIT]]:
// CHECK:         %[[ONE:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         llvm.return %[[ONE]]

// One symbolic dimension on both sides, -2 - 0; one that is fixed.
// CHECK:       llvm.mlir.global internal constant @lowbit_inputs_dims_0() {{.*}}: !llvm.array<2 x i64> {
// CHECK:         llvm.mlir.constant(-2 : i64)
// CHECK:         llvm.mlir.constant(4 : i64)
// CHECK:       llvm.mlir.global internal constant @lowbit_outputs_dims_0
// CHECK:         llvm.mlir.constant(-2 : i64)
// CHECK:       llvm.mlir.global external constant @lowbit_artifact()
// CHECK:         llvm.mlir.addressof @lowbit_entry
func.func @main(%x: memref<?x4xf32> {onnx.name = "tokens", onnx.dims = ["batch", ""]})
    -> (memref<?xf32> {onnx.name = "scores", onnx.dims = ["batch"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %long = arith.cmpi ugt, %n, %c1 : index
  cf.assert %long, "too short"
  %w = memref.alloc(%n) {lowbit.workspace} : memref<?xi8>
  %o = memref.alloc(%n) {lowbit.output = 0 : i32} : memref<?xf32>
  "test.use"(%x, %w, %o) : (memref<?x4xf32>, memref<?xi8>, memref<?xf32>) -> ()
  return %o : memref<?xf32>
}

// -----

// What the code needs of the CPU, and the report.
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("popcnt\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("x86-64-v2\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("{\22matmuls\22:[]}\00")
// CHECK:       llvm.mlir.global internal constant @lowbit_features() {{.*}}: !llvm.array<7 x ptr>
module attributes {lowbit.target = "x86-64-v2", lowbit.report = "{\22matmuls\22:[]}"} {
  func.func @main() {
    return
  }
}
