// RUN: lowbit-opt %s --convert-to-lowbit-entry --split-input-file --allow-unregistered-dialect | FileCheck %s

// CHECK:       llvm.mlir.global internal constant @[[TEXT:.*]]("too short\00")
// CHECK-LABEL: llvm.func internal @lowbit_entry
// CHECK-SAME:    (%[[HOST:.*]]: !llvm.ptr, %[[CALL:.*]]: !llvm.ptr, %[[IN:.*]]: !llvm.ptr) -> i32
// One symbolic dimension on both sides, -2 - 0; one that is fixed.
// CHECK-SAME:    lowbit.entry = "main"
// CHECK-SAME:    inputs = [{dims = array<i64: -2, 4>, dtype = 6 : i32, name = "tokens"}]
// CHECK-SAME:    outputs = [{dims = array<i64: -2>, dtype = 6 : i32, name = "scores"}]
// CHECK-SAME:    symbols = ["batch"]
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

// The module's name is that of the entry.
// CHECK-LABEL: llvm.func internal @lowbit_entry
// CHECK-SAME: lowbit.entry = "encoder"
module @encoder {
  func.func @main() {
    return
  }
}

// -----

// Storage that holds an input and has room behind it comes from the host, along
// with its capacity; the input's other extents are its own.
// CHECK-LABEL: llvm.func internal @lowbit_entry
// CHECK-SAME:    appends = array<i32: 0>
// CHECK:         %[[ROOM:.*]] = llvm.alloca
// CHECK:         %[[DATA:.*]] = llvm.call %{{.*}}(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[ROOM]]) : !llvm.ptr, (!llvm.ptr, i32, i32, i64, !llvm.ptr) -> !llvm.ptr
// CHECK:         llvm.load %[[ROOM]]
// CHECK:         %[[VALID:.*]] = llvm.icmp "ne" %[[DATA]]
// CHECK:         %[[STORAGE:.*]] = builtin.unrealized_conversion_cast {{.*}} to memref<?x?x4xf32>
// CHECK:         llvm.cond_br %[[VALID]]
// CHECK:         "test.use"(%[[STORAGE]])
func.func @main(%past: memref<?x?x4xf32>) -> memref<?x?x4xf32> {
  %rows = arith.constant 1 : index
  %storage = builtin.unrealized_conversion_cast %rows : index to memref<?x?x4xf32> {lowbit.append = array<i64: 0, 0, 1>}
  "test.use"(%storage) : (memref<?x?x4xf32>) -> ()
  return %storage : memref<?x?x4xf32>
}
