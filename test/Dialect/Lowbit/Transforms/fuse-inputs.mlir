// RUN: lowbit-opt %s --lowbit-fuse-inputs --split-input-file | FileCheck %s

// What is done to every element before it is quantized becomes part of the
// quantizer, and of the extreme that its scale comes from.

// A quantizer of eight bits as TBT has it, behind a transpose of heads.
// CHECK-LABEL: func @largest
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x5x3x8xf32>
// CHECK-NOT: linalg.transpose
// CHECK: %[[M:.*]] = linalg.generic
// CHECK-SAME: iterator_types = ["reduction", "reduction", "reduction", "reduction"]
// CHECK-SAME: ins(%[[X]] : tensor<2x5x3x8xf32>)
// CHECK: arith.minimumf
// CHECK: math.absf
// CHECK: arith.maximumf
// CHECK: %[[F:.*]] = linalg.generic
// CHECK-SAME: ins(%[[M]] : tensor<f32>)
// CHECK: lowbit.quantize_pack ins(%[[X]] : tensor<2x5x3x8xf32>) operands(%[[F]] : tensor<f32>)
// CHECK-SAME: permutation = array<i64: 0, 2, 1, 3>
// CHECK-SAME: input {
// CHECK: ^bb0(%[[E:.*]]: f32, %[[S:.*]]: f32):
// CHECK: %[[C:.*]] = arith.minimumf %[[E]]
// CHECK: %[[P:.*]] = arith.mulf %[[C]], %[[S]]
// CHECK: lowbit.yield %[[P]]
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
#all3 = affine_map<(a, b, c) -> (a, b, c)>
#one3 = affine_map<(a, b, c) -> ()>
#one = affine_map<(a, b, c, d) -> ()>
#none = affine_map<() -> ()>
func.func @largest(%x: tensor<2x5x3x8xf32>) -> tensor<2x3x5x3xi32> {
  %bound = arith.constant 2.5 : f32
  %zero = arith.constant 0.0 : f32
  %s = arith.constant dense<1.0> : tensor<f32>
  %e0 = tensor.empty() : tensor<2x3x5x8xf32>
  %t = linalg.transpose ins(%x : tensor<2x5x3x8xf32>) outs(%e0 : tensor<2x3x5x8xf32>) permutation = [0, 2, 1, 3]
  %clipped = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%t : tensor<2x3x5x8xf32>) outs(%e0 : tensor<2x3x5x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.minimumf %in, %bound : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x8xf32>
  %magnitude = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%clipped : tensor<2x3x5x8xf32>) outs(%e0 : tensor<2x3x5x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.absf %in : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x8xf32>
  %flat = tensor.collapse_shape %magnitude [[0, 1], [2], [3]] : tensor<2x3x5x8xf32> into tensor<6x5x8xf32>
  %e1 = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%zero : f32) outs(%e1 : tensor<f32>) -> tensor<f32>
  %most = linalg.generic {indexing_maps = [#all3, #one3], iterator_types = ["reduction", "reduction", "reduction"]} ins(%flat : tensor<6x5x8xf32>) outs(%start : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.maximumf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %factor = linalg.generic {indexing_maps = [#none, #none], iterator_types = []} ins(%most : tensor<f32>) outs(%e1 : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.divf %bound, %in : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %scaled = linalg.generic {indexing_maps = [#id, #one, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%clipped, %factor : tensor<2x3x5x8xf32>, tensor<f32>) outs(%e0 : tensor<2x3x5x8xf32>) {
  ^bb0(%in: f32, %f: f32, %out: f32):
    %y = arith.mulf %in, %f : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x8xf32>
  %e2 = tensor.empty() : tensor<2x3x5x3xi32>
  %codes = lowbit.quantize_pack ins(%scaled, scale %s : tensor<2x3x5x8xf32>, tensor<f32>) outs(%e2 : tensor<2x3x5x3xi32>)
    {packing = #lowbit.packing<<-2, -1, 0, 1>, bytes>, rounding = #lowbit.rounding<half_even>} -> tensor<2x3x5x3xi32>
  return %codes : tensor<2x3x5x3xi32>
}

// -----

// A scale other than 1 stays.
// CHECK-LABEL: func @scale
// CHECK: lowbit.quantize_pack ins(%{{.*}}, scale %{{.*}} : tensor<4x8xf32>, tensor<f32>) outs
// CHECK-SAME: input {
#id = affine_map<(a, b) -> (a, b)>
func.func @scale(%x: tensor<4x8xf32>, %s: tensor<f32>) -> tensor<4x3xi32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.erf %in : f32
    linalg.yield %y : f32
  } -> tensor<4x8xf32>
  %e2 = tensor.empty() : tensor<4x3xi32>
  %codes = lowbit.quantize_pack ins(%y, scale %s : tensor<4x8xf32>, tensor<f32>) outs(%e2 : tensor<4x3xi32>)
    {packing = #lowbit.packing<<-2, -1, 0, 1>, bytes>, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi32>
  return %codes : tensor<4x3xi32>
}

// -----

// What takes long and is read by others is stored.
// CHECK-LABEL: func @read_by_others
// CHECK: %[[Y:.*]] = linalg.generic
// CHECK: math.erf
// CHECK: lowbit.quantize_pack ins(%[[Y]], scale
// CHECK-NOT: input {
#id = affine_map<(a, b) -> (a, b)>
func.func @read_by_others(%x: tensor<4x8xf32>, %s: tensor<f32>) -> (tensor<4x3xi32>, tensor<4x8xf32>) {
  %e = tensor.empty() : tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.erf %in : f32
    linalg.yield %y : f32
  } -> tensor<4x8xf32>
  %e2 = tensor.empty() : tensor<4x3xi32>
  %codes = lowbit.quantize_pack ins(%y, scale %s : tensor<4x8xf32>, tensor<f32>) outs(%e2 : tensor<4x3xi32>)
    {packing = #lowbit.packing<<-2, -1, 0, 1>, bytes>, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi32>
  return %codes, %y : tensor<4x3xi32>, tensor<4x8xf32>
}

// -----

// Not a number for all elements, but one for each column.
// CHECK-LABEL: func @columns
// CHECK: %[[Y:.*]] = linalg.generic
// CHECK: lowbit.quantize_pack ins(%[[Y]], scale
// CHECK-NOT: input {
#id = affine_map<(a, b) -> (a, b)>
#column = affine_map<(a, b) -> (b)>
func.func @columns(%x: tensor<4x8xf32>, %f: tensor<8xf32>, %s: tensor<f32>) -> tensor<4x3xi32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %f : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %g: f32, %out: f32):
    %y = arith.mulf %in, %g : f32
    linalg.yield %y : f32
  } -> tensor<4x8xf32>
  %e2 = tensor.empty() : tensor<4x3xi32>
  %codes = lowbit.quantize_pack ins(%y, scale %s : tensor<4x8xf32>, tensor<f32>) outs(%e2 : tensor<4x3xi32>)
    {packing = #lowbit.packing<<-2, -1, 0, 1>, bytes>, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi32>
  return %codes : tensor<4x3xi32>
}

