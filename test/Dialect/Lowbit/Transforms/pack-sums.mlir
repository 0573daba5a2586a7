// RUN: lowbit-opt %s --lowbit-pack --split-input-file | FileCheck %s

!signs = !lowbit.levels<-1, 1>
!ternary = !lowbit.levels<-1, 0, 1>
!hexes = !lowbit.levels<-2, -1, 0, 1>

// Constant weights have sums of codes only where the kernel reads them, which depends on the
// levels of both sides; what is made at run time always has them.
module attributes {lowbit.target = "x86-64-v4,+avx512vpopcntdq"} {
  // CHECK-LABEL: func @sums
  // CHECK: lowbit.packed_matmul {{.*}}tensor<1x3x64xi32>{{.*}}kernel = "x86-avx512-vpopcntd"{{.*}}dwords, lanes = 64, sums = false>
  // CHECK: lowbit.packed_matmul {{.*}}tensor<1x3x64xi32>{{.*}}dwords, lanes = 64, sums = false>
  // CHECK: lowbit.packed_matmul {{.*}}tensor<1x4x64xi32>{{.*}}dwords, lanes = 64>
  // CHECK: lowbit.packed_matmul {{.*}}tensor<1x4x64xi32>{{.*}}dwords, lanes = 64>
  func.func @sums(%s: tensor<4x96x!signs>, %t: tensor<4x96x!ternary>, %h: tensor<4x96x!hexes>, %b: tensor<64x96x!signs>,
                  %i: tensor<4x64xi32>) -> (tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi32>) {
    %w = lowbit.constant dense<1> : tensor<64x96xi8> -> tensor<64x96x!signs>
    %0 = lowbit.matmul ins(%s, %w : tensor<4x96x!signs>, tensor<64x96x!signs>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    %1 = lowbit.matmul ins(%t, %w : tensor<4x96x!ternary>, tensor<64x96x!signs>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    %2 = lowbit.matmul ins(%h, %w : tensor<4x96x!hexes>, tensor<64x96x!signs>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    %3 = lowbit.matmul ins(%s, %b : tensor<4x96x!signs>, tensor<64x96x!signs>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    return %0, %1, %2, %3 : tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi32>
  }
}

// -----

!signs = !lowbit.levels<-1, 1>

// Tiles multiply codes.
module attributes {lowbit.target = "x86-64-v4,+avx512vpopcntdq,+avx512vnni,+avx512vbmi,+amx-int8"} {
  // CHECK-LABEL: func @tiles
  // CHECK: lowbit.packed_matmul {{.*}}kernel = "x86-amx-bits"{{.*}}dwords, lanes = 64>
  func.func @tiles(%s: tensor<4x96x!signs>, %i: tensor<4x64xi32>) -> tensor<4x64xi32> {
    %w = lowbit.constant dense<1> : tensor<64x96xi8> -> tensor<64x96x!signs>
    %0 = lowbit.matmul ins(%s, %w : tensor<4x96x!signs>, tensor<64x96x!signs>) outs(%i : tensor<4x64xi32>) {transpose_rhs} -> tensor<4x64xi32>
    return %0 : tensor<4x64xi32>
  }
}
