// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --cse | FileCheck %s

// What a straight-through estimator adds to a quantized value is rounding.

// CHECK-LABEL: func @straight_through
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>
// CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]] :
// CHECK-NOT: onnx.Sub
// CHECK: lowbit.matmul ins(%[[Q]], %[[Q]] :
func.func @straight_through(%x: tensor<4x8xf32>) -> tensor<4x4xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = onnx.Sign %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %q = onnx.Mul %s, %a : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %d = onnx.Sub %q, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = onnx.Add %x, %d : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %t = onnx.Transpose %y {perm = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %z = onnx.MatMul %y, %t : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
  return %z : tensor<4x4xf32>
}

// -----

// Another number is added than was subtracted.

// CHECK-LABEL: func @residual
// CHECK: onnx.Sub
// CHECK: onnx.Add
func.func @residual(%x: tensor<4x8xf32>, %w: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = onnx.Sign %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %q = onnx.Mul %s, %a : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %d = onnx.Sub %q, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = onnx.Add %d, %w : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// Both sides of scaled_dot_product_attention are multiplied by a root of the
// scale, one of them transposed: the factors join the scales.

// CHECK-LABEL: func @factors
// CHECK: lowbit.matmul
// CHECK: linalg.generic
// CHECK: arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK-NOT: onnx.Mul
// CHECK: return
func.func @factors(%x: tensor<2x4x8xf32>, %y: tensor<2x4x8xf32>) -> tensor<2x4x4xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %f = onnx.Constant dense<0.25> : tensor<f32> : tensor<f32>
  %g = onnx.Constant dense<4.0> : tensor<1xf32> : tensor<1xf32>
  %s = onnx.Sign %x : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %q = onnx.Mul %s, %a : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %r = onnx.Sign %y : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %k = onnx.Mul %r, %a : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %qf = onnx.Mul %f, %q : (tensor<f32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %t = onnx.Transpose %k {perm = array<i64: 0, 2, 1>} : (tensor<2x4x8xf32>) -> tensor<2x8x4xf32>
  %kf = onnx.Div %t, %g : (tensor<2x8x4xf32>, tensor<1xf32>) -> tensor<2x8x4xf32>
  %z = onnx.MatMul %qf, %kf : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  return %z : tensor<2x4x4xf32>
}

// -----

// What others than products read is computed as written, unless the scale is 1.

// CHECK-LABEL: func @read_elsewhere
// CHECK: onnx.Mul
func.func @read_elsewhere(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %a = onnx.Constant dense<0.3> : tensor<f32> : tensor<f32>
  %f = onnx.Constant dense<0.25> : tensor<f32> : tensor<f32>
  %s = onnx.Sign %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %q = onnx.Mul %s, %a : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %y = onnx.Mul %q, %f : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// A step of one, scaled by the learned number.

// CHECK-LABEL: func @scaled_step
// CHECK: %[[A:.*]] = arith.constant dense<3.000000e-01> : tensor<f32>
// CHECK: lowbit.dequantize ins(%{{.*}}, scale %[[A]] : tensor<4x8x!lowbit.levels<-1, 1>>
// CHECK-NOT: onnx.Mul
func.func @scaled_step(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %a = onnx.Constant dense<0.3> : tensor<f32> : tensor<f32>
  %o = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %n = onnx.Constant dense<-1.0> : tensor<f32> : tensor<f32>
  %z = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %c = onnx.GreaterOrEqual %x, %z : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  %s = onnx.Where %c, %o, %n : (tensor<4x8xi1>, tensor<f32>, tensor<f32>) -> tensor<4x8xf32>
  %y = onnx.Mul %a, %s : (tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// Scales of tokens follow a Reshape to a matrix.

// CHECK-LABEL: func @flattened
// CHECK: %[[F:.*]] = onnx.Reshape %{{.*}} : (tensor<2x?x8x!lowbit.levels<-1, 1>>, tensor<2xi64>) -> tensor<?x8x!lowbit.levels<-1, 1>>
// CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0, 1]] : tensor<2x?xf32> into tensor<?xf32>
// CHECK: lowbit.matmul ins(%[[F]],
func.func @flattened(%x: tensor<2x?x8xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]]> : tensor<8x2xf32> : tensor<8x2xf32>
  %shape = onnx.Constant dense<[-1, 8]> : tensor<2xi64> : tensor<2xi64>
  %epsilon = onnx.Constant dense<1.0e-7> : tensor<f32> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-0.99> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<0.99> : tensor<f32> : tensor<f32>
  %abs = onnx.Abs %x : (tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  %max = onnx.ReduceMax %abs {axes = array<i64: 2>} : (tensor<2x?x8xf32>) -> tensor<2x?x1xf32>
  %bound = onnx.Add %max, %epsilon : (tensor<2x?x1xf32>, tensor<f32>) -> tensor<2x?x1xf32>
  %s = onnx.Div %one, %bound : (tensor<f32>, tensor<2x?x1xf32>) -> tensor<2x?x1xf32>
  %m = onnx.Mul %x, %s : (tensor<2x?x8xf32>, tensor<2x?x1xf32>) -> tensor<2x?x8xf32>
  %c = onnx.Clip %m min %lo max %hi : (tensor<2x?x8xf32>, tensor<f32>, tensor<f32>) -> tensor<2x?x8xf32>
  %f = onnx.Floor %c : (tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  %a = onnx.Add %f, %half : (tensor<2x?x8xf32>, tensor<f32>) -> tensor<2x?x8xf32>
  %q = onnx.Div %a, %s : (tensor<2x?x8xf32>, tensor<2x?x1xf32>) -> tensor<2x?x8xf32>
  %r = onnx.Reshape %q, %shape : (tensor<2x?x8xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %z = onnx.Gemm %r, %w : (tensor<?x8xf32>, tensor<8x2xf32>) -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}
