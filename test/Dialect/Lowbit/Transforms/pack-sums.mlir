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

// -----

!bits = !lowbit.levels<0, 1, 2>
!ternary = !lowbit.levels<-1, 0, 1>

// The correction of an offset reads what packing sums up anyway, from the last word of a panel:
// K levels from -1 on.
module attributes {lowbit.target = "x86-64-v4,+avx512vpopcntdq"} {
  // CHECK-LABEL: func @level_sum
  // CHECK: %[[P:.*]] = lowbit.quantize_pack {{.*}}dwords, lanes = 64>
  // CHECK: lowbit.packed_matmul ins(%{{.*}}, %[[P]] :
  // CHECK-NOT: lowbit.level_sum
  // CHECK: %[[LAST:.*]] = tensor.extract_slice %[[P]][0, 0, 6, 0] [2, 1, 1, 64]
  // CHECK: linalg.generic {{.*}}ins(%[[LAST]] : tensor<2x1x64xi32>)
  // CHECK: arith.muli %{{.*}}, %c1_i32
  // CHECK: arith.addi
  // CHECK: tensor.collapse_shape {{.*}} into tensor<2x64xi32>
  // CHECK: tensor.extract_slice {{.*}}[0, 0] [2, 48] [1, 1]
  func.func @level_sum(%p: tensor<2x4x96x!bits>, %x: tensor<2x96x48xf32>, %s: tensor<f32>, %i: tensor<2x4x48xi32>,
                       %e: tensor<2x48xi32>) -> (tensor<2x4x48xi32>, tensor<2x48xi32>) {
    %l = tensor.empty() : tensor<2x96x48x!ternary>
    %v = lowbit.quantize ins(%x, scale %s : tensor<2x96x48xf32>, tensor<f32>) outs(%l : tensor<2x96x48x!ternary>) {rounding = #lowbit.rounding<half_even>} -> tensor<2x96x48x!ternary>
    %0 = lowbit.matmul ins(%p, %v : tensor<2x4x96x!bits>, tensor<2x96x48x!ternary>) outs(%i : tensor<2x4x48xi32>) -> tensor<2x4x48xi32>
    %1 = lowbit.level_sum ins(%v : tensor<2x96x48x!ternary>) outs(%e : tensor<2x48xi32>) {axis = 1 : i64} -> tensor<2x48xi32>
    return %0, %1 : tensor<2x4x48xi32>, tensor<2x48xi32>
  }

  // Sums along the other dimension are not there.
  // CHECK-LABEL: func @other_axis
  // CHECK: lowbit.level_sum
  func.func @other_axis(%p: tensor<2x4x96x!bits>, %x: tensor<2x96x48xf32>, %s: tensor<f32>, %i: tensor<2x4x48xi32>,
                        %e: tensor<2x96xi32>) -> (tensor<2x4x48xi32>, tensor<2x96xi32>) {
    %l = tensor.empty() : tensor<2x96x48x!ternary>
    %v = lowbit.quantize ins(%x, scale %s : tensor<2x96x48xf32>, tensor<f32>) outs(%l : tensor<2x96x48x!ternary>) {rounding = #lowbit.rounding<half_even>} -> tensor<2x96x48x!ternary>
    %0 = lowbit.matmul ins(%p, %v : tensor<2x4x96x!bits>, tensor<2x96x48x!ternary>) outs(%i : tensor<2x4x48xi32>) -> tensor<2x4x48xi32>
    %1 = lowbit.level_sum ins(%v : tensor<2x96x48x!ternary>) outs(%e : tensor<2x96xi32>) {axis = 2 : i64} -> tensor<2x96xi32>
    return %0, %1 : tensor<2x4x48xi32>, tensor<2x96xi32>
  }
}
