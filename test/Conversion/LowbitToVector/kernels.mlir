// RUN: lowbit-opt %s --convert-lowbit-to-vector --canonicalize --split-input-file | FileCheck %s

// AVX2: bytes are counted, widened once at the end (12 words cannot overflow a
// byte), one panel of eight channels for four rows at a time.

module attributes {lowbit.target = "x86-64-v3"} {
// CHECK-LABEL: func @avx2
// CHECK: scf.parallel
// CHECK: scf.for
// CHECK: vector.load %{{.*}} : memref<2x13x8xi64>, vector<4xi64>
// CHECK-COUNT-8: math.ctpop %{{.*}} : vector<32xi8>
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.psad.bw"
// CHECK: arith.trunci %{{.*}} : vector<8xi64> to vector<8xi32>
// CHECK: vector.store %{{.*}} : memref<8x16xi32>, vector<8xi32>
// CHECK-NOT: lowbit.packed_matmul
func.func @avx2(%a: memref<8x13xi64>, %w: memref<2x13x8xi64>, %o: memref<8x16xi32>) {
  lowbit.packed_matmul ins(%a, %w : memref<8x13xi64>, memref<2x13x8xi64>) outs(%o : memref<8x16xi32>)
    attributes {kernel = "x86-avx2-popcount", size = 768 : i64, columns = 16 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}
}

// -----

// VPOPCNTDQ: whole words; an unknown number of columns masks the last panel.

module attributes {lowbit.target = "x86-64-v4,+avx512vpopcntdq"} {
// CHECK-LABEL: func @vpopcntdq
// CHECK: scf.if
// CHECK: math.ctpop %{{.*}} : vector<8xi64>
// CHECK: vector.store
// CHECK: else
// CHECK: vector.maskedstore
func.func @vpopcntdq(%a: memref<?x2xi64>, %w: memref<?x2x32xi64>, %n: index, %o: memref<?x?xi32>) {
  lowbit.packed_matmul ins(%a, %w : memref<?x2xi64>, memref<?x2x32xi64>) columns %n outs(%o : memref<?x?xi32>)
    attributes {kernel = "x86-avx512-vpopcntdq", size = 40 : i64, columns = -9223372036854775808 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 32>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}
}

// -----

// AMX: the left side becomes bytes in the scratch buffer, then 32 columns at a
// time are unpacked ahead of the products; few rows take popcount.

module attributes {lowbit.target = "x86-64-v4,+avx512vpopcntdq,+avx512vbmi,+amx-int8"} {
// CHECK-LABEL: func @amx
// CHECK: %[[MANY:.*]] = arith.cmpi uge
// CHECK: scf.if %[[MANY]]
// CHECK: scf.for
// CHECK: scf.parallel
// CHECK: vector.bitcast %{{.*}} : vector<1xi64> to vector<64xi1>
// CHECK: vector.store %{{.*}} : memref<?xi8>, vector<64xi8>
// CHECK: scf.parallel
// CHECK: llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilezero"
// CHECK-COUNT-32: llvm.call_intrinsic "llvm.x86.avx512.pmultishift.qb.512"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileload
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbusd"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK: llvm.call_intrinsic "llvm.x86.tilerelease"
// CHECK: else
// CHECK: math.ctpop %{{.*}} : vector<16xi32>
func.func @amx(%a: memref<?x13xi64>, %w: memref<1x25x64xi32>, %s: memref<?xi8>, %o: memref<?x64xi32>) {
  lowbit.packed_matmul ins(%a, %w : memref<?x13xi64>, memref<1x25x64xi32>) scratch(%s : memref<?xi8>) outs(%o : memref<?x64xi32>)
    attributes {kernel = "x86-amx-bits", size = 768 : i64, columns = 64 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, dwords, lanes = 64>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}
}

// -----

// VNNI: ternary weights keep two bits, four quads to a word, and become bytes
// once for the eight rows of a tile. 20 elements are a word and one quad more.

module attributes {lowbit.target = "x86-64-v4,+avx512vnni"} {
// CHECK-LABEL: func @vnni
// CHECK: scf.for
// CHECK: arith.shrui %{{.*}}, %{{.*}} : vector<16xi32>
// CHECK: arith.andi %{{.*}}, %{{.*}} : vector<16xi32>
// CHECK: vector.bitcast %{{.*}} : vector<16xi32> to vector<64xi8>
// CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: vector.store %{{.*}} : memref<8x32xi32>, vector<16xi32>
// CHECK-NOT: lowbit.packed_matmul
func.func @vnni(%a: memref<8x6xi32>, %w: memref<1x3x32xi32>, %o: memref<8x32xi32>) {
  lowbit.packed_matmul ins(%a, %w : memref<8x6xi32>, memref<1x3x32xi32>) outs(%o : memref<8x32xi32>)
    attributes {kernel = "x86-avx512-vnni", size = 20 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-3, -2, -1, 0, 1, 2, 3>, bytes>, rhs_packing = #lowbit.packing<<-1, 0, 1>, quads, lanes = 32>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}
}

// -----

// An empty plane of the left side is skipped.

module attributes {lowbit.target = "x86-64"} {
// CHECK-LABEL: func @planes
// CHECK: %[[USED:.*]] = arith.shrui %{{.*}}, %{{.*}} : i64
// CHECK: scf.for
// CHECK: arith.trunci %{{.*}} : i64 to i1
// CHECK: scf.if
// CHECK: math.ctpop %{{.*}} : vector<2xi64>
func.func @planes(%a: memref<2x3xi64>, %w: memref<1x2x8xi64>, %o: memref<2x8xi32>) {
  lowbit.packed_matmul ins(%a, %w : memref<2x3xi64>, memref<1x2x8xi64>) outs(%o : memref<2x8xi32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 8 : i64,
      lhs_packing = #lowbit.packing<<-1, 0, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}
}

// -----

// Lookup: tables of four elements are built once for a tile of rows, a byte
// shuffle looks up 32 nibbles of weights, bytes are widened in order.

module attributes {lowbit.target = "x86-64-v3"} {
// CHECK: memref.global "private" constant @lowbit_selected_counts_4 : memref<16x16xi8>
// CHECK-LABEL: func @lookup
// CHECK: %[[TABLES:.*]] = memref.alloca() {{.*}} : memref<192x4x16xi8>
// CHECK-COUNT-64: vector.store %{{.*}}, %[[TABLES]]
// CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"
// CHECK: arith.shrui %{{.*}} : vector<8xi32>
// CHECK: vector.store %{{.*}} : memref<4x64xi32>, vector<8xi32>
func.func @lookup(%a: memref<4x13xi64>, %w: memref<1x100x64xi8>, %o: memref<4x64xi32>) {
  lowbit.packed_matmul ins(%a, %w : memref<4x13xi64>, memref<1x100x64xi8>) outs(%o : memref<4x64xi32>)
    attributes {kernel = "x86-avx2-lookup", size = 768 : i64, columns = 64 : i64,
      lhs_packing = #lowbit.packing<<0, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, nibbles, lanes = 64>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}
}

// -----

// Lookup with VBMI: tables of six elements fill a register, and the codes are put
// into bytes before; 3072 elements are four blocks, between which the sums of the
// panels wait.

module attributes {lowbit.target = "x86-64-v4,+avx512vbmi"} {
// CHECK-LABEL: func @lookup_of_six
// CHECK: %[[TABLES:.*]] = memref.alloca() {{.*}} : memref<128x4x64xi8>
// CHECK: %[[CODES:.*]] = memref.alloca() {{.*}} : memref<1x832xi8>
// CHECK: %[[WAITING:.*]] = memref.alloca() {{.*}} : memref<24x16x32xi16>
// CHECK: vector.store %{{.*}}, %[[CODES]]
// CHECK-COUNT-4: vector.store %{{.*}}, %[[TABLES]]
// CHECK-COUNT-32: llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"
// CHECK: vector.store %{{.*}}, %[[WAITING]]
// CHECK: vector.store %{{.*}} : memref<4x128xi32>, vector<16xi32>
func.func @lookup_of_six(%a: memref<4x97xi64>, %w: memref<1x388x128xi8>, %o: memref<4x128xi32>) {
  lowbit.packed_matmul ins(%a, %w : memref<4x97xi64>, memref<1x388x128xi8>) outs(%o : memref<4x128xi32>)
    attributes {kernel = "x86-avx512vbmi-lookup", size = 3072 : i64, columns = 128 : i64,
      lhs_packing = #lowbit.packing<<0, 1, 2, 3>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, sextets, lanes = 128>} {
  ^bb0(%acc: i32):
    lowbit.yield %acc : i32
  }
  return
}
}

// -----

// Float activations: the bits of the weights mask additions, every other one by a
// multiply-add; 26 rows are two tiles of twelve and two single rows, which take
// eight steps at once.

module attributes {lowbit.target = "x86-64-v4"} {
// CHECK-LABEL: func @masked_float
// CHECK-DAG:     %[[TWO:.*]] = arith.constant dense<2.000000e+00> : vector<16xf32>
// CHECK:         scf.parallel
// CHECK:           scf.for {{.*}} step %c12
// CHECK:             scf.for {{.*}} step %c384
// CHECK:               scf.for {{.*}} step %c1 iter_args
// CHECK:                 %[[MASK:.*]] = vector.bitcast %{{.*}} : vector<2xi8> to vector<16xi1>
// CHECK:                 %[[DOUBLED:.*]] = math.fma %{{.*}}, %[[TWO]], %[[SUM:.*]] : vector<16xf32>
// CHECK:                 arith.select %[[MASK]], %[[DOUBLED]], %[[SUM]]
// CHECK:                 %[[ADDED:.*]] = arith.addf %[[SUM:.*]], %{{.*}} : vector<16xf32>
// CHECK:                 arith.select %{{.*}}, %[[ADDED]], %[[SUM]]
// CHECK:           scf.for {{.*}} step %c1
// CHECK:             scf.for {{.*}} step %c384
// CHECK:               scf.for {{.*}} step %c8 iter_args
func.func @masked_float(%a: memref<26x768xf32>, %w: memref<2x768x4xi8>, %o: memref<26x64xf32>) {
  lowbit.packed_matmul ins(%a, %w : memref<26x768xf32>, memref<2x768x4xi8>) outs(%o : memref<26x64xf32>)
    attributes {kernel = "x86-avx512-float", size = 768 : i64, columns = 64 : i64,
      rhs_packing = #lowbit.packing<<-1, 1>, lanes, lanes = 32>} {
  ^bb0(%acc: f32):
    lowbit.yield %acc : f32
  }
  return
}
}

// -----

// Levels of two planes are expanded and multiplied.

module attributes {lowbit.target = "x86-64-v4"} {
// CHECK-LABEL: func @expanded_float
// CHECK:         %[[LEVELS:.*]] = arith.addf %{{.*}}, %{{.*}} : vector<16xf32>
// CHECK:         math.fma %{{.*}}, %[[LEVELS]], %{{.*}} : vector<16xf32>
func.func @expanded_float(%a: memref<12x64xf32>, %w: memref<1x128x4xi8>, %o: memref<12x32xf32>) {
  lowbit.packed_matmul ins(%a, %w : memref<12x64xf32>, memref<1x128x4xi8>) outs(%o : memref<12x32xf32>)
    attributes {kernel = "x86-avx512-float", size = 64 : i64, columns = 32 : i64,
      rhs_packing = #lowbit.packing<<-1, 0, 1>, lanes, lanes = 32>} {
  ^bb0(%acc: f32):
    lowbit.yield %acc : f32
  }
  return
}
}
