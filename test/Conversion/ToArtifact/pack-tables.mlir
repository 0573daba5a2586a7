// RUN: lowbit-opt %s --lowbit-pack-tables --split-input-file | FileCheck %s

// A table that only float products read is stored in panels of 32 columns, the
// last one filled up with zeros.

#left = affine_map<(m, k, n) -> (m, k)>
#right = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
// CHECK: #[[PANELS:.*]] = affine_map<(d0, d1, d2) -> (d2 floordiv 32, d1, d2 mod 32)>
// CHECK-LABEL: func @table
// CHECK: %[[PACKED:.*]] = arith.constant dense_resource<{{.*}}> : tensor<2x3x32xf32>
// CHECK-NOT: arith.constant
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[PANELS]], #{{.*}}], iterator_types = ["parallel", "reduction", "parallel"]} ins(%{{.*}}, %[[PACKED]] :
func.func @table(%x: tensor<?x3xf32>, %y: tensor<?x40xf32>) -> tensor<?x40xf32> {
  %t = arith.constant dense<1.0> : tensor<3x40xf32>
  %r = linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x, %t : tensor<?x3xf32>, tensor<3x40xf32>) outs(%y : tensor<?x40xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x40xf32>
  return %r : tensor<?x40xf32>
}

// -----

// The order of panels: rows of the first 32 columns, then of the others.

#left = affine_map<(k, n) -> (k)>
#right = affine_map<(k, n) -> (k, n)>
#result = affine_map<(k, n) -> (n)>
// CHECK-LABEL: func @order
// CHECK{LITERAL}: dense<[[[0.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00, 9.000000e+00, 1.000000e+01, 1.100000e+01, 1.200000e+01, 1.300000e+01, 1.400000e+01, 1.500000e+01, 0.000000e+00,
// CHECK-SAME: tensor<1x2x32xf32>
// CHECK: linalg.generic
func.func @order(%x: tensor<2xf32>, %y: tensor<16xf32>) -> tensor<16xf32> {
  %t = arith.constant dense<[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0],
                             [16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0, 31.0]]> : tensor<2x16xf32>
  %r = linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["reduction", "parallel"]}
    ins(%x, %t : tensor<2xf32>, tensor<2x16xf32>) outs(%y : tensor<16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  return %r : tensor<16xf32>
}

// -----

// Others read the table as well, or it has few columns: it stays.

#left = affine_map<(m, k, n) -> (m, k)>
#right = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
// CHECK-LABEL: func @shared
// CHECK: arith.constant {{.*}} : tensor<3x40xf32>
// CHECK-NOT: floordiv
func.func @shared(%x: tensor<?x3xf32>, %y: tensor<?x40xf32>) -> (tensor<?x40xf32>, tensor<3x40xf32>) {
  %t = arith.constant dense<1.0> : tensor<3x40xf32>
  %r = linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x, %t : tensor<?x3xf32>, tensor<3x40xf32>) outs(%y : tensor<?x40xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x40xf32>
  return %r, %t : tensor<?x40xf32>, tensor<3x40xf32>
}

// CHECK-LABEL: func @narrow
// CHECK: arith.constant {{.*}} : tensor<3x15xf32>
func.func @narrow(%x: tensor<?x3xf32>, %y: tensor<?x15xf32>) -> tensor<?x15xf32> {
  %t = arith.constant dense<1.0> : tensor<3x15xf32>
  %r = linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x, %t : tensor<?x3xf32>, tensor<3x15xf32>) outs(%y : tensor<?x15xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x15xf32>
  return %r : tensor<?x15xf32>
}
