// RUN: lowbit-opt %s --lowbit-sink-collapses --canonicalize --split-input-file | FileCheck %s

!pm1 = !lowbit.levels<-1, 1>

// Batch and heads are merged for the product and parted for the mask.

// CHECK-LABEL: func @scores
// CHECK-SAME: (%[[Q:.*]]: tensor<?x12x?x64xf32>, %[[K:.*]]: tensor<?x12x?x64x!lowbit.levels<-1, 1>>
// CHECK-NOT: collapse_shape
// CHECK: %[[C:.*]] = lowbit.quantize ins(%[[Q]] : tensor<?x12x?x64xf32>)
// CHECK: lowbit.matmul ins(%[[C]], %[[K]] :
// CHECK-SAME: tensor<?x12x?x?xi32>
// CHECK-NOT: shape
// CHECK: linalg.generic
// CHECK: lowbit.softmax {{.*}} -> tensor<?x12x?x?xf32>
// CHECK: tensor.collapse_shape
// CHECK: return
#id = affine_map<(b, i, j) -> (b, i, j)>
func.func @scores(%q: tensor<?x12x?x64xf32>, %k: tensor<?x12x?x64x!pm1>, %b: index, %m: index, %n: index, %bh: index) -> tensor<?x?x?xf32> {
  %mq = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<?x12x?x64xf32> into tensor<?x?x64xf32>
  %eq = tensor.empty(%bh, %m) : tensor<?x?x64x!pm1>
  %c = lowbit.quantize ins(%mq : tensor<?x?x64xf32>) outs(%eq : tensor<?x?x64x!pm1>) {rounding = #lowbit.rounding<step>} -> tensor<?x?x64x!pm1>
  %mk = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<?x12x?x64x!pm1> into tensor<?x?x64x!pm1>
  %es = tensor.empty(%bh, %m, %n) : tensor<?x?x?xi32>
  %s = lowbit.matmul ins(%c, %mk : tensor<?x?x64x!pm1>, tensor<?x?x64x!pm1>) outs(%es : tensor<?x?x?xi32>) {transpose_rhs} -> tensor<?x?x?xi32>
  %ef = tensor.empty(%bh, %m, %n) : tensor<?x?x?xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : tensor<?x?x?xi32>) outs(%ef : tensor<?x?x?xf32>) {
  ^bb0(%x: i32, %unused: f32):
    %y = arith.sitofp %x : i32 to f32
    linalg.yield %y : f32
  } -> tensor<?x?x?xf32>
  %parted = tensor.expand_shape %f [[0, 1], [2], [3]] output_shape [%b, 12, %m, %n] : tensor<?x?x?xf32> into tensor<?x12x?x?xf32>
  %merged = tensor.collapse_shape %parted [[0, 1], [2], [3]] : tensor<?x12x?x?xf32> into tensor<?x?x?xf32>
  %p = lowbit.softmax ins(%merged : tensor<?x?x?xf32>) outs(%ef : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  return %p : tensor<?x?x?xf32>
}

// -----

// Batches of other parts: nothing says how the dimensions of one side are those
// of the other.

// CHECK-LABEL: func @other_parts
// CHECK: lowbit.matmul {{.*}} -> tensor<24x8x8xi32>
func.func @other_parts(%a: tensor<2x12x8x64x!lowbit.levels<-1, 1>>, %b: tensor<3x8x8x64x!lowbit.levels<-1, 1>>) -> tensor<24x8x8xi32> {
  %ma = tensor.collapse_shape %a [[0, 1], [2], [3]] : tensor<2x12x8x64x!lowbit.levels<-1, 1>> into tensor<24x8x64x!lowbit.levels<-1, 1>>
  %mb = tensor.collapse_shape %b [[0, 1], [2], [3]] : tensor<3x8x8x64x!lowbit.levels<-1, 1>> into tensor<24x8x64x!lowbit.levels<-1, 1>>
  %e = tensor.empty() : tensor<24x8x8xi32>
  %s = lowbit.matmul ins(%ma, %mb : tensor<24x8x64x!lowbit.levels<-1, 1>>, tensor<24x8x64x!lowbit.levels<-1, 1>>) outs(%e : tensor<24x8x8xi32>) {transpose_rhs} -> tensor<24x8x8xi32>
  return %s : tensor<24x8x8xi32>
}

// -----

// Sums of levels for the correction of an offset, along the keys.

// CHECK-LABEL: func @level_sum
// CHECK-SAME: (%[[V:.*]]: tensor<?x12x?x64x!lowbit.levels<-1, 0, 1>>
// CHECK: %[[S:.*]] = lowbit.level_sum ins(%[[V]] :
// CHECK-SAME: {axis = 2 : i64} -> tensor<?x12x64xi32>
// CHECK: tensor.collapse_shape %[[S]] {{\[\[}}0, 1], [2]]
func.func @level_sum(%v: tensor<?x12x?x64x!lowbit.levels<-1, 0, 1>>, %bh: index) -> tensor<?x64xi32> {
  %m = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<?x12x?x64x!lowbit.levels<-1, 0, 1>> into tensor<?x?x64x!lowbit.levels<-1, 0, 1>>
  %e = tensor.empty(%bh) : tensor<?x64xi32>
  %s = lowbit.level_sum ins(%m : tensor<?x?x64x!lowbit.levels<-1, 0, 1>>) outs(%e : tensor<?x64xi32>) {axis = 1 : i64} -> tensor<?x64xi32>
  return %s : tensor<?x64xi32>
}
