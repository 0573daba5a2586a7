// RUN: lowbit-opt %s --lowbit-fuse-quantizers --canonicalize --split-input-file | FileCheck %s

#rows = #lowbit.packing<<-1, 0, 1>, rows>
#panels = #lowbit.packing<<-1, 0, 1>, panels, lanes = 8>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// The quantizer of the result becomes part of the region.
// CHECK-LABEL: func @sign
// CHECK: lowbit.packed_matmul
// CHECK-SAME: epilogue(%{{.*}}, %{{.*}} : tensor<16xf32>, tensor<16xf32>)
// CHECK-SAME: result_packing = #lowbit.packing<<-1, 0, 1>, rows>
// CHECK: %[[X:.*]] = arith.addf %{{.*}}, %{{.*}} : f32
// CHECK: %[[Y:.*]] = arith.addf %[[X]], %{{.*}} : f32
// CHECK-DAG: %[[ZERO:.*]] = arith.cmpf ueq, %[[Y]]
// CHECK-DAG: %[[PLUS:.*]] = arith.cmpf ogt, %[[Y]]
// CHECK: lowbit.yield %[[ZERO]], %[[PLUS]] : i1, i1
// CHECK-NOT: quantize_pack
func.func @sign(%a: tensor<4x2xi64>, %w: tensor<2x2x8xi64>, %bias: tensor<16xf32>, %shift: tensor<16xf32>) -> tensor<4x3xi64> {
  %e = tensor.empty() : tensor<4x16xf32>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<2x2x8xi64>) epilogue(%bias : tensor<16xf32>) outs(%e : tensor<4x16xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 16 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32, %b: f32):
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %b : f32
    lowbit.yield %r : f32
  } -> tensor<4x16xf32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%y, shift %shift : tensor<4x16xf32>, tensor<16xf32>) outs(%p : tensor<4x3xi64>)
    {packing = #rows, rounding = #lowbit.rounding<sign>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}

// -----

#rows = #lowbit.packing<<0, 1>, rows>
#panels = #lowbit.packing<<0, 1>, panels, lanes = 8>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// Heads in panels: rows are packed, then cut apart.
// CHECK-LABEL: func @heads
// CHECK: %[[P:.*]] = lowbit.packed_matmul
// CHECK-SAME: result_packing = #lowbit.packing<<0, 1>, rows>
// CHECK: lowbit.repack ins(%[[P]] : tensor<1x4x2xi64>)
// CHECK-SAME: packing = #lowbit.packing<<0, 1>, panels, lanes = 8>
// CHECK-SAME: permutation = array<i64: 0, 2, 1, 3>
// CHECK-SAME: split = array<i64: 2, 8>
func.func @heads(%a: tensor<1x4x2xi64>, %w: tensor<2x2x8xi64>, %s: tensor<f32>) -> tensor<1x2x1x2x8xi64> {
  %e = tensor.empty() : tensor<1x4x16xf32>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<1x4x2xi64>, tensor<2x2x8xi64>) outs(%e : tensor<1x4x16xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 16 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x4x16xf32>
  %h = tensor.expand_shape %y [[0], [1], [2, 3]] output_shape [1, 4, 2, 8] : tensor<1x4x16xf32> into tensor<1x4x2x8xf32>
  %p = tensor.empty() : tensor<1x2x1x2x8xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s : tensor<1x4x2x8xf32>, tensor<f32>) outs(%p : tensor<1x2x1x2x8xi64>)
    {packing = #panels, permutation = array<i64: 0, 2, 1, 3>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x1x2x8xi64>
  return %q : tensor<1x2x1x2x8xi64>
}

// -----

#rows = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// The numbers have another reader.
// CHECK-LABEL: func @two_readers
// CHECK-NOT: result_packing
// CHECK: lowbit.quantize_pack
func.func @two_readers(%a: tensor<4x2xi64>, %w: tensor<2x2x8xi64>) -> (tensor<4x16xf32>, tensor<4x2xi64>) {
  %e = tensor.empty() : tensor<4x16xf32>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<2x2x8xi64>) outs(%e : tensor<4x16xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 16 : i64, lhs_packing = #rows, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<4x16xf32>
  %p = tensor.empty() : tensor<4x2xi64>
  %q = lowbit.quantize_pack ins(%y : tensor<4x16xf32>) outs(%p : tensor<4x2xi64>)
    {packing = #rows, rounding = #lowbit.rounding<step>} -> tensor<4x2xi64>
  return %y, %q : tensor<4x16xf32>, tensor<4x2xi64>
}

// -----

#rows = #lowbit.packing<<-2, -1, 0, 1>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// A scale for each token is found from the numbers.
// CHECK-LABEL: func @per_token
// CHECK-NOT: result_packing
// CHECK: lowbit.quantize_pack
func.func @per_token(%a: tensor<4x2xi64>, %w: tensor<2x2x8xi64>, %s: tensor<4xf32>) -> tensor<4x3xi64> {
  %e = tensor.empty() : tensor<4x16xf32>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<2x2x8xi64>) outs(%e : tensor<4x16xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 16 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<4x16xf32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%y, scale %s : tensor<4x16xf32>, tensor<4xf32>) outs(%p : tensor<4x3xi64>)
    {packing = #rows, rounding = #lowbit.rounding<half_even>, granularity = #lowbit.granularity<token>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}

// -----

#codes = #lowbit.packing<<-2, -1, 0, 1>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// A scale that is known: the steps of the code, with ties to even, in place of a
// division.
// CHECK-LABEL: func @steps
// CHECK-NOT: arith.divf
// CHECK-DAG: %[[A:.*]] = arith.constant -2.99999976 : f32
// CHECK-DAG: %[[B:.*]] = arith.constant -1.000000e+00 : f32
// CHECK-DAG: %[[C:.*]] = arith.constant 1.00000012 : f32
// CHECK: %[[MINUS:.*]] = arith.cmpf oge, %[[Y:.*]], %[[A]] : f32
// CHECK: %[[ZERO:.*]] = arith.cmpf oge, %[[Y]], %[[B]] : f32
// CHECK: %[[PLUS:.*]] = arith.cmpf oge, %[[Y]], %[[C]] : f32
// CHECK: %[[TWO:.*]] = arith.xori %[[MINUS]], %[[ZERO]] : i1
// CHECK: %[[ODD:.*]] = arith.xori %[[TWO]], %[[PLUS]] : i1
// CHECK: lowbit.yield %[[ODD]], %[[ZERO]] : i1, i1
func.func @steps(%a: tensor<4x2xi64>, %w: tensor<2x2x8xi64>) -> tensor<4x3xi64> {
  %s = arith.constant dense<2.0> : tensor<f32>
  %e = tensor.empty() : tensor<4x16xf32>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<2x2x8xi64>) outs(%e : tensor<4x16xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 16 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %third = arith.constant 0.3 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.mulf %f, %third : f32
    lowbit.yield %r : f32
  } -> tensor<4x16xf32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%y, scale %s : tensor<4x16xf32>, tensor<f32>) outs(%p : tensor<4x3xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}
