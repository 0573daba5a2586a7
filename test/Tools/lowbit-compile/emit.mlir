// RUN: lowbit-compile %s --emit=llvm --target=x86-64-v3 | FileCheck %s --check-prefix=LLVM
// RUN: lowbit-compile %s --emit=llvm-ir --target=x86-64-v3 | FileCheck %s --check-prefix=IR
// RUN: lowbit-compile %s --emit=asm --target=x86-64-v3 | FileCheck %s --check-prefix=ASM
// RUN: rm -rf %t && mkdir %t
// RUN: lowbit-compile %s -o %t/net.o
// RUN: llvm-nm %t/net.o | FileCheck %s --check-prefix=OBJ
// RUN: FileCheck %s --check-prefix=HEADER < %t/net.h
// RUN: lowbit-compile %s -o %t/net.so
// RUN: llvm-nm -D --defined-only %t/net.so | FileCheck %s --check-prefix=SO
// Two threads' worth of buffers cannot overlap: the loop has no check for it.
// IR-NOT: vector.memcheck

// LLVM: llvm.func internal @lowbit_entry
// IR:   load <8 x float>
// IR:   fmul <8 x float>
// ASM:  vmulps
// OBJ:  {{[DR]}} lowbit_artifact_net
// HEADER: extern const LowbitArtifact lowbit_artifact_net;
// SO:     lowbit_artifact
// SO-NOT: {{.}}

func.func @main(%x: memref<?x512xf32>, %v: memref<512xf32>) -> memref<?x512xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x512xf32>
  %y = memref.alloc(%n) : memref<?x512xf32>
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %v : memref<?x512xf32>, memref<512xf32>) outs(%y : memref<?x512xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  }
  return %y : memref<?x512xf32>
}
