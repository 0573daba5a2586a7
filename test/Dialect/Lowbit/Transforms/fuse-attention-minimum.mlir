// RUN: lowbit-opt %s --lowbit-fuse-attention --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// Attention whose quantizer takes the least of all probabilities off first, and
// near misses.

// CHECK-LABEL: func @least
// CHECK-SAME: %[[SHIFT:[^:]*]]: tensor<8xf32>
// CHECK-NOT: linalg.generic
// CHECK: lowbit.packed_attention
// CHECK-SAME: context_operands(%[[SHIFT]] : tensor<8xf32>)
// CHECK-SAME: subtract_minimum
// CHECK: context {
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: i32, %[[LEAST:.*]]: f32, %[[B:.*]]: f32):
// CHECK: %[[G:.*]] = arith.addf %{{.*}}, %[[B]]
// CHECK: arith.mulf %[[G]], %[[LEAST]]
// CHECK-NOT: linalg.generic
func.func @least(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %other: tensor<1x2x4x6xf32>, %s: tensor<f32>, %shift: tensor<8xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %init = arith.constant 0x7F800000 : f32
  %e1 = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%init : f32) outs(%e1 : tensor<f32>) -> tensor<f32>
  %least = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> ()>], iterator_types = ["reduction", "reduction", "reduction", "reduction"]} ins(%p : tensor<1x2x4x6xf32>) outs(%start : tensor<f32>) {
  ^bb0(%x: f32, %m: f32):
    %y = arith.minimumf %x, %m : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %e2 = tensor.empty() : tensor<1x2x4x3xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s, offset %least : tensor<1x2x4x6xf32>, tensor<f32>, tensor<f32>) outs(%e2 : tensor<1x2x4x3xi64>)
    {packing = #lowbit.packing<<0, 1, 2>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x3xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  %r = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x3xi64>, tensor<1x2x1x2x8xi64>) epilogue(%shift, %least : tensor<8xf32>, tensor<f32>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1, 2>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %b: f32, %l: f32):
    %f = arith.sitofp %acc : i32 to f32
    %g = arith.addf %f, %b : f32
    %h = arith.mulf %g, %l : f32
    lowbit.yield %h : f32
  } -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}

// -----

// CHECK-LABEL: func @least_of_merged_heads
// CHECK-SAME: %[[SHIFT:[^:]*]]: tensor<8xf32>
// CHECK-NOT: linalg.generic
// CHECK: lowbit.packed_attention
// CHECK-SAME: context_operands(%[[SHIFT]] : tensor<8xf32>)
// CHECK-SAME: subtract_minimum
// CHECK: context {
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: i32, %[[LEAST:.*]]: f32, %[[B:.*]]: f32):
// CHECK: %[[G:.*]] = arith.addf %{{.*}}, %[[B]]
// CHECK: arith.mulf %[[G]], %[[LEAST]]
// CHECK-NOT: linalg.generic
func.func @least_of_merged_heads(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %other: tensor<1x2x4x6xf32>, %s: tensor<f32>, %shift: tensor<8xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %flat = tensor.collapse_shape %p [[0, 1], [2], [3]] : tensor<1x2x4x6xf32> into tensor<2x4x6xf32>
  %init = arith.constant 0x7F800000 : f32
  %e1 = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%init : f32) outs(%e1 : tensor<f32>) -> tensor<f32>
  %least = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> ()>], iterator_types = ["reduction", "reduction", "reduction"]} ins(%flat : tensor<2x4x6xf32>) outs(%start : tensor<f32>) {
  ^bb0(%x: f32, %m: f32):
    %y = arith.minimumf %m, %x : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %e2 = tensor.empty() : tensor<1x2x4x3xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s, offset %least : tensor<1x2x4x6xf32>, tensor<f32>, tensor<f32>) outs(%e2 : tensor<1x2x4x3xi64>)
    {packing = #lowbit.packing<<0, 1, 2>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x3xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  %r = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x3xi64>, tensor<1x2x1x2x8xi64>) epilogue(%shift, %least : tensor<8xf32>, tensor<f32>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1, 2>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %b: f32, %l: f32):
    %f = arith.sitofp %acc : i32 to f32
    %g = arith.addf %f, %b : f32
    %h = arith.mulf %g, %l : f32
    lowbit.yield %h : f32
  } -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}

