// RUN: lowbit-opt %s --lowbit-fuse-epilogue --canonicalize --split-input-file | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>
#channel = affine_map<(m, n) -> (n)>
#token = affine_map<(m, n) -> (m)>
#swapped = affine_map<(m, n) -> (n, m)>
#rows = #lowbit.packing<<-1, 1>, rows>
#panels = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// Scale, bias and residual are finished inside the matmul; a per-token operand
// gains a dimension of one.

// CHECK-LABEL: func @chain
// CHECK-SAME: (%[[A:.*]]: tensor<5x2xi64>, %[[W:.*]]: tensor<2x2x8xi64>, %[[BIAS:.*]]: tensor<16xf32>, %[[T:[a-z0-9]+]]: tensor<5xf32>, %[[R:[a-z0-9]+]]: tensor<5x16xf32>
// CHECK: %[[T1:.*]] = tensor.expand_shape %[[T]] {{.*}} into tensor<5x1xf32>
// CHECK: lowbit.packed_matmul
// CHECK-SAME: epilogue(%[[BIAS]], %[[T1]], %[[R]] :
// CHECK: ^bb0(%[[ACC:.*]]: i32, %[[B:.*]]: f32, %[[S:.*]]: f32, %[[RES:.*]]: f32):
// CHECK: %[[F:.*]] = arith.sitofp %[[ACC]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[F]], %[[S]]
// CHECK: %[[SUM:.*]] = arith.addf %[[SCALED]], %[[B]]
// CHECK: %[[Y:.*]] = arith.addf %[[SUM]], %[[RES]]
// CHECK: lowbit.yield %[[Y]] : f32
// CHECK-NOT: linalg.generic
func.func @chain(%a: tensor<5x2xi64>, %w: tensor<2x2x8xi64>, %bias: tensor<16xf32>, %t: tensor<5xf32>, %r: tensor<5x16xf32>,
    %i: tensor<5x16xi32>, %f: tensor<5x16xf32>) -> tensor<5x16xf32> {
  %c = lowbit.packed_matmul ins(%a, %w : tensor<5x2xi64>, tensor<2x2x8xi64>) outs(%i : tensor<5x16xi32>)
         attributes {kernel = "x86-avx2-popcount", size = 64 : i64, columns = 16 : i64, lhs_packing = #rows, rhs_packing = #panels} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  } -> tensor<5x16xi32>
  %x = linalg.generic {indexing_maps = [#id, #channel, #token, #id], iterator_types = ["parallel", "parallel"]}
         ins(%c, %bias, %t : tensor<5x16xi32>, tensor<16xf32>, tensor<5xf32>) outs(%f : tensor<5x16xf32>) {
  ^bb0(%acc: i32, %b: f32, %s: f32, %o: f32):
    %0 = arith.sitofp %acc : i32 to f32
    %1 = arith.mulf %0, %s : f32
    %2 = arith.addf %1, %b : f32
    linalg.yield %2 : f32
  } -> tensor<5x16xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
         ins(%x, %r : tensor<5x16xf32>, tensor<5x16xf32>) outs(%f : tensor<5x16xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.addf %p, %q : f32
    linalg.yield %0 : f32
  } -> tensor<5x16xf32>
  return %y : tensor<5x16xf32>
}

// -----

// A product with another user, or read transposed, stays by itself.

#id = affine_map<(m, n) -> (m, n)>
#swapped = affine_map<(m, n) -> (n, m)>
#rows = #lowbit.packing<<-1, 1>, rows>
#panels = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// CHECK-LABEL: func @shared
// CHECK: lowbit.packed_matmul
// CHECK: lowbit.yield %{{.*}} : i32
// CHECK: linalg.generic
// CHECK-LABEL: func @transposed
// CHECK: lowbit.packed_matmul
// CHECK: linalg.generic
func.func @shared(%a: tensor<8x2xi64>, %w: tensor<1x2x8xi64>, %i: tensor<8x8xi32>) -> (tensor<8x8xi32>, tensor<8x8xi32>) {
  %c = lowbit.packed_matmul ins(%a, %w : tensor<8x2xi64>, tensor<1x2x8xi64>) outs(%i : tensor<8x8xi32>)
         attributes {kernel = "x86-avx2-popcount", size = 64 : i64, columns = 8 : i64, lhs_packing = #rows, rhs_packing = #panels} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  } -> tensor<8x8xi32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
         ins(%c : tensor<8x8xi32>) outs(%i : tensor<8x8xi32>) {
  ^bb0(%acc: i32, %o: i32):
    %0 = arith.addi %acc, %acc : i32
    linalg.yield %0 : i32
  } -> tensor<8x8xi32>
  return %c, %x : tensor<8x8xi32>, tensor<8x8xi32>
}
func.func @transposed(%a: tensor<8x2xi64>, %w: tensor<1x2x8xi64>, %i: tensor<8x8xi32>) -> tensor<8x8xi32> {
  %c = lowbit.packed_matmul ins(%a, %w : tensor<8x2xi64>, tensor<1x2x8xi64>) outs(%i : tensor<8x8xi32>)
         attributes {kernel = "x86-avx2-popcount", size = 64 : i64, columns = 8 : i64, lhs_packing = #rows, rhs_packing = #panels} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  } -> tensor<8x8xi32>
  %x = linalg.generic {indexing_maps = [#swapped, #id], iterator_types = ["parallel", "parallel"]}
         ins(%c : tensor<8x8xi32>) outs(%i : tensor<8x8xi32>) {
  ^bb0(%acc: i32, %o: i32):
    %0 = arith.addi %acc, %acc : i32
    linalg.yield %0 : i32
  } -> tensor<8x8xi32>
  return %x : tensor<8x8xi32>
}
