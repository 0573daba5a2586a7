// RUN: lowbit-opt %s --pass-pipeline='builtin.module(func.func(lowbit-protect-inputs),one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map})' | FileCheck %s

// The destination is an input: the result goes to memory of its own.

// CHECK-LABEL: func @main
// CHECK-SAME: (%[[X:.*]]: memref<4x8xf32>
// CHECK: %[[A:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
// CHECK: lowbit.softmax ins(%[[X]] : memref<4x8xf32>) outs(%[[A]] : memref<4x8xf32>)
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = lowbit.softmax ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
