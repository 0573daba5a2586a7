// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --cse --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @running_minimum
// CHECK-SAME: %[[X:.*]]: tensor<?x?xf32>
func.func @running_minimum(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // CHECK: %[[MIN:.*]] = onnx.ReduceMin %[[X]]
  // CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]], scale %[[A:.*]], offset %[[MIN]] :
  // CHECK-SAME: !lowbit.levels<0, 1, 2, 3>
  // CHECK: lowbit.dequantize ins(%[[Q]], scale %[[A]], offset %[[MIN]] :
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<3.0> : tensor<f32> : tensor<f32>
  %mn = onnx.ReduceMin %x {keepdims = 0 : i64} : (tensor<?x?xf32>) -> tensor<f32>
  %s = onnx.Sub %x, %mn : (tensor<?x?xf32>, tensor<f32>) -> tensor<?x?xf32>
  %d = onnx.Div %s, %a : (tensor<?x?xf32>, tensor<f32>) -> tensor<?x?xf32>
  %r = onnx.Round %d : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<?x?xf32>, tensor<f32>, tensor<f32>) -> tensor<?x?xf32>
  %m = onnx.Mul %c, %a : (tensor<?x?xf32>, tensor<f32>) -> tensor<?x?xf32>
  %y = onnx.Add %m, %mn : (tensor<?x?xf32>, tensor<f32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// The exporter has baked the minimum in; a kept dimension is dropped.

// CHECK-LABEL: func @baked
// CHECK: lowbit.quantize ins(%{{.*}}, scale %{{.*}}, offset %{{.*}} : tensor<4x4xf32>, tensor<f32>, tensor<f32>)
func.func @baked(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<3.0> : tensor<f32> : tensor<f32>
  %m1 = onnx.Constant dense<-0.125> : tensor<f32> : tensor<f32>
  %m2 = onnx.Constant dense<-0.125> : tensor<1x1xf32> : tensor<1x1xf32>
  %s = onnx.Sub %x, %m1 : (tensor<4x4xf32>, tensor<f32>) -> tensor<4x4xf32>
  %d = onnx.Div %s, %a : (tensor<4x4xf32>, tensor<f32>) -> tensor<4x4xf32>
  %r = onnx.Round %d : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<4x4xf32>, tensor<f32>, tensor<f32>) -> tensor<4x4xf32>
  %m = onnx.Mul %c, %a : (tensor<4x4xf32>, tensor<f32>) -> tensor<4x4xf32>
  %y = onnx.Add %m2, %m : (tensor<1x1xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

// Adds something else than it subtracts: the quantizer has no minimum, its input is
// the difference, and the sum stays.

// CHECK-LABEL: func @other_minimum
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK: %[[D:.*]] = onnx.Sub %[[X]]
// CHECK: lowbit.quantize ins(%[[D]], scale %{{[^,]*}} :
// CHECK: onnx.Add
func.func @other_minimum(%x: tensor<4xf32>, %mn: tensor<f32>, %other: tensor<f32>) -> tensor<4xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<3.0> : tensor<f32> : tensor<f32>
  %s = onnx.Sub %x, %mn : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %d = onnx.Div %s, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %r = onnx.Round %d : (tensor<4xf32>) -> tensor<4xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<4xf32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  %m = onnx.Mul %c, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  // expected-remark @below {{not a quantizer with a minimum: what is added is not what was subtracted}}
  %y = onnx.Add %m, %other : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A baked minimum of 0, which is no longer subtracted: no offset.

// CHECK-LABEL: func @minimum_zero
// CHECK-SAME: %[[X:.*]]: tensor<2x8xf32>
// CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]], scale %[[A:[a-z0-9_]+]] :
// CHECK: lowbit.dequantize ins(%[[Q]], scale %[[A]] :
// CHECK-NOT: onnx.Add
func.func @minimum_zero(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<3.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %r = onnx.Round %d : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<2x8xf32>, tensor<f32>, tensor<f32>) -> tensor<2x8xf32>
  %m = onnx.Mul %c, %a : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %y = onnx.Add %m, %lo : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}
