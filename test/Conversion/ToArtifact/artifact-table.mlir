// RUN: lowbit-opt %s --convert-to-lowbit-entry --lowbit-emit-artifact-table --split-input-file | FileCheck %s

// What the code needs of the CPU, and the report.
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("popcnt\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("x86-64-v2\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("{\22matmuls\22:[]}\00")
// CHECK-DAG:   llvm.mlir.global internal constant @[[NAME:.*]]("main\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("tokens\00")
// CHECK-DAG:   llvm.mlir.global internal constant @{{.*}}("batch\00")
// The attributes of the entry have done their work.
// CHECK:       llvm.func internal @lowbit_entry
// CHECK-NOT:   lowbit.signature
// CHECK:       llvm.mlir.global internal constant @lowbit_features() {{.*}}: !llvm.array<7 x ptr>
// CHECK:       llvm.mlir.global internal constant @lowbit_entry_0_inputs_dims_0() {{.*}}: !llvm.array<2 x i64> {
// CHECK:         llvm.mlir.constant(-2 : i64)
// CHECK:         llvm.mlir.constant(4 : i64)
// No slots.
// CHECK:       llvm.mlir.global internal constant @lowbit_entry_0_input_slots() {{.*}}: !llvm.array<1 x i32> {
// CHECK:         llvm.mlir.constant(-1 : i32)
// CHECK:       llvm.mlir.global internal constant @lowbit_entries()
// CHECK:         llvm.mlir.addressof @[[NAME]]
// CHECK:         llvm.mlir.addressof @lowbit_entry
// CHECK:       llvm.mlir.global external constant @lowbit_artifact()
// CHECK:         llvm.mlir.addressof @lowbit_entries
module attributes {lowbit.target = "x86-64-v2", lowbit.report = "{\22matmuls\22:[]}"} {
  func.func @main(%x: memref<?x4xf32> {onnx.name = "tokens", onnx.dims = ["batch", ""]}) {
    return
  }
}

// -----

// The cache of a step and a declared pair: two slots, crosswise.
// CHECK:       llvm.mlir.global internal constant @lowbit_entry_0_input_slots() {{.*}}: !llvm.array<3 x i32> {
// CHECK:         %[[NONE:.*]] = llvm.mlir.constant(-1 : i32)
// CHECK:         %[[ONE:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:       llvm.mlir.global internal constant @lowbit_entry_0_output_slots() {{.*}}: !llvm.array<2 x i32> {
// CHECK:         llvm.mlir.constant(0 : i32)
// CHECK:         llvm.mlir.constant(1 : i32)
// CHECK:       llvm.mlir.global internal constant @lowbit_slots() {{.*}}: !llvm.array<2 x ptr>
module attributes {lowbit.states = [["memory", "next"]]} {
  func.func @main(%x: memref<1xf32> {onnx.name = "x"}, %m: memref<4xf32> {onnx.name = "memory"},
                  %p: memref<?xf32> {onnx.name = "past_k", onnx.dims = ["p"]})
      -> (memref<?xf32> {onnx.name = "present_k", onnx.dims = ["p1"]}, memref<4xf32> {onnx.name = "next"}) {
    %c4 = arith.constant 4 : index
    %a = memref.alloc(%c4) {lowbit.output = 0 : i32} : memref<?xf32>
    %b = memref.alloc() {lowbit.output = 1 : i32} : memref<4xf32>
    return %a, %b : memref<?xf32>, memref<4xf32>
  }
}
