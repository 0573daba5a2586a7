// RUN: lowbit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Sums may take any order; the mean divides by the run's number of elements.
// CHECK-LABEL: func.func @mean
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: arith.addf %{{.*}} fastmath<reassoc>
// CHECK: %[[N:.*]] = arith.sitofp %{{.*}} : i64 to f32
// CHECK: arith.divf %{{.*}}, %[[N]]
// CHECK: tensor.expand_shape {{.*}} : tensor<4xf32> into tensor<4x1xf32>
func.func @mean(%x: tensor<4x?xf32>) -> tensor<4x1xf32> {
  %y = onnx.ReduceMean %x {axes = array<i64: -1>} : (tensor<4x?xf32>) -> tensor<4x1xf32>
  return %y : tensor<4x1xf32>
}

// -----

// CHECK-LABEL: func.func @extremes
// CHECK: 0xFF800000 : f32
// CHECK: arith.maximumf
// CHECK: 9223372036854775807 : i64
// CHECK: arith.minsi
func.func @extremes(%x: tensor<4x?xf32>, %i: tensor<4x?xi64>) -> (tensor<f32>, tensor<?xi64>) {
  %y = onnx.ReduceMax %x {keepdims = 0 : i64} : (tensor<4x?xf32>) -> tensor<f32>
  %z = onnx.ReduceMin %i {axes = array<i64: 0>, keepdims = 0 : i64} : (tensor<4x?xi64>) -> tensor<?xi64>
  return %y, %z : tensor<f32>, tensor<?xi64>
}

// -----

// Running sums: a loop carries the sum, the result is written in place.
// CHECK-LABEL: func.func @scan
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args(%{{.*}}, %[[SUM:.*]] = %c0_i64)
// CHECK: arith.addi %[[SUM]]
// CHECK: tensor.insert
func.func @scan(%x: tensor<4x?xi64>) -> tensor<4x?xi64> {
  %y = onnx.CumSum %x {axis = 1 : i64} : (tensor<4x?xi64>) -> tensor<4x?xi64>
  return %y : tensor<4x?xi64>
}

// -----

// CHECK-LABEL: func.func @softmax
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "parallel"]
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.divf
func.func @softmax(%x: tensor<2x?x4xf32>) -> tensor<2x?x4xf32> {
  %y = onnx.Softmax %x {axis = 1 : i64} : (tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  return %y : tensor<2x?x4xf32>
}

// -----

// CHECK-LABEL: func.func @layer_norm
// CHECK: iterator_types = ["parallel", "reduction", "reduction"]
// CHECK: math.sqrt
func.func @layer_norm(%x: tensor<?x3x4xf32>, %s: tensor<3x4xf32>, %b: tensor<3x4xf32>) -> tensor<?x3x4xf32> {
  %y = onnx.LayerNormalization %x, %s, %b {axis = 1 : i64} : (tensor<?x3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<?x3x4xf32>
  return %y : tensor<?x3x4xf32>
}
