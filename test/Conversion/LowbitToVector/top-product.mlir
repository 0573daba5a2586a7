// RUN: lowbit-opt %s --convert-lowbit-to-vector --canonicalize --split-input-file | FileCheck %s

// VNNI: two rows of the input at a time, high and low bytes of their codes with
// four vectors of the table.

module attributes {lowbit.target = "x86-64-v4,+avx512vnni"} {
// CHECK-LABEL: func @vnni
// CHECK: scf.parallel
// CHECK: math.roundeven
// CHECK: scf.parallel
// CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: scf.parallel
// CHECK-COUNT-8: math.fma %{{.*}} : f32
// CHECK-NOT: lowbit.top_product
func.func @vnni(%x: memref<?x8xf32>, %t: memref<1000x8xf32>, %c: memref<16x2x256xi8>, %b: memref<4x1024xf32>,
    %0: memref<?x2x3xi32>, %1: memref<?x3xf32>, %2: memref<?x1024xf32>, %3: memref<?x128xf32>, %4: memref<?x1000xi32>,
    %v: memref<?x2xf32>, %i: memref<?x2xi64>) {
  lowbit.top_product ins(%x, %t : memref<?x8xf32>, memref<1000x8xf32>) screen(%c, %b : memref<16x2x256xi8>, memref<4x1024xf32>)
    scratch(%0, %1, %2, %3, %4 : memref<?x2x3xi32>, memref<?x3xf32>, memref<?x1024xf32>, memref<?x128xf32>, memref<?x1000xi32>)
    outs(%v, %i : memref<?x2xf32>, memref<?x2xi64>)
  return
}
}

// -----

// Without it products of 16 bits, of even and odd bytes; no fused additions.

module attributes {lowbit.target = "x86-64"} {
// CHECK-LABEL: func @portable
// CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.sse2.pmadd.wd"
// CHECK-NOT: math.fma
// CHECK: return
func.func @portable(%x: memref<?x8xf32>, %t: memref<1000x8xf32>, %c: memref<16x2x256xi8>, %b: memref<4x1024xf32>,
    %0: memref<?x2x3xi32>, %1: memref<?x3xf32>, %2: memref<?x1024xf32>, %3: memref<?x128xf32>, %4: memref<?x1000xi32>,
    %v: memref<?x2xf32>, %i: memref<?x2xi64>) {
  lowbit.top_product ins(%x, %t : memref<?x8xf32>, memref<1000x8xf32>) screen(%c, %b : memref<16x2x256xi8>, memref<4x1024xf32>)
    scratch(%0, %1, %2, %3, %4 : memref<?x2x3xi32>, memref<?x3xf32>, memref<?x1024xf32>, memref<?x128xf32>, memref<?x1000xi32>)
    outs(%v, %i : memref<?x2xf32>, memref<?x2xi64>)
  return
}
}
