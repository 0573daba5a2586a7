// RUN: lowbit-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" | FileCheck %s

// The destination is written in place; what it held before is not read.

// CHECK-LABEL: func @norms
// CHECK-SAME: (%[[X:.*]]: memref<4x8xf32>, %[[S:.*]]: memref<8xf32>)
// CHECK: %[[A:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
// CHECK: lowbit.layer_norm ins(%[[X]], %[[S]] : {{.*}}) outs(%[[A]] : memref<4x8xf32>)
// CHECK-NOT: memref.copy
// CHECK: lowbit.softmax ins(%[[A]] : memref<4x8xf32>)
func.func @norms(%x: tensor<4x8xf32>, %s: tensor<8xf32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %y = lowbit.layer_norm ins(%x, %s : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {epsilon = 1.0e-5 : f32} -> tensor<4x8xf32>
  %e2 = tensor.empty() : tensor<4x8xf32>
  %z = lowbit.softmax ins(%y : tensor<4x8xf32>) outs(%e2 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %z : tensor<4x8xf32>
}
