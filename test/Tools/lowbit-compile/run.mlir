// REQUIRES: python-numpy
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as np; x = np.arange(40, dtype='f4').reshape(5, 8); np.save(r'%t/x.npy', x); np.save(r'%t/s.npy', x.sum(1)); np.save(r'%t/y.npy', x * 2); np.save(r'%t/e.npy', x[:0])"
// RUN: lowbit-compile %s -o %t/model.so
// RUN: lowbit-run %t/model.so --input x=%t/x.npy --expect y=%t/y.npy --expect s=%t/s.npy
// RUN: lowbit-run %t/model.so --input x=%t/x.npy --threads=2 --expect y=%t/y.npy --expect s=%t/s.npy
// A failing assertion ends the run with its message.
// RUN: not lowbit-run %t/model.so --input x=%t/e.npy 2>&1 | FileCheck %s
// CHECK: node 'check': expected at least one row
// Every level of the instruction set that any x86-64 has.
// RUN: lowbit-compile %s -o %t/base.so --target=x86-64
// RUN: lowbit-run %t/base.so --input x=%t/x.npy --expect y=%t/y.npy --expect s=%t/s.npy

func.func @main(%x: memref<?x8xf32> {onnx.name = "x", onnx.dims = ["n", ""]})
    -> (memref<?x8xf32> {onnx.name = "y", onnx.dims = ["n", ""]}, memref<?xf32> {onnx.name = "s", onnx.dims = ["n"]}) {
  %c0 = arith.constant 0 : index
  %f0 = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %some = arith.cmpi ne, %n, %c0 : index
  cf.assert %some, "node 'check': expected at least one row"
  %t = memref.alloc(%n) : memref<?x8xf32>
  linalg.add ins(%x, %x : memref<?x8xf32>, memref<?x8xf32>) outs(%t : memref<?x8xf32>)
  %y = memref.alloc(%n) : memref<?x8xf32>
  memref.copy %t, %y : memref<?x8xf32> to memref<?x8xf32>
  %s = memref.alloc(%n) : memref<?xf32>
  linalg.fill ins(%f0 : f32) outs(%s : memref<?xf32>)
  linalg.reduce ins(%x : memref<?x8xf32>) outs(%s : memref<?xf32>) dimensions = [1]
    (%in: f32, %sum: f32) {
      %a = arith.addf %in, %sum : f32
      linalg.yield %a : f32
    }
  return %y, %s : memref<?x8xf32>, memref<?xf32>
}
