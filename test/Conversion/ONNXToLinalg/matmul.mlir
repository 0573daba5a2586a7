// RUN: lowbit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// The innermost loop runs over n, contiguous in the right operand and the result.
// CHECK-DAG: #[[$A:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$B:.+]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[$C:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-LABEL: func.func @weight
// CHECK: linalg.fill
// CHECK: linalg.generic {indexing_maps = [#[[$A]], #[[$B]], #[[$C]]], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
// CHECK-SAME: attrs = {lowbit.float_matmul, lowbit.float_reason = "no quantizer"}
func.func @weight(%x: tensor<?x?x8xf32>, %w: tensor<8x4xf32>) -> tensor<?x?x4xf32> {
  %y = onnx.MatMul %x, %w {lowbit.float_reason = "no quantizer"} : (tensor<?x?x8xf32>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// A batch dimension of 1 is broadcast by a map; a vector has no loop of its own.
// CHECK-LABEL: func.func @broadcast
// CHECK: tensor.collapse_shape {{.*}} : tensor<1x3x5xf32> into tensor<3x5xf32>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction", "parallel"]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
func.func @broadcast(%x: tensor<1x3x5xf32>, %w: tensor<2x5x4xf32>, %v: tensor<4xf32>) -> tensor<2x3xf32> {
  %y = onnx.MatMul %x, %w : (tensor<1x3x5xf32>, tensor<2x5x4xf32>) -> tensor<2x3x4xf32>
  %z = onnx.MatMul %y, %v : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return %z : tensor<2x3xf32>
}

// -----

// A constant is transposed at compile time.
// CHECK-LABEL: func.func @gemm
// CHECK: arith.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00, 5.000000e+00], [2.000000e+00, 4.000000e+00, 6.000000e+00]]> : tensor<2x3xf32>
// CHECK-NOT: linalg.transpose
// CHECK: lowbit.float_matmul
// CHECK: linalg.generic
// CHECK: arith.mulf {{.*}}, %cst
// CHECK: arith.addf
func.func @gemm(%x: tensor<?x2xf32>, %b: tensor<3xf32>) -> tensor<?x3xf32> {
  %w = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32> : tensor<3x2xf32>
  %y = onnx.Gemm %x, %w, %b {alpha = 0.5 : f32, transB = 1 : i64} : (tensor<?x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func.func @integers
// CHECK-NOT: lowbit.float_matmul
// CHECK: arith.muli
func.func @integers(%x: tensor<3x5xi64>, %w: tensor<5x4xi64>) -> tensor<3x4xi64> {
  %y = onnx.MatMul %x, %w : (tensor<3x5xi64>, tensor<5x4xi64>) -> tensor<3x4xi64>
  return %y : tensor<3x4xi64>
}

// -----

// Attention: two products, keys transposed, a boolean mask that keeps where true.
// CHECK-LABEL: func.func @attention
// CHECK: linalg.transpose {{.*}} permutation = [0, 1, 3, 2]
// CHECK: lowbit.float_matmul
// CHECK: arith.select
// CHECK: math.exp
// CHECK: lowbit.float_matmul
func.func @attention(%q: tensor<2x4x?x8xf32>, %k: tensor<2x4x?x8xf32>, %m: tensor<?x?xi1>) -> tensor<2x4x?x8xf32> {
  %y = onnx.Attention %q, %k, %k mask %m : (tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>, tensor<?x?xi1>) -> tensor<2x4x?x8xf32>
  return %y : tensor<2x4x?x8xf32>
}
