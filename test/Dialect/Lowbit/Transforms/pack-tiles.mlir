// RUN: lowbit-opt %s --lowbit-pack | FileCheck %s

!signs = !lowbit.levels<-1, 1>
!hexes = !lowbit.levels<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16>

// Tiles multiply constant weights. Activations of one bit keep to popcount, those
// of more are bytes in the order of tiles.
module attributes {lowbit.target = "x86-64-v4,+avx512vpopcntdq,+avx512vnni,+avx512vbmi,+amx-int8"} {
  // CHECK-LABEL: func @tiles
  // CHECK: lowbit.packed_matmul {{.*}}kernel = "x86-amx-bits"
  // CHECK: lowbit.packed_matmul {{.*}}kernel = "x86-amx-bytes"
  // CHECK: lowbit.packed_matmul {{.*}}kernel = "x86-avx512-vpopcntd"
  // CHECK: lowbit.packed_matmul {{.*}}kernel = "x86-amx-bytes"{{.*}}quads, lanes = 32, bits = 8>
  func.func @tiles(%a: tensor<4x96x!signs>, %c: tensor<4x96x!hexes>, %b: tensor<64x96x!signs>, %d: tensor<64x96x!hexes>) -> (tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi32>) {
    %w = lowbit.constant dense<1> : tensor<64x96xi8> -> tensor<64x96x!signs>
    %i = tensor.empty() : tensor<4x64xi32>
    %0 = lowbit.matmul ins(%a, %w : tensor<4x96x!signs>, tensor<64x96x!signs>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    %1 = lowbit.matmul ins(%c, %w : tensor<4x96x!hexes>, tensor<64x96x!signs>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    %2 = lowbit.matmul ins(%a, %b : tensor<4x96x!signs>, tensor<64x96x!signs>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    %3 = lowbit.matmul ins(%c, %d : tensor<4x96x!hexes>, tensor<64x96x!hexes>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    return %0, %1, %2, %3 : tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi32>
  }
}
