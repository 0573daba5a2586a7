// RUN: lowbit-opt %s --lowbit-fuse-thresholds --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#ternary = #lowbit.packing<<-1, 0, 1>, rows>

// Four products of signs make -4 ... 4. sign(acc + bias) is 0 or more from -bias on
// and 1 beyond it, where the bias is an integer; else both begin at one sum.
// CHECK-LABEL: func @sign
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<[0, -2, 1, -4, 32767, 0, 0, 0]> : tensor<8xi16>
// CHECK-DAG: %[[PLUS:.*]] = arith.constant dense<[1, -1, 1, -4, 32767, 1, 1, 1]> : tensor<8xi16>
// CHECK: lowbit.packed_matmul {{.*}} epilogue(%[[ZERO]], %[[PLUS]] : tensor<8xi16>, tensor<8xi16>)
// CHECK: ^bb0(%[[ACC:.*]]: i32, %[[T0:.*]]: i16, %[[T1:.*]]: i16):
// CHECK-DAG: %[[W0:.*]] = arith.extsi %[[T0]] : i16 to i32
// CHECK-DAG: %[[W1:.*]] = arith.extsi %[[T1]] : i16 to i32
// CHECK-DAG: %[[C0:.*]] = arith.cmpi sge, %[[ACC]], %[[W0]] : i32
// CHECK-DAG: %[[C1:.*]] = arith.cmpi sge, %[[ACC]], %[[W1]] : i32
// CHECK: %[[IS0:.*]] = arith.xori %[[C0]], %[[C1]] : i1
// CHECK: lowbit.yield %[[IS0]], %[[C1]] : i1, i1
func.func @sign(%a: tensor<4x2xi64>, %w: tensor<1x2x8xi64>) -> tensor<4x3xi64> {
  %bias = arith.constant dense<[0.0, 2.0, -0.5, 100.0, -100.0, -0.0, 0.0, 0.0]> : tensor<8xf32>
  %e = tensor.empty() : tensor<4x3xi64>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) epilogue(%bias : tensor<8xf32>) outs(%e : tensor<4x3xi64>)
    attributes {kernel = "generic-popcount", size = 4 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights, result_packing = #ternary} {
  ^bb0(%acc: i32, %b: f32):
    %zero = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %b : f32
    %n = arith.cmpf ueq, %r, %zero : f32
    %p = arith.cmpf ogt, %r, %zero : f32
    lowbit.yield %n, %p : i1, i1
  } -> tensor<4x3xi64>
  return %y : tensor<4x3xi64>
}

// -----

#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#ternary = #lowbit.packing<<-1, 0, 1>, rows>
#dwords = #lowbit.packing<<-1, 0, 1>, panels, lanes = 8>

