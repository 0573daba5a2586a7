// A library for several targets exports a table for each; a runtime takes the one
// with the most features that the CPU has.
//
// RUN: rm -rf %t && mkdir %t
// RUN: lowbit-compile %s --target=x86-64,x86-64-v2,+fma,x86-64-v2 -o %t/net.so
// RUN: llvm-nm -D --defined-only %t/net.so | FileCheck %s --check-prefix=TABLES
// RUN: lowbit-run %t/net.so --describe | FileCheck %s --check-prefix=TAKEN
// RUN: not lowbit-compile %s --target=x86-64,x86-64-v2 --emit=obj -o %t/net.o 2>&1 \
// RUN:   | FileCheck %s --check-prefix=OBJECT
// RUN: not lowbit-compile %s --target=x86-64,sparc -o %t/net.so 2>&1 \
// RUN:   | FileCheck %s --check-prefix=UNKNOWN

// TABLES: lowbit_artifact{{$}}
// TABLES: lowbit_artifact_1{{$}}
// TABLES: lowbit_artifact_2{{$}}
// TAKEN: target: x86-64-v2
// OBJECT: several targets make a shared library only
// UNKNOWN: unknown target 'sparc'

func.func @main(%x: tensor<?x8xf32> {onnx.name = "x"}) -> (tensor<?x8xf32> {onnx.name = "y"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %y = linalg.add ins(%x, %x : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
