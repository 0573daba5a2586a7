// RUN: lowbit-opt %s --lowbit-pack-tables=type=bf16 --verify-diagnostics --mlir-print-op-on-diagnostic=false | FileCheck %s
// RUN: not lowbit-opt %s --lowbit-pack-tables=type=int4 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: error: unknown type 'int4' of tables, expected f32, bf16 or int8

// Numbers are rounded to bf16, ties to even, and products widen them again.
// 1.00390625 lies between 1 and 1.0078125, 1.01171875 between that and 1.015625.

#left = affine_map<(m, k, n) -> (m, k)>
#right = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
// CHECK-LABEL: func @table
// CHECK: arith.constant dense_resource<[[NAME:.*]]> : tensor<1x1x32xbf16>
// CHECK: linalg.generic
// CHECK: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: bf16, %{{.*}}: f32):
// CHECK: %[[WIDE:.*]] = arith.extf %[[B]] : bf16 to f32
// CHECK: arith.mulf %[[A]], %[[WIDE]] : f32
// CHECK: [[NAME]]: "0x{{........}}803F803F823F80BF
func.func @table(%x: tensor<?x1xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-remark @below {{stored as bf16: 64 bytes; numbers change by 0.00390625 at most}}
  %t = arith.constant dense<[[1.0, 1.00390625, 1.01171875, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<1x16xf32>
  %r = linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x, %t : tensor<?x1xf32>, tensor<1x16xf32>) outs(%y : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}
