// RUN: lowbit-opt %s --lowbit-plan-arena --split-input-file --allow-unregistered-dialect --verify-diagnostics

func.func @main(%x: memref<?xindex>) -> memref<4xf32> {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{computed here}}
  %n = memref.load %x[%c0] : memref<?xindex>
  // expected-error @+1 {{the size of this buffer depends on computed data, not only on the dimensions of the inputs}}
  %a = memref.alloc(%n) : memref<?xf32>
  %o = memref.alloc() : memref<4xf32>
  "test.use"(%a, %o) : (memref<?xf32>, memref<4xf32>) -> ()
  return %o : memref<4xf32>
}

// -----

func.func @main(%n: index, %x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    // expected-error @+1 {{inside a parallel loop: expected a static shape, got 'memref<?xf32>'}}
    %a = memref.alloc(%n) : memref<?xf32>
    "test.use"(%a) : (memref<?xf32>) -> ()
  }
  return
}

// -----

func.func @main(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    // expected-error @+1 {{inside a parallel loop: expected at most 65536 bytes, got 80000}}
    %a = memref.alloc() : memref<20000xf32>
    "test.use"(%a) : (memref<20000xf32>) -> ()
  }
  return
}

// -----

func.func @main(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    // expected-error @+1 {{inside a loop: its size must not change between iterations}}
    %a = memref.alloc(%i) : memref<?xf32>
    "test.use"(%a) : (memref<?xf32>) -> ()
  }
  return
}

// -----

// expected-error @+1 {{expected a function @main with one block}}
module {
}
