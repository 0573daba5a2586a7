// RUN: lowbit-opt %s --split-input-file --verify-diagnostics
//
// The diagnostics of `lowbit.repack` and `lowbit.yield`; the constraints are
// numbered in their descriptions.

// repack (C1)
func.func @f(%a: tensor<1x3x8xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected the order rows, got panels}}
  %0 = lowbit.repack ins(%a : tensor<1x3x8xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, panels, lanes = 8>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C1)
func.func @f(%a: tensor<4x3xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected one type of levels, got '!lowbit.levels<-1, 1>' and '!lowbit.levels<0, 1>'}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<0, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C2)
func.func @f(%a: tensor<4x3xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected one extent or two between 1 and 2147483647, got [2, 8, 8]}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 8, 8>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C2)
func.func @f(%a: tensor<4x3xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected one extent or two between 1 and 2147483647, got [0, 64]}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 0, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C2)
func.func @f(%a: tensor<4x3xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected one extent or two between 1 and 2147483647, got [2, 4611686018427387904]}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 4611686018427387904>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C3)
func.func @f(%a: tensor<i64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected rank 2 or more, got 0}}
  %0 = lowbit.repack ins(%a : tensor<i64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C3)
func.func @f(%a: tensor<4x3xi32>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected an input of 'i64', got 'i32'}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi32>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C3)
func.func @f(%a: tensor<4x2xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected an input of shape [4, 3], got [4, 2]}}
  %0 = lowbit.repack ins(%a : tensor<4x2xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C4)
func.func @f(%a: tensor<4x3xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected a permutation of 3 dimensions, got [1, 0]}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C4)
func.func @f(%a: tensor<4x3xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected a permutation of 3 dimensions, got [1, 0, 0]}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 0>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C5)
func.func @f(%a: tensor<4x3xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{expected a destination of 'i32', got 'i64'}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, dwords, lanes = 8>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// repack (C5)
func.func @f(%a: tensor<4x3xi64>, %e: tensor<4x2x2xi64>) {
  // expected-error @below {{expected a destination of shape [2, 4, 2], got [4, 2, 2]}}
  %0 = lowbit.repack ins(%a : tensor<4x3xi64>) outs(%e : tensor<4x2x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<4x2x2xi64>
  return
}

// -----

// repack: unranked operands
func.func @f(%a: tensor<*xi64>, %e: tensor<2x4x2xi64>) {
  // expected-error @below {{operand #0 must be tensor or memref of packed words, but got 'tensor<*xi64>'}}
  %0 = lowbit.repack ins(%a : tensor<*xi64>) outs(%e : tensor<2x4x2xi64>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
     split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x4x2xi64>
  return
}

// -----

// yield
func.func @f(%a: i1) -> i1 {
  // expected-error @below {{expects parent op to be one of 'lowbit.packed_matmul, lowbit.packed_attention, lowbit.layer_norm_pack, lowbit.quantize_pack'}}
  lowbit.yield %a : i1
}

// -----

// Rows without sums are kept, not multiplied.
func.func @f(%a: tensor<4x2xi64>, %w: tensor<1x5x8xi64>, %e: tensor<4x8xi32>) {
  // expected-error @below {{expected rows with sums of codes}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<1x5x8xi64>) outs(%e : tensor<4x8xi32>)
    attributes {kernel = "generic", size = 96 : i64, columns = 8 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows, sums = false>, rhs_packing = #lowbit.packing<<-1, 0, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x8xi32>
  return
}
