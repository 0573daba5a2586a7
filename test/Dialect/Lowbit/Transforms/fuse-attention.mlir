// RUN: lowbit-opt %s --lowbit-fuse-attention --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// Five operations become one; the quantizer of the joined heads is in its context region
// and the shift belongs to head and element.
// CHECK-LABEL: func @whole
// CHECK: %[[SHIFT:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0, 1, 2]] output_shape [2, 1, 8]
// CHECK: %[[R:.*]] = lowbit.packed_attention ins(
// CHECK-SAME: score_operands(%{{.*}} : tensor<1x1x1x6xf32>) context_operands(%[[SHIFT]] : tensor<2x1x8xf32>)
// CHECK-SAME: result_packing = #lowbit.packing<<-1, 0, 1>, rows>
// CHECK-SAME: transposed
// CHECK: scores {
// CHECK:   arith.addf
// CHECK: context {
// CHECK:   lowbit.yield %{{.*}}, %{{.*}} : i1, i1
// CHECK: return %[[R]]
// CHECK-NOT: lowbit.softmax
func.func @whole(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %mask: tensor<1x1x1x6xf32>, %s: tensor<f32>, %o: tensor<f32>, %shift: tensor<16xf32>) -> tensor<1x4x3xi64> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) epilogue(%mask : tensor<1x1x1x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %m: f32):
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %m : f32
    lowbit.yield %r : f32
  } -> tensor<1x2x4x6xf32>
  %e1 = tensor.empty() : tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e1 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %e2 = tensor.empty() : tensor<1x2x4x2xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s : tensor<1x2x4x6xf32>, tensor<f32>) outs(%e2 : tensor<1x2x4x2xi64>)
    {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x2xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  %x = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x8xf32>
  %e4 = tensor.empty() : tensor<1x4x2x8xf32>
  %t = linalg.transpose ins(%x : tensor<1x2x4x8xf32>) outs(%e4 : tensor<1x4x2x8xf32>) permutation = [0, 2, 1, 3]
  %j = tensor.collapse_shape %t [[0], [1], [2, 3]] : tensor<1x4x2x8xf32> into tensor<1x4x16xf32>
  %e5 = tensor.empty() : tensor<1x4x3xi64>
  %r = lowbit.quantize_pack ins(%j, shift %shift : tensor<1x4x16xf32>, tensor<16xf32>) outs(%e5 : tensor<1x4x3xi64>)
    {packing = #lowbit.packing<<-1, 0, 1>, rows>, rounding = #lowbit.rounding<sign>} -> tensor<1x4x3xi64>
  return %r : tensor<1x4x3xi64>
}

// -----

// CHECK-LABEL: func @heads_apart
// CHECK: %[[R:.*]] = lowbit.packed_attention
// CHECK-NOT: transposed
// CHECK: return %[[R]] : tensor<1x2x4x8xf32>
func.func @heads_apart(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %mask: tensor<1x1x1x6xf32>, %s: tensor<f32>, %o: tensor<f32>, %shift: tensor<16xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) epilogue(%mask : tensor<1x1x1x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %m: f32):
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %m : f32
    lowbit.yield %r : f32
  } -> tensor<1x2x4x6xf32>
  %e1 = tensor.empty() : tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e1 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %e2 = tensor.empty() : tensor<1x2x4x2xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s : tensor<1x2x4x6xf32>, tensor<f32>) outs(%e2 : tensor<1x2x4x2xi64>)
    {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x2xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  %x = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x8xf32>
  return %x : tensor<1x2x4x8xf32>
}

// -----

// CHECK-LABEL: func @two_bits
// CHECK: lowbit.packed_attention
// CHECK-SAME: code_packing = #lowbit.packing<<0, 1, 2, 3>, rows>
// CHECK-NOT: lowbit.softmax
func.func @two_bits(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %mask: tensor<1x1x1x6xf32>, %s: tensor<f32>, %o: tensor<f32>, %shift: tensor<16xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) epilogue(%mask : tensor<1x1x1x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %m: f32):
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %m : f32
    lowbit.yield %r : f32
  } -> tensor<1x2x4x6xf32>
  %e1 = tensor.empty() : tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e1 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %e2 = tensor.empty() : tensor<1x2x4x3xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s : tensor<1x2x4x6xf32>, tensor<f32>) outs(%e2 : tensor<1x2x4x3xi64>)
    {packing = #lowbit.packing<<0, 1, 2, 3>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x3xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  %x = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x3xi64>, tensor<1x2x1x2x8xi64>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1, 2, 3>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x8xf32>
  return %x : tensor<1x2x4x8xf32>
}

// -----

// CHECK-LABEL: func @negative_codes
// CHECK-NOT: packed_attention
// CHECK: lowbit.softmax
func.func @negative_codes(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %mask: tensor<1x1x1x6xf32>, %s: tensor<f32>, %o: tensor<f32>, %shift: tensor<16xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) epilogue(%mask : tensor<1x1x1x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %m: f32):
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %m : f32
    lowbit.yield %r : f32
  } -> tensor<1x2x4x6xf32>
  %e1 = tensor.empty() : tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e1 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %e2 = tensor.empty() : tensor<1x2x4x3xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s : tensor<1x2x4x6xf32>, tensor<f32>) outs(%e2 : tensor<1x2x4x3xi64>)
    {packing = #lowbit.packing<<-1, 0, 1, 2>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x3xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  // expected-remark @below {{attention stays in steps: the probabilities have other codes than 0, 1, ... 256}}
  %x = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x3xi64>, tensor<1x2x1x2x8xi64>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<-1, 0, 1, 2>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x8xf32>
  return %x : tensor<1x2x4x8xf32>
}

// -----

// CHECK-LABEL: func @other_offset
// CHECK-NOT: packed_attention
// CHECK: lowbit.softmax
func.func @other_offset(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %mask: tensor<1x1x1x6xf32>, %s: tensor<f32>, %o: tensor<f32>, %shift: tensor<16xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) epilogue(%mask : tensor<1x1x1x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %m: f32):
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %m : f32
    lowbit.yield %r : f32
  } -> tensor<1x2x4x6xf32>
  %e1 = tensor.empty() : tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e1 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %e2 = tensor.empty() : tensor<1x2x4x2xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s, offset %o : tensor<1x2x4x6xf32>, tensor<f32>, tensor<f32>) outs(%e2 : tensor<1x2x4x2xi64>)
    {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x2xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  // expected-remark @below {{attention stays in steps: the quantizer of the probabilities is not a plain scale}}
  %x = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x8xf32>
  return %x : tensor<1x2x4x8xf32>
}
