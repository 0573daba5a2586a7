// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --cse --verify-diagnostics | FileCheck %s

// Two products share one Sign: one quantizer, two scales.

// CHECK-LABEL: func @shared
// CHECK-SAME: %[[X:.*]]: tensor<2x?x8xf32>
func.func @shared(%x: tensor<2x?x8xf32>) -> (tensor<2x?x8xf32>, tensor<2x?x8xf32>) {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %b = onnx.Constant dense<[0.25]> : tensor<1xf32> : tensor<1xf32>
  // CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]] : tensor<2x?x8xf32>)
  // CHECK-SAME: rounding = #lowbit.rounding<sign>
  // CHECK-SAME: -> tensor<2x?x8x!lowbit.levels<-1, 0, 1>>
  // CHECK-NOT: lowbit.quantize
  // CHECK: lowbit.dequantize ins(%[[Q]], scale
  // CHECK: lowbit.dequantize ins(%[[Q]], scale
  %s = onnx.Sign %x : (tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  %y = onnx.Mul %s, %a : (tensor<2x?x8xf32>, tensor<f32>) -> tensor<2x?x8xf32>
  %z = onnx.Mul %b, %s : (tensor<1xf32>, tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  return %y, %z : tensor<2x?x8xf32>, tensor<2x?x8xf32>
}

// -----

// The learned shift: an Expand of a vector to the shape of the other operand.

// CHECK-LABEL: func @shift
// CHECK-SAME: %[[X:.*]]: tensor<?x?x3xf32>
func.func @shift(%x: tensor<?x?x3xf32>) -> (tensor<?x?x3xf32>, tensor<?x?x3xf32>) {
  // CHECK-DAG: %[[SHIFT:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]>
  // CHECK: lowbit.quantize ins(%[[X]], shift %[[SHIFT]] : tensor<?x?x3xf32>, tensor<3xf32>)
  // The sum itself is an output too.
  // CHECK: return %{{.*}}, %{{.*}}
  %move = onnx.Constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> : tensor<3xf32>
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %shape = onnx.Shape %x : (tensor<?x?x3xf32>) -> tensor<3xi64>
  %e = onnx.Expand %move, %shape : (tensor<3xf32>, tensor<3xi64>) -> tensor<?x?x3xf32>
  %sum = onnx.Add %x, %e : (tensor<?x?x3xf32>, tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %s = onnx.Sign %sum : (tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %y = onnx.Mul %s, %a : (tensor<?x?x3xf32>, tensor<f32>) -> tensor<?x?x3xf32>
  return %y, %sum : tensor<?x?x3xf32>, tensor<?x?x3xf32>
}

// -----

// An exporter has written the shift out to the whole shape.

// CHECK-LABEL: func @shift_written_out
// CHECK: arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK: lowbit.quantize ins(%{{.*}}, shift
func.func @shift_written_out(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %move = onnx.Constant dense<[[1.0, 2.0], [1.0, 2.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %sum = onnx.Add %move, %x : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %s = onnx.Sign %sum : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.Mul %s, %a : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// The rows differ: not a shift by a vector.

// CHECK-LABEL: func @not_a_vector
// CHECK: %[[SUM:.*]] = onnx.Add
// CHECK: lowbit.quantize ins(%[[SUM]] : tensor<2x2xf32>)
func.func @not_a_vector(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %move = onnx.Constant dense<[[1.0, 2.0], [1.0, 3.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %sum = onnx.Add %x, %move : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %s = onnx.Sign %sum : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.Mul %s, %a : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// The guard of the scale has not been folded.

// CHECK-LABEL: func @guard
// CHECK: arith.constant dense<9.99999974E-6> : tensor<f32>
// CHECK: lowbit.dequantize
func.func @guard(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = onnx.Constant dense<-0.5> : tensor<f32> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %c = onnx.Greater %a, %eps : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %w = onnx.Where %c, %a, %eps : (tensor<i1>, tensor<f32>, tensor<f32>) -> tensor<f32>
  %s = onnx.Sign %x : (tensor<4xf32>) -> tensor<4xf32>
  %y = onnx.Mul %s, %w : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A Sign that is no quantizer stays: the factor is a tensor, no matmul follows.

// CHECK-LABEL: func @other_sign
// CHECK-NOT: lowbit.quantize
// CHECK: onnx.Sign
func.func @other_sign(%x: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %s = onnx.Sign %x : (tensor<4xf32>) -> tensor<4xf32>
  %y = onnx.Mul %s, %t : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
