// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --cse --verify-diagnostics | FileCheck %s

// BMT: half the bound of a token with the sign of x.

// CHECK-LABEL: func @bound
// CHECK-SAME: %[[X:.*]]: tensor<2x?x8xf32>
func.func @bound(%x: tensor<2x?x8xf32>) -> tensor<2x?x8xf32> {
  // CHECK: %[[B:.*]] = onnx.Add
  // CHECK: %[[H:.*]] = onnx.Mul %[[B]],
  // CHECK: %[[S:.*]] = tensor.collapse_shape %[[H]]
  // CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[X]] :
  // CHECK-SAME: rounding = #lowbit.rounding<step>
  // CHECK: lowbit.dequantize ins(%[[Q]], scale %[[S]] :
  // CHECK-SAME: granularity = #lowbit.granularity<token>
  %eps = onnx.Constant dense<1.1920929e-07> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-0.9921875> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<0.9921875> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %a = onnx.Abs %x : (tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  %m = onnx.ReduceMax %a {axes = array<i64: -1>} : (tensor<2x?x8xf32>) -> tensor<2x?x1xf32>
  %b = onnx.Add %m, %eps : (tensor<2x?x1xf32>, tensor<f32>) -> tensor<2x?x1xf32>
  %r = onnx.Reciprocal %b : (tensor<2x?x1xf32>) -> tensor<2x?x1xf32>
  %p = onnx.Mul %x, %r : (tensor<2x?x8xf32>, tensor<2x?x1xf32>) -> tensor<2x?x8xf32>
  %c = onnx.Clip %p min %lo max %hi : (tensor<2x?x8xf32>, tensor<f32>, tensor<f32>) -> tensor<2x?x8xf32>
  %f = onnx.Floor %c : (tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  %g = onnx.Add %f, %half : (tensor<2x?x8xf32>, tensor<f32>) -> tensor<2x?x8xf32>
  %y = onnx.Div %g, %r : (tensor<2x?x8xf32>, tensor<2x?x1xf32>) -> tensor<2x?x8xf32>
  return %y : tensor<2x?x8xf32>
}

// -----

// A token of heads by size, scaled by a quotient: the product behind the quantizer
// joins them, and so does the quantizer.

// CHECK-LABEL: func @bound_heads
// CHECK-SAME: %[[X:.*]]: tensor<2x?x4x8xf32>
func.func @bound_heads(%x: tensor<2x?x4x8xf32>) -> (tensor<2x?x32xf32>, tensor<2x?x4x8xf32>) {
  // CHECK-DAG: %[[B:.*]] = onnx.Add
  // CHECK-DAG: %[[H:.*]] = onnx.Mul %[[B]],
  // CHECK-DAG: %[[T:.*]] = onnx.Reshape %[[H]], %{{.*}} -> tensor<2x?x1xf32>
  // CHECK-DAG: %[[S:.*]] = tensor.collapse_shape %[[T]]
  // CHECK-DAG: %[[Q:.*]] = lowbit.quantize ins(%[[X]] :
  // CHECK-DAG: %[[J:.*]] = onnx.Reshape %[[Q]], %{{.*}} -> tensor<2x?x32x!lowbit.levels<-1, 1>>
  // CHECK: %[[D:.*]] = lowbit.dequantize ins(%[[J]], scale %[[S]] :
  // CHECK-SAME: granularity = #lowbit.granularity<token>
  // CHECK: %[[Y:.*]] = onnx.Reshape %[[D]], %{{.*}} -> tensor<2x?x4x8xf32>
  // CHECK: return %[[D]], %[[Y]]
  %eps = onnx.Constant dense<1.1920929e-07> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-0.9921875> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<0.9921875> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %shape = onnx.Constant dense<[0, 0, 32]> : tensor<3xi64> : tensor<3xi64>
  %a = onnx.Abs %x : (tensor<2x?x4x8xf32>) -> tensor<2x?x4x8xf32>
  %m = onnx.ReduceMax %a {axes = array<i64: -2, -1>} : (tensor<2x?x4x8xf32>) -> tensor<2x?x1x1xf32>
  %b = onnx.Add %m, %eps : (tensor<2x?x1x1xf32>, tensor<f32>) -> tensor<2x?x1x1xf32>
  %r = onnx.Div %one, %b : (tensor<f32>, tensor<2x?x1x1xf32>) -> tensor<2x?x1x1xf32>
  %p = onnx.Mul %x, %r : (tensor<2x?x4x8xf32>, tensor<2x?x1x1xf32>) -> tensor<2x?x4x8xf32>
  %c = onnx.Clip %p min %lo max %hi : (tensor<2x?x4x8xf32>, tensor<f32>, tensor<f32>) -> tensor<2x?x4x8xf32>
  %f = onnx.Floor %c : (tensor<2x?x4x8xf32>) -> tensor<2x?x4x8xf32>
  %g = onnx.Add %f, %half : (tensor<2x?x4x8xf32>, tensor<f32>) -> tensor<2x?x4x8xf32>
  %y = onnx.Div %g, %r : (tensor<2x?x4x8xf32>, tensor<2x?x1x1xf32>) -> tensor<2x?x4x8xf32>
  %z = onnx.Reshape %y, %shape : (tensor<2x?x4x8xf32>, tensor<3xi64>) -> tensor<2x?x32xf32>
  return %z, %y : tensor<2x?x32xf32>, tensor<2x?x4x8xf32>
}

// -----

// One bound for every head of all tokens.

// CHECK-LABEL: func @bound_across_tokens
// CHECK-NOT: lowbit.quantize
func.func @bound_across_tokens(%x: tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32> {
  %eps = onnx.Constant dense<1.1920929e-07> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-0.9921875> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<0.9921875> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %a = onnx.Abs %x : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  %m = onnx.ReduceMax %a {axes = array<i64: 1, 3>} : (tensor<2x3x4x8xf32>) -> tensor<2x1x4x1xf32>
  %b = onnx.Add %m, %eps : (tensor<2x1x4x1xf32>, tensor<f32>) -> tensor<2x1x4x1xf32>
  %r = onnx.Reciprocal %b : (tensor<2x1x4x1xf32>) -> tensor<2x1x4x1xf32>
  %p = onnx.Mul %x, %r : (tensor<2x3x4x8xf32>, tensor<2x1x4x1xf32>) -> tensor<2x3x4x8xf32>
  %c = onnx.Clip %p min %lo max %hi : (tensor<2x3x4x8xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3x4x8xf32>
  %f = onnx.Floor %c : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  %g = onnx.Add %f, %half : (tensor<2x3x4x8xf32>, tensor<f32>) -> tensor<2x3x4x8xf32>
  // expected-remark @below {{not a bound quantizer: the bound is neither one number nor one for each token}}
  %y = onnx.Div %g, %r : (tensor<2x3x4x8xf32>, tensor<2x1x4x1xf32>) -> tensor<2x3x4x8xf32>
  return %y : tensor<2x3x4x8xf32>
}

// -----

// A fixed bound.

// CHECK-LABEL: func @bound_fixed
// CHECK: %[[S:.*]] = arith.constant dense<2.000000e+00> : tensor<f32>
// CHECK: lowbit.quantize ins(%{{.*}}rounding = #lowbit.rounding<step>
// CHECK: lowbit.dequantize ins(%{{.*}}, scale %[[S]] :
func.func @bound_fixed(%x: tensor<2x8xf32>, %s: tensor<2x1xf32>) -> tensor<2x8xf32> {
  %lo = onnx.Constant dense<-0.9921875> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<0.9921875> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %b = onnx.Constant dense<4.0> : tensor<1x1xf32> : tensor<1x1xf32>
  %r = onnx.Div %one, %b : (tensor<f32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %p = onnx.Mul %x, %r : (tensor<2x8xf32>, tensor<1x1xf32>) -> tensor<2x8xf32>
  %c = onnx.Clip %p min %lo max %hi : (tensor<2x8xf32>, tensor<f32>, tensor<f32>) -> tensor<2x8xf32>
  %f = onnx.Floor %c : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %g = onnx.Add %f, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %y = onnx.Div %g, %r : (tensor<2x8xf32>, tensor<1x1xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// Not a bound: signs would be turned.

// CHECK-LABEL: func @bound_negative
// CHECK-NOT: lowbit.quantize
func.func @bound_negative(%x: tensor<2x8xf32>, %s: tensor<2x1xf32>) -> tensor<2x8xf32> {
  %lo = onnx.Constant dense<-0.9921875> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<0.9921875> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %r = onnx.Constant dense<-4.0> : tensor<f32> : tensor<f32>
  %p = onnx.Mul %x, %r : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %c = onnx.Clip %p min %lo max %hi : (tensor<2x8xf32>, tensor<f32>, tensor<f32>) -> tensor<2x8xf32>
  %f = onnx.Floor %c : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %g = onnx.Add %f, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  // expected-remark @below {{not a bound quantizer: the bound is neither constant nor the largest magnitude plus a positive constant}}
  %y = onnx.Div %g, %r : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// Clip lets 1 through: three values.

// CHECK-LABEL: func @bound_one
// CHECK-NOT: lowbit.quantize
func.func @bound_one(%x: tensor<8xf32>) -> tensor<8xf32> {
  %eps = onnx.Constant dense<1.1920929e-07> : tensor<f32> : tensor<f32>
  %lo = onnx.Constant dense<-1.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %a = onnx.Abs %x : (tensor<8xf32>) -> tensor<8xf32>
  %m = onnx.ReduceMax %a {keepdims = 0 : i64} : (tensor<8xf32>) -> tensor<f32>
  %b = onnx.Add %m, %eps : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %r = onnx.Reciprocal %b : (tensor<f32>) -> tensor<f32>
  %p = onnx.Mul %x, %r : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %c = onnx.Clip %p min %lo max %hi : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  %f = onnx.Floor %c : (tensor<8xf32>) -> tensor<8xf32>
  %g = onnx.Add %f, %half : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  // expected-remark @below {{not a bound quantizer: the bounds of Clip leave more than two levels}}
  %y = onnx.Div %g, %r : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// TBT, symmetric eight bits: one scale, written out to the shape of x.

// CHECK-LABEL: func @largest_magnitude
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>
func.func @largest_magnitude(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[M:.*]] = onnx.ReduceMax
  // CHECK: %[[R:.*]] = onnx.Reciprocal %[[M]] : (tensor<f32>)
  // CHECK: %[[S:.*]] = onnx.Mul %[[R]],
  // CHECK: %[[P:.*]] = onnx.Mul %[[X]], %[[S]]
  // CHECK: %[[I:.*]] = onnx.Reciprocal %[[S]]
  // CHECK: %[[Q:.*]] = lowbit.quantize ins(%[[P]], scale %[[ONE:.*]] :
  // CHECK: lowbit.dequantize ins(%[[Q]], scale %[[I]] :
  %c = onnx.Constant dense<127.0> : tensor<f32> : tensor<f32>
  %a = onnx.Abs %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %m = onnx.ReduceMax %a {keepdims = 0 : i64} : (tensor<?x8xf32>) -> tensor<f32>
  %shape = onnx.Shape %x : (tensor<?x8xf32>) -> tensor<2xi64>
  %e = onnx.Expand %m, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %r = onnx.Reciprocal %e : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = onnx.Mul %r, %c : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %p = onnx.Mul %x, %s : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %n = onnx.Round %p : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = onnx.Div %n, %s : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Clip gives the range: any scale of a token does (BitNet's activations).

// CHECK-LABEL: func @token_with_clip
// CHECK: lowbit.quantize
// CHECK: lowbit.dequantize {{.*}}granularity = #lowbit.granularity<token>
func.func @token_with_clip(%x: tensor<?x8xf32>, %s: tensor<?x1xf32>) -> tensor<?x8xf32> {
  %lo = onnx.Constant dense<-128.0> : tensor<f32> : tensor<f32>
  %hi = onnx.Constant dense<127.0> : tensor<f32> : tensor<f32>
  %p = onnx.Mul %x, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %r = onnx.Round %p : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = onnx.Clip %r min %lo max %hi : (tensor<?x8xf32>, tensor<f32>, tensor<f32>) -> tensor<?x8xf32>
  %y = onnx.Div %c, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Nothing bounds the codes.

// CHECK-LABEL: func @unbounded
// CHECK-NOT: lowbit.quantize
func.func @unbounded(%x: tensor<?x8xf32>, %s: tensor<f32>) -> tensor<?x8xf32> {
  %p = onnx.Mul %x, %s : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %r = onnx.Round %p : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-remark @below {{not an absolute maximum quantizer: the range of the codes is not known}}
  %y = onnx.Div %r, %s : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// TBT, asymmetric eight bits.

// CHECK-LABEL: func @minimum_and_maximum
// CHECK: %[[MIN:.*]] = onnx.ReduceMin
// CHECK: %[[RANGE:.*]] = onnx.Add
// CHECK: %[[STEP:.*]] = onnx.Div %[[RANGE]],
// CHECK: %[[Q:.*]] = lowbit.quantize
// CHECK: lowbit.dequantize ins(%[[Q]], scale %[[STEP]], offset %[[MIN]] :
func.func @minimum_and_maximum(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %eps = onnx.Constant dense<1.0e-8> : tensor<f32> : tensor<f32>
  %n = onnx.Constant dense<255.0> : tensor<f32> : tensor<f32>
  %mn = onnx.ReduceMin %x {keepdims = 0 : i64} : (tensor<?x8xf32>) -> tensor<f32>
  %mx = onnx.ReduceMax %x {keepdims = 0 : i64} : (tensor<?x8xf32>) -> tensor<f32>
  %al = onnx.Sub %mx, %mn : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %d = onnx.Sub %x, %mn : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %w = onnx.Add %al, %eps : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %q = onnx.Div %d, %w : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %s = onnx.Mul %q, %n : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %r = onnx.Round %s : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %u = onnx.Div %r, %n : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %v = onnx.Mul %u, %w : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %y = onnx.Add %v, %mn : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Minimum and maximum without an epsilon, which an optimizer has taken for zero.

// CHECK-LABEL: func @range_without_epsilon
// CHECK: lowbit.quantize
// CHECK: lowbit.dequantize
// CHECK-NOT: onnx.Round
func.func @range_without_epsilon(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %steps = onnx.Constant dense<255.0> : tensor<f32> : tensor<f32>
  %max = onnx.ReduceMax %x {keepdims = 0 : i64} : (tensor<2x8xf32>) -> tensor<f32>
  %min = onnx.ReduceMin %x {keepdims = 0 : i64} : (tensor<2x8xf32>) -> tensor<f32>
  %range = onnx.Sub %max, %min : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %d = onnx.Sub %x, %min : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %n = onnx.Div %d, %range : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %m = onnx.Mul %n, %steps : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %r = onnx.Round %m : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %c = onnx.Div %r, %steps : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %p = onnx.Mul %c, %range : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %y = onnx.Add %p, %min : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}