// No sum is zero: the plane of zeros goes, from the result and from all that reads it.
// CHECK-LABEL: func @never_zero
// CHECK: %[[P:.*]] = lowbit.packed_matmul
// CHECK-SAME: result_packing = #lowbit.packing<<-1, 1>, rows>
// CHECK: %[[R:.*]] = lowbit.repack ins(%[[P]] : tensor<1x4x2xi64>)
// CHECK-SAME: packing = #lowbit.packing<<-1, 1>, rows>
// CHECK-SAME: source = #lowbit.packing<<-1, 1>, rows>
// CHECK: lowbit.packed_matmul ins(%[[R]], %{{.*}} : tensor<1x2x4x2xi64>, tensor<1x2x8xi64>)
// CHECK-SAME: lhs_packing = #lowbit.packing<<-1, 1>, rows>
func.func @never_zero(%a: tensor<1x4x2xi64>, %w: tensor<1x2x8xi64>, %v: tensor<1x2x8xi64>) -> tensor<1x2x4x8xi32> {
  %e = tensor.empty() : tensor<1x4x3xi64>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<1x4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<1x4x3xi64>)
    attributes {kernel = "generic-popcount", size = 4 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights, result_packing = #ternary} {
  ^bb0(%acc: i32):
    %half = arith.constant 0.5 : f32
    %zero = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %half : f32
    %n = arith.cmpf ueq, %r, %zero : f32
    %p = arith.cmpf ogt, %r, %zero : f32
    lowbit.yield %n, %p : i1, i1
  } -> tensor<1x4x3xi64>
  %f = tensor.empty() : tensor<1x2x4x3xi64>
  %h = lowbit.repack ins(%y : tensor<1x4x3xi64>) outs(%f : tensor<1x2x4x3xi64>)
    {source = #ternary, packing = #ternary, split = array<i64: 2, 4>, permutation = array<i64: 0, 2, 1, 3>} -> tensor<1x2x4x3xi64>
  %g = tensor.empty() : tensor<1x2x4x8xi32>
  %z = lowbit.packed_matmul ins(%h, %v : tensor<1x2x4x3xi64>, tensor<1x2x8xi64>) outs(%g : tensor<1x2x4x8xi32>)
    attributes {kernel = "generic-popcount", size = 4 : i64, columns = 8 : i64, lhs_packing = #ternary, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  } -> tensor<1x2x4x8xi32>
  return %z : tensor<1x2x4x8xi32>
}

// -----

#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#bits = #lowbit.packing<<0, 1>, rows>

// A bias of the rank of the product, as in a step with one token, is a constant of a column too.

// CHECK-LABEL: func @expanded_bias
// CHECK: lowbit.packed_matmul {{.*}} epilogue(%{{.*}} : tensor<8xi16>)
func.func @expanded_bias(%a: tensor<4x1x2xi64>, %w: tensor<1x2x8xi64>) -> tensor<4x1x2xi64> {
  %bias = arith.constant dense<[[0.0, 2.0, -0.5, 100.0, -100.0, -0.0, 0.0, 1.0]]> : tensor<1x8xf32>
  %x = tensor.expand_shape %bias [[0, 1], [2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
  %e = tensor.empty() : tensor<4x1x2xi64>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x1x2xi64>, tensor<1x2x8xi64>) epilogue(%x : tensor<1x1x8xf32>) outs(%e : tensor<4x1x2xi64>)
    attributes {kernel = "generic-popcount", size = 4 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights, result_packing = #bits} {
  ^bb0(%acc: i32, %b: f32):
    %f = arith.sitofp %acc : i32 to f32
    %p = arith.cmpf ogt, %f, %b : f32
    lowbit.yield %p : i1
  } -> tensor<4x1x2xi64>
  return %y : tensor<4x1x2xi64>
}

// -----

#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#bits = #lowbit.packing<<0, 1>, rows>

// A residual: what is compared depends on the row.
func.func @residual(%a: tensor<4x2xi64>, %w: tensor<1x2x8xi64>, %x: tensor<4x8xf32>) -> tensor<4x2xi64> {
  %e = tensor.empty() : tensor<4x2xi64>
  // expected-remark @below {{keeps its float epilogue: it depends on more than the sum and constants of a column}}
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) epilogue(%x : tensor<4x8xf32>) outs(%e : tensor<4x2xi64>)
    attributes {kernel = "generic-popcount", size = 4 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights, result_packing = #bits} {
  ^bb0(%acc: i32, %b: f32):
    %f = arith.sitofp %acc : i32 to f32
    %p = arith.cmpf ogt, %f, %b : f32
    lowbit.yield %p : i1
  } -> tensor<4x2xi64>
  return %y : tensor<4x2xi64>
}

// -----

#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#bits = #lowbit.packing<<0, 1>, rows>

func.func @descending(%a: tensor<4x2xi64>, %w: tensor<1x2x8xi64>) -> tensor<4x2xi64> {
  %e = tensor.empty() : tensor<4x2xi64>
  // expected-remark @below {{keeps its float epilogue: the codes of column 0 do not ascend with the sum}}
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x2xi64>)
    attributes {kernel = "generic-popcount", size = 4 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights, result_packing = #bits} {
  ^bb0(%acc: i32):
    %zero = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %n = arith.negf %f : f32
    %p = arith.cmpf ogt, %n, %zero : f32
    lowbit.yield %p : i1
  } -> tensor<4x2xi64>
  return %y : tensor<4x2xi64>
}

// -----

#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#bits = #lowbit.packing<<0, 1>, rows>

// GELU falls and rises again below 0, but its codes ascend: erf is written out as
// it will be at run time, and gelu(1) is the first of the sums above 1/2.
// CHECK-LABEL: func @gelu
// CHECK: %[[ONE:.*]] = arith.constant dense<1> : tensor<8xi16>
// CHECK: lowbit.packed_matmul {{.*}} epilogue(%[[ONE]] : tensor<8xi16>)
// CHECK-NOT: math
// CHECK: arith.cmpi sge
func.func @gelu(%a: tensor<4x2xi64>, %w: tensor<1x2x8xi64>) -> tensor<4x2xi64> {
  %e = tensor.empty() : tensor<4x2xi64>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x2xi64>)
    attributes {kernel = "generic-popcount", size = 4 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights, result_packing = #bits} {
  ^bb0(%acc: i32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %root = arith.constant 0.707106769 : f32
    %x = arith.sitofp %acc : i32 to f32
    %s = arith.mulf %x, %root : f32
    %f = math.erf %s : f32
    %t = arith.addf %f, %one : f32
    %u = arith.mulf %x, %half : f32
    %g = arith.mulf %u, %t : f32
    %p = arith.cmpf ogt, %g, %half : f32
    lowbit.yield %p : i1
  } -> tensor<4x2xi64>
  return %y : tensor<4x2xi64>
}

// -----

#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#bits = #lowbit.packing<<0, 1>, rows>

func.func @sine(%a: tensor<4x2xi64>, %w: tensor<1x2x8xi64>) -> tensor<4x2xi64> {
  %e = tensor.empty() : tensor<4x2xi64>
  // expected-remark @below {{keeps its float epilogue: it holds math.sin}}
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x2xi64>)
    attributes {kernel = "generic-popcount", size = 4 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights, result_packing = #bits} {
  ^bb0(%acc: i32):
    %half = arith.constant 0.5 : f32
    %f = arith.sitofp %acc : i32 to f32
    %g = math.sin %f : f32
    %p = arith.cmpf ogt, %g, %half : f32
    lowbit.yield %p : i1
  } -> tensor<4x2xi64>
  return %y : tensor<4x2xi64>
}
