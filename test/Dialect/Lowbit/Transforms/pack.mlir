// RUN: lowbit-opt %s --lowbit-pack --canonicalize --split-input-file | FileCheck %s
// RUN: lowbit-opt %s --lowbit-pack=kernel=generic-popcount --canonicalize --split-input-file | FileCheck %s --check-prefix=FORCED

// A quantizer in front of a linear layer packs rows, the weight becomes panels.

module attributes {lowbit.target = "x86-64-v3"} {
// CHECK-LABEL: func @linear
// CHECK-SAME: (%[[X:.*]]: tensor<?x96xf32>, %[[SHIFT:.*]]: tensor<96xf32>
// CHECK-DAG: %[[W:.*]] = arith.constant dense_resource<{{.*}}> : tensor<1x3x8xi64>
// CHECK-DAG: %[[A:.*]] = lowbit.quantize_pack ins(%[[X]], shift %[[SHIFT]] : {{.*}}) outs({{.*}} : tensor<?x5xi64>) {packing = #lowbit.packing<<-1, 0, 1>, rows>, rounding = #lowbit.rounding<sign>}
// CHECK: lowbit.packed_matmul ins(%[[A]], %[[W]] : tensor<?x5xi64>, tensor<1x3x8xi64>)
// CHECK-SAME: columns = 4 : i64, kernel = "x86-avx2-popcount"
// CHECK-SAME: rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, size = 96 : i64
// CHECK: lowbit.yield %{{.*}} : i32
// FORCED-LABEL: func @linear
// FORCED: kernel = "generic-popcount"
// FORCED-SAME: lanes = 8
func.func @linear(%x: tensor<?x96xf32>, %shift: tensor<96xf32>, %e: tensor<?x96x!lowbit.levels<-1, 0, 1>>, %i: tensor<?x4xi32>) -> tensor<?x4xi32> {
  %w = lowbit.constant dense<1> : tensor<4x96xi8> -> tensor<4x96x!lowbit.levels<-1, 1>>
  %q = lowbit.quantize ins(%x, shift %shift : tensor<?x96xf32>, tensor<96xf32>)
         outs(%e : tensor<?x96x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<?x96x!lowbit.levels<-1, 0, 1>>
  %c = lowbit.matmul ins(%q, %w : tensor<?x96x!lowbit.levels<-1, 0, 1>>, tensor<4x96x!lowbit.levels<-1, 1>>)
         outs(%i : tensor<?x4xi32>) {transpose_rhs} -> tensor<?x4xi32>
  return %c : tensor<?x4xi32>
}
}

// -----

// Values of attention are read through the transpose and packed along the
// sequence: no float is moved.

module attributes {lowbit.target = "x86-64-v3"} {
// CHECK-LABEL: func @values
// CHECK-SAME: (%[[P:.*]]: tensor<2x3x17x17xf32>, %[[V:.*]]: tensor<2x17x3x20xf32>
// CHECK-NOT: linalg.transpose
// CHECK: lowbit.quantize_pack ins(%[[V]] : tensor<2x17x3x20xf32>) outs({{.*}} : tensor<2x3x3x3x8xi64>)
// CHECK-SAME: packing = #lowbit.packing<<-1, 0, 1>, panels, lanes = 8>, permutation = array<i64: 0, 2, 3, 1>
// CHECK: lowbit.packed_matmul
// CHECK-SAME: columns = 20 : i64
// CHECK-SAME: size = 17 : i64
func.func @values(%p: tensor<2x3x17x17xf32>, %v: tensor<2x17x3x20xf32>, %s: tensor<f32>,
    %pe: tensor<2x3x17x17x!lowbit.levels<0, 1>>, %ve: tensor<2x17x3x20x!lowbit.levels<-1, 0, 1>>,
    %te: tensor<2x3x17x20x!lowbit.levels<-1, 0, 1>>, %i: tensor<2x3x17x20xi32>) -> tensor<2x3x17x20xi32> {
  %qp = lowbit.quantize ins(%p, scale %s : tensor<2x3x17x17xf32>, tensor<f32>)
          outs(%pe : tensor<2x3x17x17x!lowbit.levels<0, 1>>) {rounding = #lowbit.rounding<half_even>} -> tensor<2x3x17x17x!lowbit.levels<0, 1>>
  %qv = lowbit.quantize ins(%v : tensor<2x17x3x20xf32>)
          outs(%ve : tensor<2x17x3x20x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<2x17x3x20x!lowbit.levels<-1, 0, 1>>
  %t = linalg.transpose ins(%qv : tensor<2x17x3x20x!lowbit.levels<-1, 0, 1>>)
         outs(%te : tensor<2x3x17x20x!lowbit.levels<-1, 0, 1>>) permutation = [0, 2, 1, 3]
  %c = lowbit.matmul ins(%qp, %t : tensor<2x3x17x17x!lowbit.levels<0, 1>>, tensor<2x3x17x20x!lowbit.levels<-1, 0, 1>>)
         outs(%i : tensor<2x3x17x20xi32>) -> tensor<2x3x17x20xi32>
  return %c : tensor<2x3x17x20xi32>
}
}

// -----

// A reshape between quantizer and matmul moves to the float side.

module attributes {lowbit.target = "x86-64"} {
// CHECK-LABEL: func @heads
// CHECK-SAME: (%[[X:.*]]: tensor<1x5x192xf32>
// CHECK: %[[H:.*]] = tensor.expand_shape %[[X]] {{.*}} : tensor<1x5x192xf32> into tensor<1x5x3x64xf32>
// CHECK: lowbit.quantize_pack ins(%[[H]] : tensor<1x5x3x64xf32>) outs({{.*}} : tensor<1x3x5x3xi64>)
// CHECK-SAME: permutation = array<i64: 0, 2, 1, 3>
// CHECK: kernel = "generic-popcount"
func.func @heads(%x: tensor<1x5x192xf32>, %k: tensor<1x3x7x64x!lowbit.levels<-1, 1>>, %e: tensor<1x5x192x!lowbit.levels<-1, 0, 1>>,
    %te: tensor<1x3x5x64x!lowbit.levels<-1, 0, 1>>, %i: tensor<1x3x5x7xi32>) -> tensor<1x3x5x7xi32> {
  %q = lowbit.quantize ins(%x : tensor<1x5x192xf32>)
         outs(%e : tensor<1x5x192x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<1x5x192x!lowbit.levels<-1, 0, 1>>
  %h = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [1, 5, 3, 64]
         : tensor<1x5x192x!lowbit.levels<-1, 0, 1>> into tensor<1x5x3x64x!lowbit.levels<-1, 0, 1>>
  %t = linalg.transpose ins(%h : tensor<1x5x3x64x!lowbit.levels<-1, 0, 1>>)
         outs(%te : tensor<1x3x5x64x!lowbit.levels<-1, 0, 1>>) permutation = [0, 2, 1, 3]
  %c = lowbit.matmul ins(%t, %k : tensor<1x3x5x64x!lowbit.levels<-1, 0, 1>>, tensor<1x3x7x64x!lowbit.levels<-1, 1>>)
         outs(%i : tensor<1x3x5x7xi32>) {transpose_rhs} -> tensor<1x3x5x7xi32>
  return %c : tensor<1x3x5x7xi32>
}
}

// -----

// A table of signs with few zeros: eight to a byte, and where the zeros are. Those of row 2,
// whose scale is 0, need not be told.

// CHECK-LABEL: func @few_zeros
// CHECK-DAG: %[[BYTES:.*]] = arith.constant dense_resource<{{.*}}> : tensor<32x2xi8>
// CHECK-DAG: %[[ZEROS:.*]] = arith.constant dense<{{\[}}[1, 2], [1, 3]]> : tensor<2x2xi32>
// CHECK: lowbit.packed_lookup ins(%[[BYTES]], %{{.*}}, %{{.*}} : tensor<32x2xi8>, tensor<?xi64>, tensor<32xf32>) zeros(%[[ZEROS]] : tensor<2x2xi32>)
// CHECK-SAME: packing = #lowbit.packing<<-1, 1>, digits>
func.func @few_zeros(%ids: tensor<?xi64>, %e: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %s = arith.constant dense<[1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]> : tensor<32xf32>
  %t = lowbit.constant dense<"0x01FF01FF01FF01FF01FF01FF01FF01FF01FF000001FF01FF01FF01FF01FF01FF0000000000000000000000000000000001FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF"> : tensor<32x16xi8> -> tensor<32x16x!lowbit.levels<-1, 0, 1>>
  %y = lowbit.lookup ins(%t, %ids, %s : tensor<32x16x!lowbit.levels<-1, 0, 1>>, tensor<?xi64>, tensor<32xf32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// As many zeros as signs take three levels.

// CHECK-LABEL: func @many_zeros
// CHECK: lowbit.packed_lookup ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<32x1xi8>, tensor<?xi64>, tensor<f32>) outs
// CHECK-SAME: packing = #lowbit.packing<<-1, 0, 1>, digits>
func.func @many_zeros(%ids: tensor<?xi64>, %s: tensor<f32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = lowbit.constant dense<[[0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1], [0, 1, 0, -1]]> : tensor<32x4xi8> -> tensor<32x4x!lowbit.levels<-1, 0, 1>>
  %y = lowbit.lookup ins(%t, %ids, %s : tensor<32x4x!lowbit.levels<-1, 0, 1>>, tensor<?xi64>, tensor<f32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
