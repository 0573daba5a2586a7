// RUN: lowbit-opt %s --convert-to-lowbit-entry --split-input-file --allow-unregistered-dialect --verify-diagnostics

func.func @main(%x: memref<4xf32>, %n: index) {
  // expected-error @-1 {{input 1 of @main: expected a contiguous array of bool, of integers of 8, 32 or 64 bits, or of float16, float32 or float64, got 'index'}}
  return
}

// -----

func.func @main(%c: memref<i1>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %c1 step %c1 {
    %ok = memref.load %c[] : memref<i1>
    // expected-error @+1 {{expected at the top level of @main, got one inside 'scf.for'}}
    cf.assert %ok, "no"
  }
  return
}

// -----

func.func @main(%c: memref<i1>) {
  // expected-error @+1 {{expected lowbit-plan-arena to have placed it}}
  %a = memref.alloc() : memref<4xf32>
  "test.use"(%a) : (memref<4xf32>) -> ()
  return
}

// -----

// expected-error @+1 {{expected 1 allocations marked 'lowbit.output', got 0}}
func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
  return %x : memref<4xf32>
}
