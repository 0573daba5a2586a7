// RUN: lowbit-opt %s --convert-lowbit-to-vector --split-input-file --verify-diagnostics

func.func @on_tensors(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @below {{must be on buffers before code is emitted for it}}
  %y = lowbit.softmax ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

func.func @unknown_kernel(%a: memref<2x2xi64>, %w: memref<1x2x4xi64>, %o: memref<2x4xi32>) {
  // expected-error @below {{names an unknown kernel 'abacus'}}
  lowbit.packed_matmul ins(%a, %w : memref<2x2xi64>, memref<1x2x4xi64>) outs(%o : memref<2x4xi32>)
    attributes {kernel = "abacus", size = 40 : i64, columns = 4 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 4>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}

// -----

func.func @wrong_lanes(%a: memref<2x2xi64>, %w: memref<1x2x4xi64>, %o: memref<2x4xi32>) {
  // expected-error @below {{is not packed as kernel 'generic-popcount' expects}}
  lowbit.packed_matmul ins(%a, %w : memref<2x2xi64>, memref<1x2x4xi64>) outs(%o : memref<2x4xi32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 4 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 4>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}

// -----

func.func @strided(%x: memref<4x6x8xf32>, %o: memref<6x8x2xi64>) {
  // expected-error @below {{expects the last dimension of the input to be the packed one, or that of the panels}}
  lowbit.quantize_pack ins(%x : memref<4x6x8xf32>) outs(%o : memref<6x8x2xi64>)
    {packing = #lowbit.packing<<-1, 1>, rows>, permutation = array<i64: 1, 2, 0>, rounding = #lowbit.rounding<step>}
  return
}

// -----

func.func @no_screen(%x: memref<4x8xf32>, %t: memref<20x8xf32>, %v: memref<4x2xf32>, %i: memref<4x2xi64>) {
  // expected-error @below {{expected a screen and scratch buffers for it}}
  lowbit.top_product ins(%x, %t : memref<4x8xf32>, memref<20x8xf32>) outs(%v, %i : memref<4x2xf32>, memref<4x2xi64>)
  return
}

// -----

func.func @strided_rows(%x: memref<4x8xf32, strided<[16, 2]>>, %t: memref<20x8xf32>, %c: memref<1x2x256xi8>, %b: memref<4x64xf32>,
    %0: memref<?x2x3xi32>, %1: memref<?x3xf32>, %2: memref<?x64xf32>, %3: memref<?x64xf32>, %4: memref<?x20xi32>,
    %v: memref<4x2xf32>, %i: memref<4x2xi64>) {
  // expected-error @below {{expected rows whose elements lie side by side}}
  lowbit.top_product ins(%x, %t : memref<4x8xf32, strided<[16, 2]>>, memref<20x8xf32>) screen(%c, %b : memref<1x2x256xi8>, memref<4x64xf32>)
    scratch(%0, %1, %2, %3, %4 : memref<?x2x3xi32>, memref<?x3xf32>, memref<?x64xf32>, memref<?x64xf32>, memref<?x20xi32>)
    outs(%v, %i : memref<4x2xf32>, memref<4x2xi64>)
  return
}

// -----

func.func @unknown_context_kernel(%q: memref<1x2x4x2xi64>, %k: memref<1x2x1x2x8xi64>, %v: memref<1x2x1x2x8xi64>, %s: memref<f32>,
    %n: index, %p: memref<?x?xf32>, %c: memref<?x?xi64>, %o: memref<1x2x4x8xf32>) {
  // expected-error @below {{names an unknown kernel 'abacus'}}
  lowbit.packed_attention ins(%q, %k, %v, %s : memref<1x2x4x2xi64>, memref<1x2x1x2x8xi64>, memref<1x2x1x2x8xi64>, memref<f32>)
    keys %n scratch(%p, %c : memref<?x?xf32>, memref<?x?xi64>) outs(%o : memref<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", context_kernel = "abacus", size = 64 : i64, columns = 8 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
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

func.func @wrong_context_kernel(%q: memref<1x2x4x2xi64>, %k: memref<1x2x1x2x8xi64>, %v: memref<1x2x1x2x8xi64>, %s: memref<f32>,
    %n: index, %p: memref<?x?xf32>, %c: memref<?x?xi64>, %o: memref<1x2x4x8xf32>) {
  // expected-error @below {{is not packed as kernel 'x86-avx512-vpopcntd' expects}}
  lowbit.packed_attention ins(%q, %k, %v, %s : memref<1x2x4x2xi64>, memref<1x2x1x2x8xi64>, memref<1x2x1x2x8xi64>, memref<f32>)
    keys %n scratch(%p, %c : memref<?x?xf32>, memref<?x?xi64>) outs(%o : memref<1x2x4x8xf32>)
    attributes {kernel = "generic-popcount", context_kernel = "x86-avx512-vpopcntd", size = 64 : i64, columns = 8 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
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

func.func @float_scores(%q: memref<1x2x4x2xi64>, %k: memref<1x2x1x2x8xi64>, %v: memref<1x2x1x2x8xi64>, %s: memref<f32>,
    %n: index, %p: memref<?x?xf32>, %c: memref<?x?xi64>, %o: memref<1x2x4x8xf32>) {
  // expected-error @below {{is not packed as kernel 'generic-float' expects}}
  lowbit.packed_attention ins(%q, %k, %v, %s : memref<1x2x4x2xi64>, memref<1x2x1x2x8xi64>, memref<1x2x1x2x8xi64>, memref<f32>)
    keys %n scratch(%p, %c : memref<?x?xf32>, memref<?x?xi64>) outs(%o : memref<1x2x4x8xf32>)
    attributes {kernel = "generic-float", context_kernel = "generic-popcount", size = 64 : i64, columns = 8 : i64,
      q_packing = #lowbit.packing<<-1, 1>, rows>, k_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>,
      v_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>}
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

// Signs times signs need no sums of codes, but codes 0 and 1 less one do.
func.func @no_sums(%a: memref<2x2xi64>, %w: memref<1x2x64xi32>, %o: memref<2x64xi32>) {
  // expected-error @below {{has a right side without the sums of codes that kernel 'x86-avx512-vpopcntd' needs}}
  lowbit.packed_matmul ins(%a, %w : memref<2x2xi64>, memref<1x2x64xi32>) outs(%o : memref<2x64xi32>)
    attributes {kernel = "x86-avx512-vpopcntd", size = 64 : i64, columns = 64 : i64,
      lhs_packing = #lowbit.packing<<-1, 0>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, dwords, lanes = 64, sums = false>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}

// -----

func.func @quantized_without_sums(%x: memref<64x64xf32>, %o: memref<1x2x64xi32>) {
  // expected-error @below {{cannot pack without sums of codes at run time}}
  lowbit.quantize_pack ins(%x : memref<64x64xf32>) outs(%o : memref<1x2x64xi32>)
    {packing = #lowbit.packing<<-1, 1>, dwords, lanes = 64, sums = false>, rounding = #lowbit.rounding<step>}
  return
}

// -----

func.func @digits_at_run_time(%x: memref<4x16xf32>, %o: memref<4x2xi8>) {
  // expected-error @below {{cannot pack in the order 'digits' at run time}}
  lowbit.quantize_pack ins(%x : memref<4x16xf32>) outs(%o : memref<4x2xi8>)
    {packing = #lowbit.packing<<-1, 1>, digits>, rounding = #lowbit.rounding<step>}
  return
}

// -----

func.func @repacked_without_sums(%a: memref<4x64x3xi64>, %o: memref<4x2x1x2x64xi32>) {
  // expected-error @below {{cannot pack without sums of codes at run time}}
  lowbit.repack ins(%a : memref<4x64x3xi64>) outs(%o : memref<4x2x1x2x64xi32>)
    {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, dwords, lanes = 64, sums = false>,
     split = array<i64: 2, 64>, permutation = array<i64: 0, 2, 1, 3>}
  return
}