// -----

// A minimum that is never above 0.
// CHECK-LABEL: func @bounded
// CHECK-NOT: packed_attention
// CHECK: lowbit.softmax
func.func @bounded(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %other: tensor<1x2x4x6xf32>, %s: tensor<f32>, %shift: tensor<8xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %init = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%init : f32) outs(%e1 : tensor<f32>) -> tensor<f32>
  %least = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> ()>], iterator_types = ["reduction", "reduction", "reduction", "reduction"]} ins(%p : tensor<1x2x4x6xf32>) outs(%start : tensor<f32>) {
  ^bb0(%x: f32, %m: f32):
    %y = arith.minimumf %x, %m : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %e2 = tensor.empty() : tensor<1x2x4x3xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s, offset %least : tensor<1x2x4x6xf32>, tensor<f32>, tensor<f32>) outs(%e2 : tensor<1x2x4x3xi64>)
    {packing = #lowbit.packing<<0, 1, 2>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x3xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  %r = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x3xi64>, tensor<1x2x1x2x8xi64>) epilogue(%shift, %least : tensor<8xf32>, tensor<f32>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1, 2>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %b: f32, %l: f32):
    %f = arith.sitofp %acc : i32 to f32
    %g = arith.addf %f, %b : f32
    %h = arith.mulf %g, %l : f32
    lowbit.yield %h : f32
  } -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}

// -----

// The greatest is none.
// CHECK-LABEL: func @greatest
// CHECK-NOT: packed_attention
// CHECK: lowbit.softmax
func.func @greatest(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %other: tensor<1x2x4x6xf32>, %s: tensor<f32>, %shift: tensor<8xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %init = arith.constant 0x7F800000 : f32
  %e1 = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%init : f32) outs(%e1 : tensor<f32>) -> tensor<f32>
  %least = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> ()>], iterator_types = ["reduction", "reduction", "reduction", "reduction"]} ins(%p : tensor<1x2x4x6xf32>) outs(%start : tensor<f32>) {
  ^bb0(%x: f32, %m: f32):
    %y = arith.maximumf %x, %m : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %e2 = tensor.empty() : tensor<1x2x4x3xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s, offset %least : tensor<1x2x4x6xf32>, tensor<f32>, tensor<f32>) outs(%e2 : tensor<1x2x4x3xi64>)
    {packing = #lowbit.packing<<0, 1, 2>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x3xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  %r = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x3xi64>, tensor<1x2x1x2x8xi64>) epilogue(%shift, %least : tensor<8xf32>, tensor<f32>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1, 2>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %b: f32, %l: f32):
    %f = arith.sitofp %acc : i32 to f32
    %g = arith.addf %f, %b : f32
    %h = arith.mulf %g, %l : f32
    lowbit.yield %h : f32
  } -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}

// -----

