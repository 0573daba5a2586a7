// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --cse --verify-diagnostics | FileCheck %s

// Two bits, signed: four levels, not symmetric.

// CHECK-LABEL: func @signed_two_bits
// CHECK-SAME: %[[X:.*]]: tensor<2x8xf32>
func.func @signed_two_bits(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK-DAG: %[[A:.*]] = arith.constant dense<5.000000e-01> : tensor<f32>
  // CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]], scale %[[A]] : tensor<2x8xf32>, tensor<f32>)
  // CHECK-SAME: rounding = #lowbit.rounding<half_even>
  // CHECK-SAME: tensor<2x8x!lowbit.levels<-2, -1, 0, 1>>
  // CHECK: lowbit.dequantize ins(%[[Q]], scale %[[A]]
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-2.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %r = onnx.Round %d : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<2x8xf32>, tensor<f32>, tensor<f32>) -> tensor<2x8xf32>
  %y = onnx.Mul %c, %a : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// Clip may come first, and be written with Min and Max.

// CHECK-LABEL: func @min_max
// CHECK: lowbit.quantize
// CHECK-SAME: !lowbit.levels<0, 1>
func.func @min_max(%x: tensor<?xf32>) -> tensor<?xf32> {
  %a = onnx.Constant dense<0.25> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %m = onnx.Max %d, %lo : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %c = onnx.Min %m, %hi : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %r = onnx.Round %c : (tensor<?xf32>) -> tensor<?xf32>
  %y = onnx.Mul %a, %r : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// CHECK-LABEL: func @other_scale
// CHECK-NOT: lowbit.quantize
func.func @other_scale(%x: tensor<8xf32>) -> tensor<8xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %b = onnx.Constant dense<0.75> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-2.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %r = onnx.Round %d : (tensor<8xf32>) -> tensor<8xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  // expected-remark @below {{not an elastic quantizer: divides by 5.000000e-01 but multiplies by 7.500000e-01}}
  %y = onnx.Mul %c, %b : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// CHECK-LABEL: func @fraction
// CHECK-NOT: lowbit.quantize
func.func @fraction(%x: tensor<8xf32>) -> tensor<8xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-1.5> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %r = onnx.Round %d : (tensor<8xf32>) -> tensor<8xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  // expected-remark @below {{the bounds of Clip, -1.500000e+00 and 1.000000e+00, are not ascending whole numbers}}
  %y = onnx.Mul %c, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// CHECK-LABEL: func @too_many
// CHECK-NOT: lowbit.quantize
func.func @too_many(%x: tensor<8xf32>) -> tensor<8xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<256.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %r = onnx.Round %d : (tensor<8xf32>) -> tensor<8xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  // expected-remark @below {{there are more than 256 levels}}
  %y = onnx.Mul %c, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// CHECK-LABEL: func @one_bound
// CHECK-NOT: lowbit.quantize
func.func @one_bound(%x: tensor<8xf32>) -> tensor<8xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %r = onnx.Round %d : (tensor<8xf32>) -> tensor<8xf32>
  %c = onnx.Clip %r min %lo : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  // expected-remark @below {{the bounds of Clip are not two constants}}
  %y = onnx.Mul %c, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// A bound at a time.

// CHECK-LABEL: func @two_clips
// CHECK: lowbit.quantize
// CHECK-SAME: !lowbit.levels<-2, -1, 0, 1>
func.func @two_clips(%x: tensor<8xf32>) -> tensor<8xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-2.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %r = onnx.Round %d : (tensor<8xf32>) -> tensor<8xf32>
  %l = onnx.Clip %r min %lo : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %c = onnx.Clip %l max %hi : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %y = onnx.Mul %c, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// Two bounds on one side are no range.

// CHECK-LABEL: func @same_side
// CHECK-NOT: lowbit.quantize
func.func @same_side(%x: tensor<8xf32>) -> tensor<8xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-2.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %r = onnx.Round %d : (tensor<8xf32>) -> tensor<8xf32>
  %l = onnx.Clip %r min %lo : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %c = onnx.Clip %l min %hi : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %y = onnx.Mul %c, %a : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// Without a scale behind them, codes are recognised where a product reads them:
// the divisor is the step, or none is 1.

// CHECK-LABEL: func @unscaled
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[Y:.*]]: tensor<8x4xf32>
// CHECK-DAG: %[[A:.*]] = arith.constant dense<5.000000e-01> : tensor<f32>
// CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG: lowbit.quantize ins(%[[X]], scale %[[A]] :
// CHECK-DAG: lowbit.quantize ins(%[[Y]], scale %[[ONE]] :
// CHECK: lowbit.matmul
func.func @unscaled(%x: tensor<4x8xf32>, %y: tensor<8x4xf32>) -> tensor<4x4xf32> {
  %a = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-2.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %a : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %r = onnx.Round %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<4x8xf32>, tensor<f32>, tensor<f32>) -> tensor<4x8xf32>
  %s = onnx.Round %y : (tensor<8x4xf32>) -> tensor<8x4xf32>
  %e = onnx.Clip %s min %lo max %hi : (tensor<8x4xf32>, tensor<f32>, tensor<f32>) -> tensor<8x4xf32>
  %z = onnx.MatMul %c, %e : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
  return %z : tensor<4x4xf32>
}

// -----

// Otherwise they are numbers like any others.

// CHECK-LABEL: func @unscaled_elsewhere
// CHECK-NOT: lowbit.quantize
func.func @unscaled_elsewhere(%x: tensor<8xf32>) -> tensor<8xf32> {
  %lo = onnx.Constant dense<-2.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %r = onnx.Round %x : (tensor<8xf32>) -> tensor<8xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  return %c : tensor<8xf32>
}
