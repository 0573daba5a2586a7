// RUN: lowbit-opt %s --onnx-simplify-shapes --canonicalize --cse --convert-onnx-to-lowbit --cse | FileCheck %s

// A range between minimum and maximum, both written out to the shape of
// x: one scale all the same.

// CHECK-LABEL: func @expanded_range
// CHECK-SAME: %[[X:.*]]: tensor<2x8xf32>
func.func @expanded_range(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK: %[[MIN:.*]] = onnx.ReduceMin
  // CHECK: %[[RANGE:.*]] = onnx.Add %{{.*}} -> tensor<f32>
  // CHECK: %[[STEP:.*]] = onnx.Div %[[RANGE]],
  // CHECK: %[[Q:.*]] = lowbit.quantize
  // CHECK: lowbit.dequantize ins(%[[Q]], scale %[[STEP]], offset %[[MIN]] :
  %eps = onnx.Constant dense<1.0e-8> : tensor<f32> : tensor<f32>
  %steps = onnx.Constant dense<15.0> : tensor<f32> : tensor<f32>
  %shape = onnx.Constant dense<[2, 8]> : tensor<2xi64> : tensor<2xi64>
  %max = onnx.ReduceMax %x {keepdims = 0 : i64} : (tensor<2x8xf32>) -> tensor<f32>
  %min = onnx.ReduceMin %x {keepdims = 0 : i64} : (tensor<2x8xf32>) -> tensor<f32>
  %high = onnx.Expand %max, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<2x8xf32>
  %low = onnx.Expand %min, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<2x8xf32>
  %width = onnx.Sub %high, %low : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %range = onnx.Add %width, %eps : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %centred = onnx.Sub %x, %low : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %unit = onnx.Div %centred, %range : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %scaled = onnx.Mul %unit, %steps : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %code = onnx.Round %scaled : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %back = onnx.Div %code, %steps : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %moved = onnx.Mul %back, %range : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = onnx.Add %moved, %low : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}
