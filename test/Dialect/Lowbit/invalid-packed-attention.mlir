// RUN: lowbit-opt %s --split-input-file --verify-diagnostics
//
// The diagnostics of `lowbit.packed_attention`; the constraints are
// numbered in its description.

// packed_attention (C1)
func.func @f(%q: tensor<1x2x1x2x8xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the order rows, got panels}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x1x2x8xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C1)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected keys and values in panels, dwords or quads, got rows}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, rows>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C1)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x1xi8>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected keys and values in panels, dwords or quads, got lanes}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x1xi8>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, lanes, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected a size and columns of 0 or more, got -1 and 16}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = -1 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected a size and columns of 0 or more, got 64 and -16}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = -16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected rank 2 or more, got 1}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<1x2x5x2xi32>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected queries of 'i64', got 'i32'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi32>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<1x2x5x3xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected queries of shape [1, 2, 5, 2], got [1, 2, 5, 3]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x3xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x3x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected keys of shape [1, 2, ?, 2, 8], got [1, 3, ?, 2, 8]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x3x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected keys of 'i32', got 'i64'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, dwords, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x3x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected values of shape [1, 2, 2, ?, 8], got [1, 2, 3, ?, 8]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x3x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C2)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<1xf32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected a scale of rank 0, got [1]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<1xf32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C3)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index, %m: tensor<3x?xf32>) {
  // expected-error @below {{expected an operand of the score region that broadcasts to [1, 2, 5, ?], got [3, ?]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>) score_operands(%m : tensor<3x?xf32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32, %x: f32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C3)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the score region to take 'i32', got 'f32'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: f32):
      lowbit.yield %acc : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C3)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the score region to take 'i32', got}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0():
      %f = arith.constant 0.0 : f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C3)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index, %m: tensor<5xf32>) {
  // expected-error @below {{expected an operand of the context region that broadcasts to [1, 2, 5, 16], got [5]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>) context_operands(%m : tensor<5xf32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32, %x: f32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C3)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index, %m: tensor<16xf32>) {
  // expected-error @below {{expected the context region to take 'i32', 'f32', got 'i32'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>) context_operands(%m : tensor<16xf32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C3)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the score region to hold elementwise operations, got 'tensor.empty'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %y = tensor.empty() : tensor<1xf32>
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C4)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the score region to end with lowbit.yield}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C4)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the context region to end with lowbit.yield}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      llvm.unreachable
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C4)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the score region to yield 'f32', got 'i32'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C4)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the context region to yield 'f32', got 'i32'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C4)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x5x3xi64>, %t: index) {
  // expected-error @below {{expected the context region to yield 'i1', 'i1', got 'f32'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x5x3xi64>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, transposed,
      result_packing = #lowbit.packing<<-1, 0, 1>, rows>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x5x3xi64>
  return
}

// -----

// packed_attention (C5)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x5x2x16xf32>, %t: index) {
  // expected-error @below {{expected a destination of shape [1, 2, 5, 16], got [1, 5, 2, 16]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x5x2x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x5x2x16xf32>
  return
}

// -----

// packed_attention (C5)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected a destination of shape [1, 5, 2, 16], got [1, 2, 5, 16]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, transposed}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C5)
func.func @f(%q: tensor<2x5x2xi64>, %k: tensor<2x?x2x8xi64>, %v: tensor<2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<5x2x16xf32>, %t: index) {
  // expected-error @below {{expected rank 4 of a transposed result, got 3}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<2x5x2xi64>, tensor<2x?x2x8xi64>, tensor<2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<5x2x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, transposed}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<5x2x16xf32>
  return
}

// -----

// packed_attention (C5)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x2xi64>, %t: index) {
  // expected-error @below {{expected a transposed result of known heads whose size is a multiple of 8 to be packed}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x2xi64>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, result_packing = #lowbit.packing<<-1, 1>, rows>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x2xi64>
  return
}

// -----

