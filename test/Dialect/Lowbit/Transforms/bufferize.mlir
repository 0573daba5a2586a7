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

// A kernel in tiles gets room for its left side as bytes: whole blocks of 32
// rows, 256 at most, of 128 bytes each.

// CHECK-LABEL: func @tiles
// CHECK-SAME: (%[[A:.*]]: memref<?x3xi64>
// CHECK: %[[ROWS:.*]] = memref.dim %[[A]]
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %{{.*}} : index
// CHECK: %[[SOME:.*]] = arith.minui
// CHECK: %[[SIZE:.*]] = arith.muli %[[SOME]], %{{.*}} : index
// CHECK: %[[SCRATCH:.*]] = memref.alloc(%[[SIZE]]) {alignment = 64 : i64} : memref<?xi8>
// CHECK: lowbit.packed_matmul {{.*}} scratch(%[[SCRATCH]] : memref<?xi8>)
func.func @tiles(%a: tensor<?x3xi64>, %w: tensor<1x4x64xi32>, %e: tensor<?x64xi32>) -> tensor<?x64xi32> {
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<?x3xi64>, tensor<1x4x64xi32>) outs(%e : tensor<?x64xi32>)
    attributes {kernel = "x86-amx-bits", size = 96 : i64, columns = 64 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, dwords, lanes = 64>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  } -> tensor<?x64xi32>
  return %0 : tensor<?x64xi32>
}
