// RUN: lowbit-opt %s --lowbit-fuse-norm --canonicalize --split-input-file | FileCheck %s

#rows = #lowbit.packing<<-1, 0, 1>, rows>
#bits = #lowbit.packing<<0, 1>, rows>
#panels = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// Every quantizer of rows joins, each with its own operands; panels stay apart.
// CHECK-LABEL: func @quantizers
// CHECK: %[[N:.*]]:3 = lowbit.layer_norm_pack ins(%{{.*}}, %{{.*}}, bias %{{.*}} : tensor<4x96xf32>, tensor<96xf32>, tensor<96xf32>)
// CHECK-SAME: operands(%[[SHIFT:.*]], %[[SCALE:.*]] : tensor<96xf32>, tensor<f32>)
// CHECK-SAME: packings = [#lowbit.packing<<-1, 0, 1>, rows>, #lowbit.packing<<0, 1>, rows>]
// CHECK: ^bb0(%[[Y:.*]]: f32, %[[S:.*]]: f32, %[[A:.*]]: f32):
// CHECK-DAG: arith.addf %[[Y]], %[[S]]
// CHECK-DAG: arith.divf %[[Y]], %[[A]]
// CHECK: lowbit.yield %{{.*}}, %{{.*}}, %{{.*}} : i1, i1, i1
// CHECK: lowbit.quantize_pack ins(%[[N]]#0
// CHECK-NOT: lowbit.quantize_pack
func.func @quantizers(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %b: tensor<96xf32>, %shift: tensor<96xf32>, %s: tensor<f32>)
    -> (tensor<4x96xf32>, tensor<4x5xi64>, tensor<4x3xi64>, tensor<1x3x8xi64>) {
  %e = tensor.empty() : tensor<4x96xf32>
  %n = lowbit.layer_norm ins(%x, %g, bias %b : tensor<4x96xf32>, tensor<96xf32>, tensor<96xf32>) outs(%e : tensor<4x96xf32>) {epsilon = 1.0e-5 : f32} -> tensor<4x96xf32>
  %p0 = tensor.empty() : tensor<4x5xi64>
  %q0 = lowbit.quantize_pack ins(%n, shift %shift : tensor<4x96xf32>, tensor<96xf32>) outs(%p0 : tensor<4x5xi64>)
    {packing = #rows, rounding = #lowbit.rounding<sign>} -> tensor<4x5xi64>
  %p1 = tensor.empty() : tensor<4x3xi64>
  %q1 = lowbit.quantize_pack ins(%n, scale %s : tensor<4x96xf32>, tensor<f32>) outs(%p1 : tensor<4x3xi64>)
    {packing = #bits, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  %p2 = tensor.empty() : tensor<1x3x8xi64>
  %q2 = lowbit.quantize_pack ins(%n : tensor<4x96xf32>) outs(%p2 : tensor<1x3x8xi64>)
    {packing = #panels, rounding = #lowbit.rounding<step>} -> tensor<1x3x8xi64>
  return %n, %q0, %q1, %q2 : tensor<4x96xf32>, tensor<4x5xi64>, tensor<4x3xi64>, tensor<1x3x8xi64>
}

// -----

#bits = #lowbit.packing<<0, 1>, rows>

// The scale is made of the numbers themselves: it is not there before the sweep.
// CHECK-LABEL: func @dynamic
// CHECK: lowbit.layer_norm ins
// CHECK: lowbit.quantize_pack
func.func @dynamic(%x: tensor<4x96xf32>, %g: tensor<96xf32>) -> tensor<4x3xi64> {
  %e = tensor.empty() : tensor<4x96xf32>
  %n = lowbit.layer_norm ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>) outs(%e : tensor<4x96xf32>) {epsilon = 1.0e-5 : f32} -> tensor<4x96xf32>
  %s = tensor.empty() : tensor<f32>
  %most = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%n : tensor<4x96xf32>) outs(%s : tensor<f32>) {
  ^bb0(%v: f32, %m: f32):
    %0 = arith.maximumf %v, %m : f32
    linalg.yield %0 : f32
  } -> tensor<f32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%n, scale %most : tensor<4x96xf32>, tensor<f32>) outs(%p : tensor<4x3xi64>)
    {packing = #bits, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}
