// RUN: lowbit-opt %s --lowbit-pack-tables=type=int8 --verify-diagnostics --mlir-print-op-on-diagnostic=false | FileCheck %s

// Column n has 255 levels, 1/127 of its largest magnitude apart: 127 for itself, 64 (a tie is
// even) for half of it, and a column of zeros.

#left = affine_map<(m, k, n) -> (m, k)>
#right = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
// CHECK-LABEL: func @table
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>, %[[Y:.*]]: tensor<?x16xf32>)
// CHECK-DAG: %[[T:.*]] = arith.constant dense<{{\[\[\[}}127, -127, 0, {{.*}}[64, 0, 0, {{.*}} : tensor<1x2x32xi8>
// CHECK-DAG: %[[S:.*]] = arith.constant dense<[1.000000e+00, 1.000000e+00, 0.000000e+00, {{.*}} : tensor<16xf32>
// CHECK: %[[Z:.*]] = linalg.fill
// CHECK: %[[P:.*]] = linalg.generic {{.*}}ins(%[[X]], %[[T]] : {{.*}}outs(%[[Z]] :
// CHECK: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: i8, %{{.*}}: f32):
// CHECK: %[[WIDE:.*]] = arith.sitofp %[[B]] : i8 to f32
// CHECK: arith.mulf %[[A]], %[[WIDE]] : f32
// CHECK: linalg.generic {{.*}}ins(%[[P]], %[[S]], %[[Y]] :
func.func @table(%x: tensor<?x2xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-remark @below {{stored as int8: 64 bytes; numbers change by 0.5 at most}}
  %t = arith.constant dense<[[127.0, -127.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                             [63.5, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<2x16xf32>
  %r = linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x, %t : tensor<?x2xf32>, tensor<2x16xf32>) outs(%y : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// A table that is not finite stays.
// CHECK-LABEL: func @infinite
// CHECK-NOT: i8
// CHECK: return
func.func @infinite(%x: tensor<?x1xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %t = arith.constant dense<0x7F800000> : tensor<1x16xf32>
  %r = linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x, %t : tensor<?x1xf32>, tensor<1x16xf32>) outs(%y : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}
