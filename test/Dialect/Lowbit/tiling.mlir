// RUN: lowbit-opt %s --transform-interpreter --canonicalize --cse --split-input-file | FileCheck %s

!tern = !lowbit.levels<-1, 0, 1>
!pm1 = !lowbit.levels<-1, 1>

// Every dimension of the result of a matmul can be tiled; the sums stay whole.
// CHECK-LABEL: @matmul
// CHECK: scf.for %[[B:[^ ]+]] =
// CHECK: scf.for %[[M:[^ ]+]] =
// CHECK: scf.for %[[N:[^ ]+]] =
// CHECK-DAG: %[[LHS:.*]] = tensor.extract_slice %{{.*}}[%[[B]], %[[M]], 0] [1, 4, 96] [1, 1, 1]
// CHECK-DAG: %[[RHS:.*]] = tensor.extract_slice %{{.*}}[%[[N]], 0] [16, 96] [1, 1]
// CHECK: lowbit.matmul ins(%[[LHS]], %[[RHS]] : tensor<1x4x96x!lowbit.levels<-1, 0, 1>>, tensor<16x96x!lowbit.levels<-1, 1>>)
// CHECK-SAME: {transpose_rhs} -> tensor<1x4x16xi32>
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[%[[B]], %[[M]], %[[N]]] [1, 4, 16]
func.func @matmul(%a: tensor<2x8x96x!tern>, %w: tensor<32x96x!pm1>) -> tensor<2x8x32xi32> {
  %e = tensor.empty() : tensor<2x8x32xi32>
  %0 = lowbit.matmul ins(%a, %w : tensor<2x8x96x!tern>, tensor<32x96x!pm1>) outs(%e : tensor<2x8x32xi32>) {transpose_rhs} -> tensor<2x8x32xi32>
  return %0 : tensor<2x8x32xi32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["lowbit.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l:3 = transform.structured.tile_using_for %op tile_sizes [1, 4, 16]
      : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

!tern = !lowbit.levels<-1, 0, 1>

// A producer is fused tile by tile; its scale per token and shift are sliced too.
// CHECK-LABEL: @fuse
// CHECK: scf.for %[[I:[^ ]+]] =
// CHECK: scf.for %[[J:[^ ]+]] =
// CHECK-DAG: %[[X:.*]] = tensor.extract_slice %{{.*}}[%[[I]], %[[J]]] [2, 16]
// CHECK-DAG: %[[S:.*]] = tensor.extract_slice %{{.*}}[%[[I]]] [2]
// CHECK-DAG: %[[M:.*]] = tensor.extract_slice %{{.*}}[%[[J]]] [16]
// CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]], scale %[[S]], shift %[[M]] : tensor<2x16xf32>, tensor<2xf32>, tensor<16xf32>)
// CHECK: lowbit.dequantize ins(%[[Q]], scale %[[S]] : tensor<2x16x!lowbit.levels<-1, 0, 1>>, tensor<2xf32>)
func.func @fuse(%x: tensor<8x64xf32>, %s: tensor<8xf32>, %m: tensor<64xf32>) -> tensor<8x64xf32> {
  %i = tensor.empty() : tensor<8x64x!tern>
  %q = lowbit.quantize ins(%x, scale %s, shift %m : tensor<8x64xf32>, tensor<8xf32>, tensor<64xf32>) outs(%i : tensor<8x64x!tern>)
         {rounding = #lowbit.rounding<half_even>, granularity = #lowbit.granularity<token>} -> tensor<8x64x!tern>
  %e = tensor.empty() : tensor<8x64xf32>
  %y = lowbit.dequantize ins(%q, scale %s : tensor<8x64x!tern>, tensor<8xf32>) outs(%e : tensor<8x64xf32>)
         {granularity = #lowbit.granularity<token>} -> tensor<8x64xf32>
  return %y : tensor<8x64xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["lowbit.dequantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l:2 = transform.structured.fuse %op tile_sizes [2, 16]
      : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Normalisations are tiled by rows only.
// CHECK-LABEL: @rows
// CHECK: scf.for %[[I:[^ ]+]] =
// CHECK: lowbit.layer_norm ins(%{{.*}}, %{{.*}}, bias %{{.*}} : tensor<2x64xf32>, tensor<64xf32>, tensor<64xf32>)
// CHECK: scf.for
// CHECK: lowbit.softmax ins(%{{.*}} : tensor<2x64xf32>)
// CHECK: scf.for
// CHECK: lowbit.threshold ins(%{{.*}}, %{{.*}} : tensor<2x64xi32>, tensor<64x1xi32>)
func.func @rows(%x: tensor<8x64xf32>, %s: tensor<64xf32>, %a: tensor<8x64xi32>, %t: tensor<64x1xi32>)
    -> (tensor<8x64xf32>, tensor<8x64x!lowbit.levels<-1, 1>>) {
  %e = tensor.empty() : tensor<8x64xf32>
  %n = lowbit.layer_norm ins(%x, %s, bias %s : tensor<8x64xf32>, tensor<64xf32>, tensor<64xf32>) outs(%e : tensor<8x64xf32>)
         {epsilon = 1.0e-12 : f32} -> tensor<8x64xf32>
  %y = lowbit.softmax ins(%n : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) -> tensor<8x64xf32>
  %i = tensor.empty() : tensor<8x64x!lowbit.levels<-1, 1>>
  %q = lowbit.threshold ins(%a, %t : tensor<8x64xi32>, tensor<64x1xi32>) outs(%i : tensor<8x64x!lowbit.levels<-1, 1>>)
         -> tensor<8x64x!lowbit.levels<-1, 1>>
  return %y, %q : tensor<8x64xf32>, tensor<8x64x!lowbit.levels<-1, 1>>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["lowbit.layer_norm", "lowbit.softmax", "lowbit.threshold"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.tile_using_for %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
