// RUN: lowbit-opt %s --lowbit-probe-minimum --canonicalize --split-input-file | FileCheck %s

#codes = #lowbit.packing<<0, 1, 2, 3>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#none = affine_map<(d0, d1) -> ()>

// The least shift, -4, belongs to column 9, in the second panel. It is the minimum
// if the panel has it in the first 32 rows or else in any row; only otherwise is the
// whole product computed for the minimum.
// CHECK-LABEL: func @rectified
// CHECK-SAME: %[[A:.*]]: tensor<?x2xi64>
// CHECK-DAG: %[[LEAST:.*]] = arith.constant -4.000000e+00 : f32
// CHECK-DAG: %[[PANEL:.*]] = arith.constant {{.*}} : tensor<1x2x8xi64>
// CHECK-DAG: %[[BIAS:.*]] = arith.constant dense<[9.000000e+00, 1.000000e+01, 1.100000e+01, 1.200000e+01]> : tensor<4xf32>
// CHECK-DAG: %[[SHIFT:.*]] = arith.constant dense<[1.000000e+00, -4.000000e+00, 0.000000e+00, 2.000000e+00]> : tensor<4xf32>
// CHECK: %[[FIRST:.*]] = tensor.extract_slice %[[A]][0, 0] [%{{.*}}, 2]
// CHECK: %[[PART:.*]] = lowbit.packed_matmul ins(%[[FIRST]], %[[PANEL]] : tensor<?x2xi64>, tensor<1x2x8xi64>) epilogue(%[[BIAS]] : tensor<4xf32>)
// CHECK-SAME: columns = 4 : i64
// CHECK: %[[MINIMUM:.*]] = linalg.generic {{.*}} ins(%[[PART]], %[[SHIFT]] : tensor<?x4xf32>, tensor<4xf32>)
// CHECK: %[[NUMBER:.*]] = tensor.extract %[[MINIMUM]][] : tensor<f32>
// CHECK: %[[FOUND:.*]] = arith.cmpf oeq, %[[NUMBER]], %[[LEAST]] : f32
// CHECK: %[[OFFSET:.*]] = scf.if %[[FOUND]] -> (f32) {
// CHECK:   scf.yield %[[LEAST]] : f32
// CHECK: } else {
// CHECK:   lowbit.packed_matmul ins(%[[A]], %[[PANEL]] :
// CHECK:   scf.if
// CHECK:     scf.yield %[[LEAST]] : f32
// CHECK:   } else {
// CHECK:     lowbit.packed_matmul ins(%[[A]], %{{.*}} : tensor<?x2xi64>, tensor<2x2x8xi64>)
// CHECK: %[[TENSOR:.*]] = tensor.from_elements %[[OFFSET]] : tensor<f32>
// CHECK: %[[WHOLE:.*]] = lowbit.packed_matmul
// CHECK: lowbit.quantize_pack ins(%[[WHOLE]], scale %{{.*}}, shift %{{.*}}, offset %[[TENSOR]] :
func.func @rectified(%a: tensor<?x2xi64>, %s: tensor<f32>, %m: index) -> tensor<?x3xi64> {
  %w = arith.constant dense<[[[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 0, 0, 0, 0]], [[1, 2, 3, 4, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]]]> : tensor<2x2x8xi64>
  %b = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]> : tensor<12xf32>
  %shift = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, -4.0, 0.0, 2.0]> : tensor<12xf32>
  %inf = arith.constant dense<0x7F800000> : tensor<f32>
  %e = tensor.empty(%m) : tensor<?x12xf32>
  %h = lowbit.packed_matmul ins(%a, %w : tensor<?x2xi64>, tensor<2x2x8xi64>) epilogue(%b : tensor<12xf32>) outs(%e : tensor<?x12xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 12 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32, %bias: f32):
    %zero = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %x = arith.addf %f, %bias : f32
    %r = arith.maximumf %x, %zero : f32
    lowbit.yield %r : f32
  } -> tensor<?x12xf32>
  %mn = linalg.generic {indexing_maps = [#all, #column, #none], iterator_types = ["reduction", "reduction"]}
      ins(%h, %shift : tensor<?x12xf32>, tensor<12xf32>) outs(%inf : tensor<f32>) {
  ^bb0(%x: f32, %c: f32, %out: f32):
    %y = arith.addf %x, %c : f32
    %least = arith.minimumf %y, %out : f32
    linalg.yield %least : f32
  } -> tensor<f32>
  %p = tensor.empty(%m) : tensor<?x3xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s, shift %shift, offset %mn : tensor<?x12xf32>, tensor<f32>, tensor<12xf32>, tensor<f32>) outs(%p : tensor<?x3xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<?x3xi64>
  return %q : tensor<?x3xi64>
}

// -----

#codes = #lowbit.packing<<0, 1, 2, 3>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#none = affine_map<(d0, d1) -> ()>

// What the minimum starts from is computed behind the product: it moves before it.
// CHECK-LABEL: func @started_behind
// CHECK: linalg.fill
// CHECK: lowbit.packed_matmul
// CHECK: scf.if
func.func @started_behind(%a: tensor<4x2xi64>, %s: tensor<f32>) -> tensor<4x3xi64> {
  %w = arith.constant dense<7> : tensor<1x2x8xi64>
  %shift = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 0.0, -4.0, 0.0, 2.0]> : tensor<8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %h = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x8xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %zero = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.maximumf %f, %zero : f32
    lowbit.yield %r : f32
  } -> tensor<4x8xf32>
  %inf = arith.constant 0x7F800000 : f32
  %empty = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%inf : f32) outs(%empty : tensor<f32>) -> tensor<f32>
  %mn = linalg.generic {indexing_maps = [#all, #column, #none], iterator_types = ["reduction", "reduction"]}
      ins(%h, %shift : tensor<4x8xf32>, tensor<8xf32>) outs(%start : tensor<f32>) {
  ^bb0(%x: f32, %c: f32, %out: f32):
    %y = arith.addf %x, %c : f32
    %least = arith.minimumf %y, %out : f32
    linalg.yield %least : f32
  } -> tensor<f32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s, shift %shift, offset %mn : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>, tensor<f32>) outs(%p : tensor<4x3xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}
// -----

#codes = #lowbit.packing<<0, 1, 2, 3>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#none = affine_map<(d0, d1) -> ()>

// Without a ReLU any number could be the minimum.
// CHECK-LABEL: func @not_rectified
// CHECK-NOT: scf.if
func.func @not_rectified(%a: tensor<4x2xi64>, %s: tensor<f32>) -> tensor<4x3xi64> {
  %w = arith.constant dense<1> : tensor<1x2x8xi64>
  %shift = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 1.0, -4.0, 0.0, 2.0]> : tensor<8xf32>
  %inf = arith.constant dense<0x7F800000> : tensor<f32>
  %e = tensor.empty() : tensor<4x8xf32>
  %h = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x8xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %one = arith.constant 1.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.maximumf %f, %one : f32
    lowbit.yield %r : f32
  } -> tensor<4x8xf32>
  %mn = linalg.generic {indexing_maps = [#all, #column, #none], iterator_types = ["reduction", "reduction"]}
      ins(%h, %shift : tensor<4x8xf32>, tensor<8xf32>) outs(%inf : tensor<f32>) {
  ^bb0(%x: f32, %c: f32, %out: f32):
    %y = arith.addf %x, %c : f32
    %least = arith.minimumf %y, %out : f32
    linalg.yield %least : f32
  } -> tensor<f32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s, shift %shift, offset %mn : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>, tensor<f32>) outs(%p : tensor<4x3xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}

// -----

#codes = #lowbit.packing<<0, 1, 2, 3>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#none = affine_map<(d0, d1) -> ()>

// What is not finite may be NaN in the end.
// CHECK-LABEL: func @infinite
// CHECK-NOT: scf.if
func.func @infinite(%a: tensor<4x2xi64>, %s: tensor<f32>) -> tensor<4x3xi64> {
  %w = arith.constant dense<1> : tensor<1x2x8xi64>
  %shift = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 1.0, -4.0, 0.0, 0xFF800000]> : tensor<8xf32>
  %inf = arith.constant dense<0x7F800000> : tensor<f32>
  %e = tensor.empty() : tensor<4x8xf32>
  %h = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x8xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %one = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.maximumf %f, %one : f32
    lowbit.yield %r : f32
  } -> tensor<4x8xf32>
  %mn = linalg.generic {indexing_maps = [#all, #column, #none], iterator_types = ["reduction", "reduction"]}
      ins(%h, %shift : tensor<4x8xf32>, tensor<8xf32>) outs(%inf : tensor<f32>) {
  ^bb0(%x: f32, %c: f32, %out: f32):
    %y = arith.addf %x, %c : f32
    %least = arith.minimumf %y, %out : f32
    linalg.yield %least : f32
  } -> tensor<f32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s, shift %shift, offset %mn : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>, tensor<f32>) outs(%p : tensor<4x3xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}

// -----

#codes = #lowbit.packing<<0, 1, 2, 3>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#none = affine_map<(d0, d1) -> ()>

// So may a product of two numbers that are large.
// CHECK-LABEL: func @huge
// CHECK-NOT: scf.if
func.func @huge(%a: tensor<4x2xi64>, %s: tensor<f32>) -> tensor<4x3xi64> {
  %w = arith.constant dense<1> : tensor<1x2x8xi64>
  %shift = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 1.0, -4.0, 0.0, 2.0]> : tensor<8xf32>
  %inf = arith.constant dense<0x7F800000> : tensor<f32>
  %e = tensor.empty() : tensor<4x8xf32>
  %h = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x8xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %one = arith.constant 0.0 : f32
    %g = arith.sitofp %acc : i32 to f32
    %huge = arith.constant 1.0e+38 : f32
    %f = arith.mulf %g, %huge : f32
    %r = arith.maximumf %f, %one : f32
    lowbit.yield %r : f32
  } -> tensor<4x8xf32>
  %mn = linalg.generic {indexing_maps = [#all, #column, #none], iterator_types = ["reduction", "reduction"]}
      ins(%h, %shift : tensor<4x8xf32>, tensor<8xf32>) outs(%inf : tensor<f32>) {
  ^bb0(%x: f32, %c: f32, %out: f32):
    %y = arith.addf %x, %c : f32
    %least = arith.minimumf %y, %out : f32
    linalg.yield %least : f32
  } -> tensor<f32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s, shift %shift, offset %mn : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>, tensor<f32>) outs(%p : tensor<4x3xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}

// -----

#codes = #lowbit.packing<<0, 1, 2, 3>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#none = affine_map<(d0, d1) -> ()>

// The greatest number instead of the least.
// CHECK-LABEL: func @maximum
// CHECK-NOT: scf.if
func.func @maximum(%a: tensor<4x2xi64>, %s: tensor<f32>) -> tensor<4x3xi64> {
  %w = arith.constant dense<1> : tensor<1x2x8xi64>
  %shift = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 1.0, -4.0, 0.0, 2.0]> : tensor<8xf32>
  %inf = arith.constant dense<0x7F800000> : tensor<f32>
  %e = tensor.empty() : tensor<4x8xf32>
  %h = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x8xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %one = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.maximumf %f, %one : f32
    lowbit.yield %r : f32
  } -> tensor<4x8xf32>
  %mn = linalg.generic {indexing_maps = [#all, #column, #none], iterator_types = ["reduction", "reduction"]}
      ins(%h, %shift : tensor<4x8xf32>, tensor<8xf32>) outs(%inf : tensor<f32>) {
  ^bb0(%x: f32, %c: f32, %out: f32):
    %y = arith.addf %x, %c : f32
    %least = arith.maximumf %y, %out : f32
    linalg.yield %least : f32
  } -> tensor<f32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s, shift %shift, offset %mn : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>, tensor<f32>) outs(%p : tensor<4x3xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}

// -----

#codes = #lowbit.packing<<0, 1, 2, 3>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#none = affine_map<(d0, d1) -> ()>

// Whoever else reads the numbers needs the whole product.
// CHECK-LABEL: func @read_by_others
// CHECK-NOT: scf.if
func.func @read_by_others(%a: tensor<4x2xi64>, %s: tensor<f32>) -> (tensor<4x3xi64>, tensor<4x8xf32>) {
  %w = arith.constant dense<1> : tensor<1x2x8xi64>
  %shift = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 1.0, -4.0, 0.0, 2.0]> : tensor<8xf32>
  %inf = arith.constant dense<0x7F800000> : tensor<f32>
  %e = tensor.empty() : tensor<4x8xf32>
  %h = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x8xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %one = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.maximumf %f, %one : f32
    lowbit.yield %r : f32
  } -> tensor<4x8xf32>
  %mn = linalg.generic {indexing_maps = [#all, #column, #none], iterator_types = ["reduction", "reduction"]}
      ins(%h, %shift : tensor<4x8xf32>, tensor<8xf32>) outs(%inf : tensor<f32>) {
  ^bb0(%x: f32, %c: f32, %out: f32):
    %y = arith.addf %x, %c : f32
    %least = arith.minimumf %y, %out : f32
    linalg.yield %least : f32
  } -> tensor<f32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s, shift %shift, offset %mn : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>, tensor<f32>) outs(%p : tensor<4x3xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %q, %h : tensor<4x3xi64>, tensor<4x8xf32>
}

// -----

#codes = #lowbit.packing<<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31>, rows>
#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#none = affine_map<(d0, d1) -> ()>

// Codes of more than four bits are packed faster from numbers.
// CHECK-LABEL: func @many_bits
// CHECK-NOT: scf.if
func.func @many_bits(%a: tensor<4x2xi64>, %s: tensor<f32>) -> tensor<4x6xi64> {
  %w = arith.constant dense<1> : tensor<1x2x8xi64>
  %shift = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 1.0, -4.0, 0.0, 2.0]> : tensor<8xf32>
  %inf = arith.constant dense<0x7F800000> : tensor<f32>
  %e = tensor.empty() : tensor<4x8xf32>
  %h = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x2x8xi64>) outs(%e : tensor<4x8xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 8 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %one = arith.constant 0.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.maximumf %f, %one : f32
    lowbit.yield %r : f32
  } -> tensor<4x8xf32>
  %mn = linalg.generic {indexing_maps = [#all, #column, #none], iterator_types = ["reduction", "reduction"]}
      ins(%h, %shift : tensor<4x8xf32>, tensor<8xf32>) outs(%inf : tensor<f32>) {
  ^bb0(%x: f32, %c: f32, %out: f32):
    %y = arith.addf %x, %c : f32
    %least = arith.minimumf %y, %out : f32
    linalg.yield %least : f32
  } -> tensor<f32>
  %p = tensor.empty() : tensor<4x6xi64>
  %q = lowbit.quantize_pack ins(%h, scale %s, shift %shift, offset %mn : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>, tensor<f32>) outs(%p : tensor<4x6xi64>)
    {packing = #codes, rounding = #lowbit.rounding<half_even>} -> tensor<4x6xi64>
  return %q : tensor<4x6xi64>
}
