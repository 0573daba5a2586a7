// RUN: lowbit-opt %s --split-input-file --verify-diagnostics
//
// The diagnostics of the region of `lowbit.quantize_pack`; the constraints are
// numbered in its description.

// quantize_pack (C8)
func.func @f(%x: tensor<4x96xf32>, %s: tensor<f32>, %e: tensor<4x3xi64>) -> tensor<4x3xi64> {
  // expected-error @below {{expected no operands without an input region, got 1}}
  %p = lowbit.quantize_pack ins(%x, scale %s : tensor<4x96xf32>, tensor<f32>) operands(%s : tensor<f32>) outs(%e : tensor<4x3xi64>)
    {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %p : tensor<4x3xi64>
}

// -----

// quantize_pack (C2)
func.func @f(%x: tensor<4x96xf32>, %e: tensor<4x3xi64>) -> tensor<4x3xi64> {
  // expected-error @below {{expected a scale with the rounding half_even}}
  %p = lowbit.quantize_pack ins(%x : tensor<4x96xf32>) outs(%e : tensor<4x3xi64>)
    {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
  return %p : tensor<4x3xi64>
}

// -----

// quantize_pack (C8)
func.func @f(%x: tensor<4x96xf32>, %s: tensor<96xf32>, %e: tensor<4x3xi64>) -> tensor<4x3xi64> {
  // expected-error @below {{expected an operand of the input region that broadcasts to [], got [96]}}
  %p = lowbit.quantize_pack ins(%x : tensor<4x96xf32>) operands(%s : tensor<96xf32>) outs(%e : tensor<4x3xi64>)
    {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} input {
  ^bb0(%a: f32, %b: f32):
    lowbit.yield %a : f32
  } -> tensor<4x3xi64>
  return %p : tensor<4x3xi64>
}

// -----

// quantize_pack (C8)
func.func @f(%x: tensor<4x96xf32>, %s: tensor<f32>, %e: tensor<4x3xi64>) -> tensor<4x3xi64> {
  // expected-error @below {{expected the input region to take 'f32', 'f32', got 'f32'}}
  %p = lowbit.quantize_pack ins(%x : tensor<4x96xf32>) operands(%s : tensor<f32>) outs(%e : tensor<4x3xi64>)
    {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} input {
  ^bb0(%a: f32):
    lowbit.yield %a : f32
  } -> tensor<4x3xi64>
  return %p : tensor<4x3xi64>
}

// -----

// quantize_pack (C8)
func.func @f(%x: tensor<4x96xf32>, %e: tensor<4x3xi64>) -> tensor<4x3xi64> {
  // expected-error @below {{expected the input region to yield 'f32', got 'i1'}}
  %p = lowbit.quantize_pack ins(%x : tensor<4x96xf32>) outs(%e : tensor<4x3xi64>)
    {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} input {
  ^bb0(%a: f32):
    %b = arith.cmpf oge, %a, %a : f32
    lowbit.yield %b : i1
  } -> tensor<4x3xi64>
  return %p : tensor<4x3xi64>
}