// The least of other numbers.
// CHECK-LABEL: func @least_of_others
// CHECK-NOT: packed_attention
// CHECK: lowbit.softmax
func.func @least_of_others(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %other: tensor<1x2x4x6xf32>, %s: tensor<f32>, %shift: tensor<8xf32>) -> tensor<1x2x4x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %init = arith.constant 0x7F800000 : f32
  %e1 = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%init : f32) outs(%e1 : tensor<f32>) -> tensor<f32>
  %least = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> ()>], iterator_types = ["reduction", "reduction", "reduction", "reduction"]} ins(%other : tensor<1x2x4x6xf32>) outs(%start : tensor<f32>) {
  ^bb0(%x: f32, %m: f32):
    %y = arith.minimumf %x, %m : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %e2 = tensor.empty() : tensor<1x2x4x3xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s, offset %least : tensor<1x2x4x6xf32>, tensor<f32>, tensor<f32>) outs(%e2 : tensor<1x2x4x3xi64>)
    {packing = #lowbit.packing<<0, 1, 2>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x3xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  // expected-remark @below {{attention stays in steps: the quantizer of the probabilities is not a plain scale}}
  %r = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x3xi64>, tensor<1x2x1x2x8xi64>) epilogue(%shift, %least : tensor<8xf32>, tensor<f32>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1, 2>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %b: f32, %l: f32):
    %f = arith.sitofp %acc : i32 to f32
    %g = arith.addf %f, %b : f32
    %h = arith.mulf %g, %l : f32
    lowbit.yield %h : f32
  } -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}

// -----

// The minimum is wanted elsewhere, too.
// CHECK-LABEL: func @read_elsewhere
// CHECK-NOT: packed_attention
// CHECK: lowbit.softmax
func.func @read_elsewhere(%q: tensor<1x2x4x2xi64>, %k: tensor<1x2x1x2x8xi64>, %v: tensor<1x2x1x2x8xi64>, %other: tensor<1x2x4x6xf32>, %s: tensor<f32>, %shift: tensor<8xf32>) -> tensor<f32> {
  %e0 = tensor.empty() : tensor<1x2x4x6xf32>
  %scores = lowbit.packed_matmul ins(%q, %k : tensor<1x2x4x2xi64>, tensor<1x2x1x2x8xi64>) outs(%e0 : tensor<1x2x4x6xf32>)
    attributes {kernel = "generic-popcount", size = 8 : i64, columns = 6 : i64, lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<1x2x4x6xf32>
  %p = lowbit.softmax ins(%scores : tensor<1x2x4x6xf32>) outs(%e0 : tensor<1x2x4x6xf32>) -> tensor<1x2x4x6xf32>
  %init = arith.constant 0x7F800000 : f32
  %e1 = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%init : f32) outs(%e1 : tensor<f32>) -> tensor<f32>
  %least = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> ()>], iterator_types = ["reduction", "reduction", "reduction", "reduction"]} ins(%p : tensor<1x2x4x6xf32>) outs(%start : tensor<f32>) {
  ^bb0(%x: f32, %m: f32):
    %y = arith.minimumf %x, %m : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %e2 = tensor.empty() : tensor<1x2x4x3xi64>
  %c = lowbit.quantize_pack ins(%p, scale %s, offset %least : tensor<1x2x4x6xf32>, tensor<f32>, tensor<f32>) outs(%e2 : tensor<1x2x4x3xi64>)
    {packing = #lowbit.packing<<0, 1, 2>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x2x4x3xi64>
  %e3 = tensor.empty() : tensor<1x2x4x8xf32>
  // expected-remark @below {{attention stays in steps: something else reads the least probability}}
  %r = lowbit.packed_matmul ins(%c, %v : tensor<1x2x4x3xi64>, tensor<1x2x1x2x8xi64>) epilogue(%shift, %least : tensor<8xf32>, tensor<f32>) outs(%e3 : tensor<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", size = 6 : i64, columns = 8 : i64, lhs_packing = #lowbit.packing<<0, 1, 2>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32, %b: f32, %l: f32):
    %f = arith.sitofp %acc : i32 to f32
    %g = arith.addf %f, %b : f32
    %h = arith.mulf %g, %l : f32
    lowbit.yield %h : f32
  } -> tensor<1x2x4x8xf32>
  %zero = arith.constant 0 : index
  %used = tensor.extract %r[%zero, %zero, %zero, %zero] : tensor<1x2x4x8xf32>
  %both = tensor.insert %used into %least[] : tensor<f32>
  return %both : tensor<f32>
}
