// RUN: lowbit-opt %s --split-input-file --verify-diagnostics
//
// The diagnostics of `lowbit.packed_matmul` whose results stay packed; the constraints are
// numbered in its description.

// packed_matmul with result_packing (C4)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<?x3x8xi64>, %e: tensor<4x?xi64>, %n: index) {
  // expected-error @below {{expected a known number of columns of a packed result}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<?x3x8xi64>) columns %n outs(%e : tensor<4x?xi64>)
    attributes {kernel = "generic-popcount", size = 96 : i64, columns = -1 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      result_packing = #lowbit.packing<<-1, 1>, rows>} {
    ^bb0(%acc: i32):
      %zero = arith.constant 0 : i32
      %p = arith.cmpi sge, %acc, %zero : i32
      lowbit.yield %p : i1
  } -> tensor<4x?xi64>
  return
}

// -----

// packed_matmul with result_packing (C4)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<12x3x8xi64>, %e: tensor<1x3x8xi64>, %n: index) {
  // expected-error @below {{expected the order rows, got panels}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<12x3x8xi64>) outs(%e : tensor<1x3x8xi64>)
    attributes {kernel = "generic-popcount", size = 96 : i64, columns = 96 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      result_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      %zero = arith.constant 0 : i32
      %p = arith.cmpi sge, %acc, %zero : i32
      lowbit.yield %p : i1
  } -> tensor<1x3x8xi64>
  return
}

// -----

// packed_matmul with result_packing (C4)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<12x3x8xi64>, %e: tensor<4x3xi32>, %n: index) {
  // expected-error @below {{expected a destination of 'i64', got 'i32'}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<12x3x8xi64>) outs(%e : tensor<4x3xi32>)
    attributes {kernel = "generic-popcount", size = 96 : i64, columns = 96 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      result_packing = #lowbit.packing<<-1, 1>, rows>} {
    ^bb0(%acc: i32):
      %zero = arith.constant 0 : i32
      %p = arith.cmpi sge, %acc, %zero : i32
      lowbit.yield %p : i1
  } -> tensor<4x3xi32>
  return
}

// -----

// packed_matmul with result_packing (C4)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<12x3x8xi64>, %e: tensor<4x2xi64>, %n: index) {
  // expected-error @below {{expected a destination of shape [4, 3], got [4, 2]}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<12x3x8xi64>) outs(%e : tensor<4x2xi64>)
    attributes {kernel = "generic-popcount", size = 96 : i64, columns = 96 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      result_packing = #lowbit.packing<<-1, 1>, rows>} {
    ^bb0(%acc: i32):
      %zero = arith.constant 0 : i32
      %p = arith.cmpi sge, %acc, %zero : i32
      lowbit.yield %p : i1
  } -> tensor<4x2xi64>
  return
}

// -----

// packed_matmul with result_packing (C6)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<12x3x8xi64>, %e: tensor<4x3xi64>, %n: index) {
  // expected-error @below {{expected the epilogue to hold elementwise operations, got 'scf.if'}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<12x3x8xi64>) outs(%e : tensor<4x3xi64>)
    attributes {kernel = "generic-popcount", size = 96 : i64, columns = 96 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      result_packing = #lowbit.packing<<-1, 1>, rows>} {
    ^bb0(%acc: i32):
      %zero = arith.constant 0 : i32
      %p = arith.cmpi sge, %acc, %zero : i32
      %q = scf.if %p -> i1 {
        scf.yield %p : i1
      } else {
        scf.yield %p : i1
      }
      lowbit.yield %q : i1
  } -> tensor<4x3xi64>
  return
}

// -----

// packed_matmul with result_packing (C7)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<12x3x8xi64>, %e: tensor<4x3xi64>, %n: index) {
  // expected-error @below {{expected the epilogue to yield 'i1', got 'i32'}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<12x3x8xi64>) outs(%e : tensor<4x3xi64>)
    attributes {kernel = "generic-popcount", size = 96 : i64, columns = 96 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      result_packing = #lowbit.packing<<-1, 1>, rows>} {
    ^bb0(%acc: i32):
      %zero = arith.constant 0 : i32
      %p = arith.cmpi sge, %acc, %zero : i32
      lowbit.yield %acc : i32
  } -> tensor<4x3xi64>
  return
}

// -----

// packed_matmul with result_packing (C7)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<12x3x8xi64>, %e: tensor<4x5xi64>, %n: index) {
  // expected-error @below {{expected the epilogue to yield 'i1', 'i1', got 'i1'}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<12x3x8xi64>) outs(%e : tensor<4x5xi64>)
    attributes {kernel = "generic-popcount", size = 96 : i64, columns = 96 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      result_packing = #lowbit.packing<<-1, 0, 1>, rows>} {
    ^bb0(%acc: i32):
      %zero = arith.constant 0 : i32
      %p = arith.cmpi sge, %acc, %zero : i32
      lowbit.yield %p : i1
  } -> tensor<4x5xi64>
  return
}

// -----

// packed_matmul with result_packing (C7)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<12x3x8xi64>, %e: tensor<4x3xi64>, %n: index) {
  // expected-error @below {{expected the epilogue to yield 'i1', got 'i1', 'i1'}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<12x3x8xi64>) outs(%e : tensor<4x3xi64>)
    attributes {kernel = "generic-popcount", size = 96 : i64, columns = 96 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      result_packing = #lowbit.packing<<-1, 1>, rows>} {
    ^bb0(%acc: i32):
      %zero = arith.constant 0 : i32
      %p = arith.cmpi sge, %acc, %zero : i32
      lowbit.yield %p, %p : i1, i1
  } -> tensor<4x3xi64>
  return
}
