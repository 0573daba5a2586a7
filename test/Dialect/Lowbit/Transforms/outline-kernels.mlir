// RUN: lowbit-opt %s --lowbit-outline-kernels | FileCheck %s

// Two equal operations share a kernel, a third with another epsilon does not.

// CHECK-LABEL: func @main
// CHECK: call @[[K:lowbit_layer_norm]](
// CHECK: call @[[K]](
// CHECK: call @[[OTHER:lowbit_layer_norm_[0-9]+]](
// CHECK-NOT: lowbit.layer_norm
// CHECK: func private @[[K]](%[[X:.*]]: memref<?x8xf32>, %[[S:.*]]: memref<8xf32>, %[[O:.*]]: memref<?x8xf32>)
// CHECK: lowbit.layer_norm ins(%[[X]], %[[S]] : memref<?x8xf32>, memref<8xf32>) outs(%[[O]] : memref<?x8xf32>)
// CHECK: func private @[[OTHER]](
// CHECK-NOT: func
func.func @main(%x: memref<?x8xf32>, %s: memref<8xf32>, %t: memref<8xf32>, %o: memref<?x8xf32>) {
  lowbit.layer_norm ins(%x, %s : memref<?x8xf32>, memref<8xf32>) outs(%o : memref<?x8xf32>) {epsilon = 1.0e-5 : f32}
  lowbit.layer_norm ins(%o, %t : memref<?x8xf32>, memref<8xf32>) outs(%x : memref<?x8xf32>) {epsilon = 1.0e-5 : f32}
  lowbit.layer_norm ins(%x, %s : memref<?x8xf32>, memref<8xf32>) outs(%o : memref<?x8xf32>) {epsilon = 1.0e-6 : f32}
  return
}
