// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --cse --verify-diagnostics | FileCheck %s

// Binary by binary, constant scales: 0.5 * 0.25, rounded once.

// CHECK-LABEL: func @linear
// CHECK-SAME: %[[X:.*]]: tensor<2x?x3xf32>
func.func @linear(%x: tensor<2x?x3xf32>) -> tensor<2x?x2xf32> {
  // CHECK: %[[W:.*]] = lowbit.constant dense<{{\[}}[1, -1, 1], [-1, -1, 1]]>
  // CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]]
  // CHECK: %[[ACC:.*]] = lowbit.matmul ins(%[[Q]], %[[W]] :
  // CHECK-SAME: {transpose_rhs} -> tensor<2x?x2xi32>
  // CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[ACC]] : tensor<2x?x2xi32>)
  // CHECK:   %[[C:.*]] = arith.constant 1.250000e-01 : f32
  // CHECK:   %[[F:.*]] = arith.sitofp
  // CHECK:   arith.mulf %[[F]], %[[C]]
  // CHECK: return %[[Y]]
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = onnx.Sign %x : (tensor<2x?x3xf32>) -> tensor<2x?x3xf32>
  %m = onnx.Mul %s, %a : (tensor<2x?x3xf32>, tensor<f32>) -> tensor<2x?x3xf32>
  %w = onnx.Constant dense<[[0.25, -0.25], [-0.25, -0.25], [0.25, 0.25]]> : tensor<3x2xf32> : tensor<3x2xf32>
  %y = onnx.MatMul %m, %w : (tensor<2x?x3xf32>, tensor<3x2xf32>) -> tensor<2x?x2xf32>
  return %y : tensor<2x?x2xf32>
}

// -----

// Float activations.

// CHECK-LABEL: func @float_left
// CHECK: %[[ACC:.*]] = lowbit.matmul ins(%{{.*}}, %{{.*}} : tensor<?x3xf32>, tensor<2x3x!lowbit.levels<-1, 1>>)
// CHECK-SAME: -> tensor<?x2xf32>
// CHECK: linalg.generic
// CHECK-NOT: sitofp
// CHECK: arith.mulf
func.func @float_left(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[0.25, -0.25], [-0.25, -0.25], [0.25, 0.25]]> : tensor<3x2xf32> : tensor<3x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A quantizer with a minimum: minimum * (scale * sum of the levels of a channel).

// CHECK-LABEL: func @offset
// CHECK: %[[MIN:.*]] = onnx.ReduceMin
// CHECK: %[[ACC:.*]] = lowbit.matmul
// CHECK: %[[T:.*]] = arith.constant dense<[2.500000e-01, -2.500000e-01]> : tensor<2xf32>
// CHECK: linalg.generic {{.*}} ins(%[[ACC]], %[[MIN]], %[[T]] : tensor<?x2xi32>, tensor<f32>, tensor<2xf32>)
// CHECK: ^bb0(%{{.*}}: i32, %[[O:.*]]: f32, %[[S:.*]]: f32, %{{.*}}: f32):
// CHECK:   %[[P:.*]] = arith.mulf
// CHECK:   %[[D:.*]] = arith.mulf %[[O]], %[[S]]
// CHECK:   arith.addf %[[P]], %[[D]]
func.func @offset(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<3.0> : tensor<f32> : tensor<f32>
  %mn = onnx.ReduceMin %x {keepdims = 0 : i64} : (tensor<?x3xf32>) -> tensor<f32>
  %s = onnx.Sub %x, %mn : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %d = onnx.Div %s, %a : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %r = onnx.Round %d : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<?x3xf32>, tensor<f32>, tensor<f32>) -> tensor<?x3xf32>
  %m = onnx.Mul %c, %a : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %v = onnx.Add %m, %mn : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %w = onnx.Constant dense<[[0.25, -0.25], [-0.25, -0.25], [0.25, 0.25]]> : tensor<3x2xf32> : tensor<3x2xf32>
  %y = onnx.MatMul %v, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Gemm: the bias is added behind.

// CHECK-LABEL: func @gemm
// CHECK: lowbit.constant dense<{{\[}}[1, -1, 1], [-1, -1, 1]]>
// CHECK: %[[Y:.*]] = linalg.generic
// CHECK: onnx.Add %[[Y]], %{{.*}}
func.func @gemm(%x: tensor<4x3xf32>, %b: tensor<2xf32>) -> tensor<4x2xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = onnx.Sign %x : (tensor<4x3xf32>) -> tensor<4x3xf32>
  %m = onnx.Mul %s, %a : (tensor<4x3xf32>, tensor<f32>) -> tensor<4x3xf32>
  %w = onnx.Constant dense<[[0.25, -0.25, 0.25], [-0.25, -0.25, 0.25]]> : tensor<2x3xf32> : tensor<2x3xf32>
  %y = onnx.Gemm %m, %w, %b {transB = 1 : i64} : (tensor<4x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// CHECK-LABEL: func @gemm_transposed
// CHECK: onnx.Gemm {{.*}}lowbit.float_reason = "the left side is transposed"
func.func @gemm_transposed(%x: tensor<3x4xf32>) -> tensor<4x2xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = onnx.Sign %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %m = onnx.Mul %s, %a : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %w = onnx.Constant dense<[[0.25, -0.25], [-0.25, -0.25], [0.25, 0.25]]> : tensor<3x2xf32> : tensor<3x2xf32>
  // expected-remark @below {{stays a float matmul: the left side is transposed}}
  %y = onnx.Gemm %m, %w {transA = 1 : i64} : (tensor<3x4xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// Quantized activations by a float weight.

// CHECK-LABEL: func @float_right
// CHECK: lowbit.dequantize
// CHECK: onnx.MatMul
func.func @float_right(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = onnx.Sign %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %m = onnx.Mul %s, %a : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %w = onnx.Constant dense<[[0.1, -0.2], [-0.3, 0.4], [0.5, 0.6]]> : tensor<3x2xf32> : tensor<3x2xf32>
  // expected-remark @below {{is not on the levels of its row}}
  %y = onnx.MatMul %m, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Nothing is quantized: a reason for the report, no remark.

// CHECK-LABEL: func @float
// CHECK: onnx.MatMul {{.*}}lowbit.float_reason = "neither side is quantized"
func.func @float(%x: tensor<?x3xf32>, %w: tensor<3x2xf32>) -> tensor<?x2xf32> {
  %y = onnx.MatMul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
