// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --verify-diagnostics | FileCheck %s

// BiT, one scale, as TorchScript exports it: the mean magnitude comes from a
// flattened copy of the weight. Mean 0.5, mean magnitude 1.5.

// CHECK-LABEL: func @bit_torchscript
// CHECK: %[[W:.*]] = lowbit.constant dense<{{\[}}[1, -1], [-1, 1]]> : tensor<2x2xi8> -> tensor<2x2x!lowbit.levels<-1, 1>>
// CHECK: lowbit.matmul ins(%{{.*}}, %[[W]] : {{.*}}) {{.*}} {transpose_rhs}
// CHECK: arith.mulf %{{.*}}, %[[C:.*]] : f32
func.func @bit_torchscript(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[1.0, -1.0], [-1.0, 3.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %flat = onnx.Constant dense<[1.0, -1.0, -1.0, 3.0]> : tensor<4xf32> : tensor<4xf32>
  %count = onnx.Constant dense<4.0> : tensor<f32> : tensor<f32>
  %shape = onnx.Constant dense<[2, 2]> : tensor<2xi64> : tensor<2xi64>
  %sum = onnx.ReduceL1 %flat {keepdims = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  %m = onnx.Div %sum, %count : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %e = onnx.ReduceMean %w {keepdims = 0 : i64} : (tensor<2x2xf32>) -> tensor<f32>
  %c = onnx.Sub %w, %e : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %s = onnx.Sign %c : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %me = onnx.Expand %m, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<2x2xf32>
  %q = onnx.Mul %s, %me : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %t = onnx.Transpose %q {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.MatMul %x, %t : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// The same as the dynamo exporter writes it.

// CHECK-LABEL: func @bit_dynamo
// CHECK: lowbit.constant dense<{{\[}}[1, -1], [-1, 1]]>
// CHECK: arith.constant 1.500000e+00 : f32
func.func @bit_dynamo(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[1.0, -1.0], [-1.0, 3.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %count = onnx.Constant dense<4.0> : tensor<f32> : tensor<f32>
  %minus = onnx.Constant dense<[-1]> : tensor<1xi64> : tensor<1xi64>
  %shape = onnx.Constant dense<[2, 2]> : tensor<2xi64> : tensor<2xi64>
  %flat = onnx.Reshape %w, %minus : (tensor<2x2xf32>, tensor<1xi64>) -> tensor<4xf32>
  %sum = onnx.ReduceL1 %flat {keepdims = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  %m = onnx.Div %sum, %count : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %k = onnx.ReduceMean %w : (tensor<2x2xf32>) -> tensor<1x1xf32>
  %e = onnx.Squeeze %k : (tensor<1x1xf32>) -> tensor<f32>
  %c = onnx.Sub %w, %e : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %s = onnx.Sign %c : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %me = onnx.Expand %m, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<2x2xf32>
  %q = onnx.Mul %s, %me : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %t = onnx.Transpose %q {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.MatMul %x, %t : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// An element equal to the mean is zero: three levels.

// CHECK-LABEL: func @zero_level
// CHECK: lowbit.constant dense<{{\[}}[1, 0], [-1, 0]]> : tensor<2x2xi8> -> tensor<2x2x!lowbit.levels<-1, 0, 1>>
// CHECK: lowbit.matmul
func.func @zero_level(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[2.0, -2.0], [0.0, 0.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %m = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %e = onnx.ReduceMean %w {keepdims = 0 : i64} : (tensor<2x2xf32>) -> tensor<f32>
  %c = onnx.Sub %w, %e : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %s = onnx.Sign %c : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %q = onnx.Mul %s, %m : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %y = onnx.MatMul %x, %q : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// The expression is no quantizer: its value is what is multiplied.

// CHECK-LABEL: func @computed_float
// CHECK: onnx.Constant dense<{{\[}}[2.000000e+00, 4.000000e+00], [6.000000e+00, 8.000000e+00]]>
// CHECK: onnx.MatMul
func.func @computed_float(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %two = onnx.Constant dense<2.0> : tensor<f32> : tensor<f32>
  %s = onnx.Mul %w, %two : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %y = onnx.MatMul %x, %s : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// TBT, a scale for each row, with the residue of the straight-through estimator.

// CHECK-LABEL: func @row_straight_through
// CHECK: lowbit.constant dense<{{\[}}[1, -1], [-1, 1]]>
// CHECK: arith.constant dense<[1.500000e+00, 2.000000e+00]> : tensor<2xf32>
func.func @row_straight_through(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[1.0, -2.0], [-1.0, 3.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %a = onnx.Abs %w : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %s = onnx.ReduceMean %a {axes = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<2x1xf32>
  %d = onnx.Div %w, %s : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %g = onnx.Sign %d : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %q = onnx.Mul %s, %g : (tensor<2x1xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %r = onnx.Sub %q, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %v = onnx.Add %r, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %t = onnx.Transpose %v {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.MatMul %x, %t : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Folded to floats, [K, N], a scale for each column (one ulp off in the second).

// CHECK-LABEL: func @folded
// CHECK: lowbit.constant dense<{{\[}}[1, -1, 1], [-1, -1, 1]]> : tensor<2x3xi8>
// CHECK: arith.constant dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
func.func @folded(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[0.5, -2.0], [-0.5, -2.00000023841858], [0.5, 2.0]]> : tensor<3x2xf32> : tensor<3x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// One element is off the levels: nothing may snap it.

// CHECK-LABEL: func @off_levels
// CHECK-NOT: lowbit.constant
// CHECK: onnx.MatMul {{.*}}lowbit.float_reason = "weight[1, 2] = 4.900000e-01 is not on the levels of its row, 0 and +-5.000000e-01"
func.func @off_levels(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[0.5, -0.5], [-0.5, -0.5], [0.5, 0.49]]> : tensor<3x2xf32> : tensor<3x2xf32>
  // expected-remark @below {{is not on the levels of its row}}
  %y = onnx.MatMul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// An ordinary float weight is no near miss: a reason, but no remark.

// CHECK-LABEL: func @float
// CHECK: onnx.MatMul {{.*}}lowbit.float_reason
func.func @float(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[0.1, -0.2], [-0.3, 0.4], [0.5, 0.6]]> : tensor<3x2xf32> : tensor<3x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Zeros only, and not a number.

// CHECK-LABEL: func @no_scale
// CHECK: onnx.MatMul {{.*}}lowbit.float_reason = "all weights are zero"
// CHECK: onnx.MatMul {{.*}}lowbit.float_reason = "weight[0, 0] = nan is
func.func @no_scale(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = onnx.Constant dense<0.0> : tensor<2x2xf32> : tensor<2x2xf32>
  %v = onnx.Constant dense<0x7FC00000> : tensor<2x2xf32> : tensor<2x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %z = onnx.MatMul %x, %v : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x2xf32>
}
