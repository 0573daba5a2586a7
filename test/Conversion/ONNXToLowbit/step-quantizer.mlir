// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --cse --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @greater_or_equal
// CHECK: lowbit.quantize ins(%{{.*}} : tensor<2x8xf32>)
// CHECK-SAME: rounding = #lowbit.rounding<step>
// CHECK-SAME: !lowbit.levels<-1, 1>
func.func @greater_or_equal(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %a = onnx.Constant dense<0.75> : tensor<f32> : tensor<f32>
  %n = onnx.Constant dense<-0.75> : tensor<f32> : tensor<f32>
  %c = onnx.GreaterOrEqual %x, %zero : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xi1>
  %y = onnx.Where %c, %a, %n : (tensor<2x8xi1>, tensor<f32>, tensor<f32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// One scale for each token, computed at run time.

// CHECK-LABEL: func @token
// CHECK-SAME: %[[X:.*]]: tensor<2x?x8xf32>, %[[H:.*]]: tensor<2x?x1xf32>
// CHECK: %[[S:.*]] = tensor.collapse_shape %[[H]] {{\[}}[0], [1, 2]]
// CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]] :
// CHECK: lowbit.dequantize ins(%[[Q]], scale %[[S]] :
// CHECK-SAME: granularity = #lowbit.granularity<token>
func.func @token(%x: tensor<2x?x8xf32>, %h: tensor<2x?x1xf32>) -> tensor<2x?x8xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %n = onnx.Neg %h : (tensor<2x?x1xf32>) -> tensor<2x?x1xf32>
  %c = onnx.Less %x, %zero : (tensor<2x?x8xf32>, tensor<f32>) -> tensor<2x?x8xi1>
  %y = onnx.Where %c, %n, %h : (tensor<2x?x8xi1>, tensor<2x?x1xf32>, tensor<2x?x1xf32>) -> tensor<2x?x8xf32>
  return %y : tensor<2x?x8xf32>
}

// -----

// Zero would be negative.

// CHECK-LABEL: func @greater
// CHECK-NOT: lowbit.quantize
func.func @greater(%x: tensor<8xf32>) -> tensor<8xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %a = onnx.Constant dense<0.75> : tensor<f32> : tensor<f32>
  %n = onnx.Constant dense<-0.75> : tensor<f32> : tensor<f32>
  %c = onnx.Greater %x, %zero : (tensor<8xf32>, tensor<f32>) -> tensor<8xi1>
  // expected-remark @below {{not a step quantizer: the comparison is not x >= 0}}
  %y = onnx.Where %c, %a, %n : (tensor<8xi1>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// The two values are not opposite: no quantizer at all.

// CHECK-LABEL: func @mask
// CHECK-NOT: lowbit.quantize
func.func @mask(%x: tensor<8xf32>) -> tensor<8xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %n = onnx.Constant dense<-0.75> : tensor<f32> : tensor<f32>
  %c = onnx.GreaterOrEqual %x, %zero : (tensor<8xf32>, tensor<f32>) -> tensor<8xi1>
  %y = onnx.Where %c, %zero, %n : (tensor<8xi1>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
