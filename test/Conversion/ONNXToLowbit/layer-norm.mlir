// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --verify-diagnostics | FileCheck %s

// Taken apart by TorchScript: Pow, epsilon, Sqrt, Div, scale on the left.

// CHECK-LABEL: func @decomposed
// CHECK-SAME: %[[X:.*]]: tensor<2x?x4xf32>
func.func @decomposed(%x: tensor<2x?x4xf32>) -> tensor<2x?x4xf32> {
  // CHECK: lowbit.layer_norm ins(%[[X]], %{{[^,]*}}, bias %{{[a-z0-9_]+}} :
  // CHECK-SAME: epsilon = 9.99999996E-13 : f32
  %two = onnx.Constant dense<2.0> : tensor<f32> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-12> : tensor<f32> : tensor<f32>
  %w = onnx.Constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32> : tensor<4xf32>
  %b = onnx.Constant dense<[5.0, 6.0, 7.0, 8.0]> : tensor<4xf32> : tensor<4xf32>
  %m = onnx.ReduceMean %x {axes = array<i64: -1>} : (tensor<2x?x4xf32>) -> tensor<2x?x1xf32>
  %c = onnx.Sub %x, %m : (tensor<2x?x4xf32>, tensor<2x?x1xf32>) -> tensor<2x?x4xf32>
  %p = onnx.Pow %c, %two : (tensor<2x?x4xf32>, tensor<f32>) -> tensor<2x?x4xf32>
  %v = onnx.ReduceMean %p {axes = array<i64: 2>} : (tensor<2x?x4xf32>) -> tensor<2x?x1xf32>
  %a = onnx.Add %v, %eps : (tensor<2x?x1xf32>, tensor<f32>) -> tensor<2x?x1xf32>
  %r = onnx.Sqrt %a : (tensor<2x?x1xf32>) -> tensor<2x?x1xf32>
  %n = onnx.Div %c, %r : (tensor<2x?x4xf32>, tensor<2x?x1xf32>) -> tensor<2x?x4xf32>
  %s = onnx.Mul %w, %n : (tensor<4xf32>, tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %y = onnx.Add %s, %b : (tensor<2x?x4xf32>, tensor<4xf32>) -> tensor<2x?x4xf32>
  return %y : tensor<2x?x4xf32>
}

// -----

// dynamo drops an epsilon of 1e-12; a product as square, a reciprocal, no vectors.

// CHECK-LABEL: func @no_epsilon
// CHECK: %[[ONES:.*]] = arith.constant dense<1.000000e+00> : tensor<4xf32>
// CHECK: lowbit.layer_norm ins(%{{.*}}, %[[ONES]] :
// CHECK-SAME: epsilon = 0.000000e+00 : f32
func.func @no_epsilon(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = onnx.ReduceMean %x {axes = array<i64: -1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %c = onnx.Sub %x, %m : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %p = onnx.Mul %c, %c : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %v = onnx.ReduceMean %p {axes = array<i64: -1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %r = onnx.Sqrt %v : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %i = onnx.Reciprocal %r : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %n = onnx.Mul %c, %i : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %n : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func @operator
// CHECK: lowbit.layer_norm
func.func @operator(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %w = onnx.Constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32> : tensor<4xf32>
  %y = onnx.LayerNormalization %x, %w {axis = -1 : i64, epsilon = 1.0e-5 : f32} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// Over two dimensions.

// CHECK-LABEL: func @two_axes
// CHECK: onnx.LayerNormalization
func.func @two_axes(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %w = onnx.Constant dense<1.0> : tensor<3x4xf32> : tensor<3x4xf32>
  // expected-remark @below {{not a layer_norm}}
  %y = onnx.LayerNormalization %x, %w {axis = 1 : i64} : (tensor<2x3x4xf32>, tensor<3x4xf32>) -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// -----

// The mean of another dimension is subtracted.

// CHECK-LABEL: func @other_axis
// CHECK-NOT: lowbit.layer_norm
func.func @other_axis(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %m = onnx.ReduceMean %x {axes = array<i64: 0>} : (tensor<4x4xf32>) -> tensor<1x4xf32>
  %c = onnx.Sub %x, %m : (tensor<4x4xf32>, tensor<1x4xf32>) -> tensor<4x4xf32>
  %p = onnx.Mul %c, %c : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %v = onnx.ReduceMean %p {axes = array<i64: -1>} : (tensor<4x4xf32>) -> tensor<4x1xf32>
  %r = onnx.Sqrt %v : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %n = onnx.Div %c, %r : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  return %n : tensor<4x4xf32>
}
