// RUN: lowbit-opt %s --split-input-file --verify-diagnostics
//
// The diagnostics of `lowbit.layer_norm_pack`; the constraints are
// numbered in its description.

// layer_norm_pack (C1)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>) {
  // expected-error @below {{expected at least one packing}}
  %0:1 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0 : tensor<4x96xf32>) attributes {epsilon = 1.0e-5 : f32, packings = []} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>
  return
}

// -----

// layer_norm_pack (C1)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>) {
  // expected-error @below {{expected a destination and one for each packing, got 1 for 1}}
  %0:1 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0 : tensor<4x96xf32>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>
  return
}

// -----

// layer_norm_pack (C1)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>, %e2: tensor<4x3xi64>) {
  // expected-error @below {{expected a destination and one for each packing, got 3 for 1}}
  %0:3 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1, %e2 : tensor<4x96xf32>, tensor<4x3xi64>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C2)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xi32>, %e1: tensor<4x3xi64>) {
  // expected-error @below {{expected a destination of 'f32', got 'i32'}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xi32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xi32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C2)
func.func @f(%x: tensor<96xf32>, %g: tensor<96xf32>, %e0: tensor<96xf32>, %e1: tensor<3xi64>) {
  // expected-error @below {{expected rank 2 or more, got 1}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<96xf32>, tensor<3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<96xf32>, tensor<3xi64>
  return
}

// -----

// layer_norm_pack (C2)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<5x96xf32>, %e1: tensor<4x3xi64>) {
  // expected-error @below {{expected a destination of shape [4, 96], got [5, 96]}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<5x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<5x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C2)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<4xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>) {
  // expected-error @below {{expected a scale of shape [96], got [4]}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<4xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C2)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>, %b: tensor<95xf32>) {
  // expected-error @below {{expected a bias of shape [96], got [95]}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g, bias %b : tensor<4x96xf32>, tensor<96xf32>, tensor<95xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C2)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>, %r: tensor<1x96xf32>) {
  // expected-error @below {{expected a residual of shape [4, 96], got [1, 96]}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g, residual %r : tensor<4x96xf32>, tensor<96xf32>, tensor<1x96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C2)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>) {
  // expected-error @below {{expected an epsilon of 0 or more, got -1.000000e+00}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = -1.0 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C3)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<1x3x8xi64>) {
  // expected-error @below {{expected the order rows, got panels}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<1x3x8xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, panels, lanes = 8>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<1x3x8xi64>
  return
}

// -----

// layer_norm_pack (C3)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi8>) {
  // expected-error @below {{expected a packed destination of 'i64', got 'i8'}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi8>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi8>
  return
}

// -----

// layer_norm_pack (C3)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected a packed destination of shape [4, 3], got [4, 5]}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x5xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x5xi64>
  return
}

// -----

// layer_norm_pack (C4)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>, %s: tensor<4xf32>) {
  // expected-error @below {{expected an operand of the region that broadcasts to [4, 96], got [4]}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>) operands(%s : tensor<4xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32, %v: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C4)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>, %s: tensor<96xf32>) {
  // expected-error @below {{expected the region to take 'f32', 'f32', got 'f32'}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>) operands(%s : tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C4)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>) {
  // expected-error @below {{expected the region to hold elementwise operations, got 'tensor.empty'}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      %t = tensor.empty() : tensor<1xf32>
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C4)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>) {
  // expected-error @below {{expected the region to end with lowbit.yield}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      llvm.unreachable
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C4)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>) {
  // expected-error @below {{expected the region to yield 'i1', got 'i1', 'i1'}}
  %0:2 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1 : tensor<4x96xf32>, tensor<4x3xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p, %p : i1, i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>
  return
}

// -----

// layer_norm_pack (C4)
func.func @f(%x: tensor<4x96xf32>, %g: tensor<96xf32>, %e0: tensor<4x96xf32>, %e1: tensor<4x3xi64>, %e2: tensor<4x5xi64>) {
  // expected-error @below {{expected the region to yield 'i1', 'i1', 'i1', got 'i1'}}
  %0:3 = lowbit.layer_norm_pack ins(%x, %g : tensor<4x96xf32>, tensor<96xf32>)
    outs(%e0, %e1, %e2 : tensor<4x96xf32>, tensor<4x3xi64>, tensor<4x5xi64>) attributes {epsilon = 1.0e-5 : f32, packings = [#lowbit.packing<<-1, 1>, rows>, #lowbit.packing<<-1, 0, 1>, rows>]} {
    ^bb0(%n: f32):
      %zero = arith.constant 0.0 : f32
      %p = arith.cmpf oge, %n, %zero : f32
      lowbit.yield %p : i1
  } -> tensor<4x96xf32>, tensor<4x3xi64>, tensor<4x5xi64>
  return
}