// -----

// A sum depends on the order of its terms, and a shift on the last dimension.
// CHECK-LABEL: func @order
// CHECK: %[[T:.*]] = linalg.transpose
// CHECK: linalg.generic
// CHECK-SAME: ins(%[[T]] : tensor<8x4xf32>)
// CHECK: lowbit.quantize_pack ins(%[[T]], scale %{{.*}}, shift
#id = affine_map<(a, b) -> (a, b)>
#one = affine_map<(a, b) -> ()>
func.func @order(%x: tensor<4x8xf32>, %s: tensor<f32>, %shift: tensor<4xf32>, %start: tensor<f32>) -> (tensor<8x2xi32>, tensor<f32>) {
  %e = tensor.empty() : tensor<8x4xf32>
  %t = linalg.transpose ins(%x : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>) permutation = [1, 0]
  %sum = linalg.generic {indexing_maps = [#id, #one], iterator_types = ["reduction", "reduction"]} ins(%t : tensor<8x4xf32>) outs(%start : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %e2 = tensor.empty() : tensor<8x2xi32>
  %codes = lowbit.quantize_pack ins(%t, scale %s, shift %shift : tensor<8x4xf32>, tensor<f32>, tensor<4xf32>) outs(%e2 : tensor<8x2xi32>)
    {packing = #lowbit.packing<<-2, -1, 0, 1>, bytes>, rounding = #lowbit.rounding<half_even>} -> tensor<8x2xi32>
  return %codes, %sum : tensor<8x2xi32>, tensor<f32>
}