// packed_attention (C5)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x5x2xi64>, %t: index) {
  // expected-error @below {{expected a transposed result of known heads whose size is a multiple of 8 to be packed}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x5x2xi64>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 12 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, transposed,
      result_packing = #lowbit.packing<<-1, 1>, rows>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x5x2xi64>
  return
}

// -----

// packed_attention (C5)
func.func @f(%q: tensor<1x?x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x5x2xi64>, %t: index) {
  // expected-error @below {{expected a transposed result of known heads whose size is a multiple of 8 to be packed}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x?x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x5x2xi64>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, transposed,
      result_packing = #lowbit.packing<<-1, 1>, rows>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x5x2xi64>
  return
}

// -----

// packed_attention (C5)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x5x2x8xi64>, %t: index) {
  // expected-error @below {{expected the order rows, got panels}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x5x2x8xi64>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, transposed,
      result_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x5x2x8xi64>
  return
}

// -----

// packed_attention (C5)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x5x3xi64>, %t: index) {
  // expected-error @below {{expected a destination of shape [1, 5, 2], got [1, 5, 3]}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x5x3xi64>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, transposed,
      result_packing = #lowbit.packing<<-1, 1>, rows>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x5x3xi64>
  return
}

// -----

// packed_attention (C6)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index, %b: memref<8xf32>) {
  // expected-error @below {{expected 0 scratch buffers, got 1}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t scratch(%b : memref<8xf32>) outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C6)
func.func @f(%q: memref<1x2x5x2xi64>, %k: memref<1x2x?x2x8xi64>, %v: memref<1x2x2x?x8xi64>, %s: memref<f32>, %e: memref<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected 2 scratch buffers, got 0}}
  lowbit.packed_attention ins(%q, %k, %v, %s : memref<1x2x5x2xi64>, memref<1x2x?x2x8xi64>, memref<1x2x2x?x8xi64>, memref<f32>)
    keys %t outs(%e : memref<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  }
  return
}

// -----

// packed_attention (C7)
func.func @f(%q: tensor<1x2x5x626xi64>, %k: tensor<1x2x?x626x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{sums of 40000 terms of magnitude 65025 may leave the range of i32}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x626xi64>, tensor<1x2x?x626x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 40000 : i64, columns = 16 : i64,
      q_packing = #lowbit.packing<<0, 255>, rows>, k_packing = #lowbit.packing<<0, 255>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C3)
func.func @f(%q: tensor<1x2x5x2xi64>, %k: tensor<1x2x?x2x8xi64>, %v: tensor<1x2x2x?x8xi64>, %s: tensor<f32>, %e: tensor<1x2x5x16xf32>, %t: index) {
  // expected-error @below {{expected the context region to take 'i32', 'f32', got 'i32'}}
  %0 = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x5x2xi64>, tensor<1x2x?x2x8xi64>, tensor<1x2x2x?x8xi64>, tensor<f32>)
    keys %t outs(%e : tensor<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64, subtract_minimum,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<1x2x5x16xf32>
  return
}

// -----

// packed_attention (C6)
func.func @f(%q: memref<1x2x5x2xi64>, %k: memref<1x2x?x2x8xi64>, %v: memref<1x2x2x?x8xi64>, %s: memref<f32>, %e: memref<1x2x5x16xf32>, %t: index, %b: memref<8xf32>) {
  // expected-error @below {{expected 5 scratch buffers, got 2}}
  lowbit.packed_attention ins(%q, %k, %v, %s : memref<1x2x5x2xi64>, memref<1x2x?x2x8xi64>, memref<1x2x2x?x8xi64>, memref<f32>)
    keys %t scratch(%b, %b : memref<8xf32>, memref<8xf32>) outs(%e : memref<1x2x5x16xf32>)
    attributes {kernel = "generic-popcount", size = 64 : i64, columns = 16 : i64, subtract_minimum,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
    scores {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } context {
    ^bb0(%acc: i32, %least: f32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  }
  return
}
