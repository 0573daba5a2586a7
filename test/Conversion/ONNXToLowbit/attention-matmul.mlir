// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --cse --verify-diagnostics | FileCheck %s

// q k^T: the quantizers stand before the reshape and the transpose, and the last
// transpose becomes transpose_rhs.

// CHECK-LABEL: func @scores
// CHECK-SAME: %[[Q:.*]]: tensor<2x5x8xf32>, %[[K:.*]]: tensor<2x5x8xf32>
func.func @scores(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>) -> tensor<2x4x5x5xf32> {
  // CHECK-DAG: %[[QL:.*]] = lowbit.quantize ins(%[[Q]] :
  // CHECK-DAG: %[[KL:.*]] = lowbit.quantize ins(%[[K]] :
  // CHECK-DAG: %[[QR:.*]] = onnx.Reshape %[[QL]],
  // CHECK-DAG: %[[KR:.*]] = onnx.Reshape %[[KL]],
  // CHECK-DAG: %[[QT:.*]] = onnx.Transpose %[[QR]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK-DAG: %[[KT:.*]] = onnx.Transpose %[[KR]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK: lowbit.matmul ins(%[[QT]], %[[KT]] :
  // CHECK-SAME: {transpose_rhs} -> tensor<2x4x5x5xi32>
  %shape = onnx.Constant dense<[2, 5, 4, 2]> : tensor<4xi64> : tensor<4xi64>
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %q1 = onnx.Reshape %q, %shape : (tensor<2x5x8xf32>, tensor<4xi64>) -> tensor<2x5x4x2xf32>
  %q2 = onnx.Transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x5x4x2xf32>) -> tensor<2x4x5x2xf32>
  %q3 = onnx.Sign %q2 : (tensor<2x4x5x2xf32>) -> tensor<2x4x5x2xf32>
  %q4 = onnx.Mul %q3, %a : (tensor<2x4x5x2xf32>, tensor<f32>) -> tensor<2x4x5x2xf32>
  // ONNX Runtime has moved the transpose behind the quantizer of k.
  %k1 = onnx.Reshape %k, %shape : (tensor<2x5x8xf32>, tensor<4xi64>) -> tensor<2x5x4x2xf32>
  %k2 = onnx.Sign %k1 : (tensor<2x5x4x2xf32>) -> tensor<2x5x4x2xf32>
  %k3 = onnx.Mul %k2, %a : (tensor<2x5x4x2xf32>, tensor<f32>) -> tensor<2x5x4x2xf32>
  %k4 = onnx.Transpose %k3 {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x5x4x2xf32>) -> tensor<2x4x2x5xf32>
  %y = onnx.MatMul %q4, %k4 : (tensor<2x4x5x2xf32>, tensor<2x4x2x5xf32>) -> tensor<2x4x5x5xf32>
  return %y : tensor<2x4x5x5xf32>
}

// -----

// Probabilities with a minimum by values: the sums of the levels of the values are
// taken at run time; unknown sizes are checked.

// CHECK-LABEL: func @context
// CHECK-SAME: %[[P:.*]]: tensor<?x4x?x?xf32>, %[[V:.*]]: tensor<?x4x?x8xf32>
func.func @context(%p: tensor<?x4x?x?xf32>, %v: tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32> {
  // CHECK-DAG: %[[PL:.*]] = lowbit.quantize ins(%[[P]], scale %{{.*}}, offset
  // CHECK-DAG: %[[VL:.*]] = lowbit.quantize ins(%[[V]] :
  // CHECK: cf.assert %{{.*}}, "node 'onnx.MatMul': the shapes of the operands do not agree"
  // CHECK: cf.assert
  // CHECK: %[[ACC:.*]] = lowbit.matmul ins(%[[PL]], %[[VL]] :
  // CHECK-NOT: transpose_rhs
  // CHECK: %[[S:.*]] = lowbit.level_sum ins(%[[VL]] :
  // CHECK-SAME: {axis = 2 : i64} -> tensor<?x4x8xi32>
  // CHECK: linalg.generic {{.*}} ins(%[[ACC]], %{{.*}}, %[[S]] :
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<3.0> : tensor<f32> : tensor<f32>
  %mn = onnx.ReduceMin %p {keepdims = 0 : i64} : (tensor<?x4x?x?xf32>) -> tensor<f32>
  %s = onnx.Sub %p, %mn : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %d = onnx.Div %s, %a : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %r = onnx.Round %d : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<?x4x?x?xf32>, tensor<f32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %m = onnx.Mul %c, %a : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %pq = onnx.Add %m, %mn : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %vs = onnx.Sign %v : (tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %vq = onnx.Mul %vs, %a : (tensor<?x4x?x8xf32>, tensor<f32>) -> tensor<?x4x?x8xf32>
  %y = onnx.MatMul %pq, %vq : (tensor<?x4x?x?xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %y : tensor<?x4x?x8xf32>
}

// -----

// A batch dimension that is broadcast.

// CHECK-LABEL: func @broadcast
// CHECK: onnx.MatMul {{.*}}lowbit.float_reason = "a batch dimension is broadcast"
func.func @broadcast(%q: tensor<2x5x8xf32>, %k: tensor<1x8x5xf32>) -> tensor<2x5x5xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %q1 = onnx.Sign %q : (tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %q2 = onnx.Mul %q1, %a : (tensor<2x5x8xf32>, tensor<f32>) -> tensor<2x5x8xf32>
  %k1 = onnx.Sign %k : (tensor<1x8x5xf32>) -> tensor<1x8x5xf32>
  %k2 = onnx.Mul %k1, %a : (tensor<1x8x5xf32>, tensor<f32>) -> tensor<1x8x5xf32>
  // expected-remark @below {{stays a float matmul: a batch dimension is broadcast}}
  %y = onnx.MatMul %q2, %k2 : (tensor<2x5x8xf32>, tensor<1x8x5xf32>) -> tensor<2x5x5xf32>
  return %y : tensor<2x5x5xf32>
}
