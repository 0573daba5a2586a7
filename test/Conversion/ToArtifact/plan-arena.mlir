// RUN: lowbit-opt %s --lowbit-plan-arena --cse --split-input-file --allow-unregistered-dialect | FileCheck %s

// Three buffers of one size, the first dead when the third begins: two slots.
// CHECK:       module attributes {lowbit.workspace = {buffers = 3 : i64, bytes = 256 : i64, slots = 2 : i64}}
// CHECK-LABEL: func.func @main
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C128:.*]] = arith.constant 128 : index
// CHECK:         %[[WS:.*]] = memref.alloc() {alignment = 64 : i64, lowbit.workspace} : memref<256xi8>
// CHECK:         %[[A:.*]] = memref.view %{{.*}}[%[[C0]]][]
// CHECK:         %[[B:.*]] = memref.view %{{.*}}[%[[C128]]][]
// CHECK:         "test.second"(%[[A]], %[[B]])
// CHECK:         "test.third"(%[[B]], %[[A]])
// CHECK:         %[[OUT:.*]] = memref.alloc() {lowbit.output = 0 : i32} : memref<4xf32>
// CHECK:         "test.last"(%[[A]], %[[OUT]])
// CHECK:         return %[[OUT]]
func.func @main(%x: memref<32xf32>) -> memref<4xf32> {
  %a = memref.alloc() : memref<32xf32>
  "test.first"(%x, %a) : (memref<32xf32>, memref<32xf32>) -> ()
  %b = memref.alloc() : memref<32xf32>
  "test.second"(%a, %b) : (memref<32xf32>, memref<32xf32>) -> ()
  %c = memref.alloc() : memref<32xf32>
  "test.third"(%b, %c) : (memref<32xf32>, memref<32xf32>) -> ()
  %o = memref.alloc() : memref<4xf32>
  "test.last"(%c, %o) : (memref<32xf32>, memref<4xf32>) -> ()
  memref.dealloc %c : memref<32xf32>
  return %o : memref<4xf32>
}

// -----

// A buffer lives as long as its views: `a` is read through a subview at the end.
// CHECK:       lowbit.workspace = {buffers = 2 : i64, bytes = 256 : i64, slots = 2 : i64}
// CHECK-LABEL: func.func @main
func.func @main(%x: memref<32xf32>) -> memref<32xf32> {
  %a = memref.alloc() : memref<32xf32>
  "test.first"(%x, %a) : (memref<32xf32>, memref<32xf32>) -> ()
  %v = memref.subview %a[8] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1], offset: 8>>
  %b = memref.alloc() : memref<32xf32>
  "test.second"(%x, %b) : (memref<32xf32>, memref<32xf32>) -> ()
  %o = memref.alloc() : memref<32xf32>
  "test.last"(%v, %b, %o) : (memref<16xf32, strided<[1], offset: 8>>, memref<32xf32>, memref<32xf32>) -> ()
  return %o : memref<32xf32>
}

// -----

// Sizes follow from the inputs; what computes them and the check of shapes come
// first. Two sizes share one slot, as large as the larger.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.*]]: memref<?x8xf32>, %[[Y:.*]]: memref<?xf32>
// CHECK:         %[[N:.*]] = memref.dim %[[X]]
// CHECK:         %[[M:.*]] = memref.dim %[[Y]]
// CHECK:         cf.assert
// CHECK:         %[[BYTES_X:.*]] = arith.muli %[[N]], %{{.*}}
// CHECK:         %[[BYTES_Y:.*]] = arith.muli %[[M]], %{{.*}}
// CHECK:         arith.maxsi %[[BYTES_X]], %[[BYTES_Y]]
// CHECK:         %[[WS:.*]] = memref.alloc({{.*}}) {alignment = 64 : i64, lowbit.workspace} : memref<?xi8>
// CHECK:         memref.view %[[WS]][%[[C0:.*]]][%[[N]]]
// CHECK:         "test.first"
// CHECK:         memref.view %[[WS]][%[[C0]]][%[[M]]]
func.func @main(%x: memref<?x8xf32>, %y: memref<?xf32>) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%n) : memref<?x8xf32>
  "test.first"(%a) : (memref<?x8xf32>) -> ()
  %m = memref.dim %y, %c0 : memref<?xf32>
  %same = arith.cmpi eq, %n, %m : index
  cf.assert %same, "the inputs must agree"
  %b = memref.alloc(%m) : memref<?xf32>
  "test.second"(%b) : (memref<?xf32>) -> ()
  %o = memref.alloc(%m) : memref<?xf32>
  "test.last"(%o) : (memref<?xf32>) -> ()
  return %o : memref<?xf32>
}

// -----

// A result that is an input, one that is returned twice, one that is a view.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.*]]: memref<8xf32>
// CHECK:         %[[A:.*]] = memref.alloc() {lowbit.output = 1 : i32} : memref<8xf32>
// CHECK:         "test.fill"(%[[A]])
// CHECK:         %[[O0:.*]] = memref.alloc() {lowbit.output = 0 : i32} : memref<8xf32>
// CHECK:         memref.copy %[[X]], %[[O0]]
// CHECK:         %[[O2:.*]] = memref.alloc() {lowbit.output = 2 : i32} : memref<8xf32>
// CHECK:         memref.copy %[[A]], %[[O2]]
// CHECK:         %[[O3:.*]] = memref.alloc() {lowbit.output = 3 : i32} : memref<4xf32>
// CHECK:         scf.parallel
// CHECK:           memref.store %{{.*}}, %[[O3]]
// CHECK:         return %[[O0]], %[[A]], %[[O2]], %[[O3]]
func.func @main(%x: memref<8xf32>) -> (memref<8xf32>, memref<8xf32>, memref<8xf32>, memref<4xf32, strided<[1], offset: 2>>) {
  %a = memref.alloc() : memref<8xf32>
  "test.fill"(%a) : (memref<8xf32>) -> ()
  %v = memref.subview %a[2] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: 2>>
  return %x, %a, %a, %v : memref<8xf32>, memref<8xf32>, memref<8xf32>, memref<4xf32, strided<[1], offset: 2>>
}

// -----

// One iteration's buffer: outside of a sequential loop, on the stack of a parallel
// one.
// CHECK-LABEL: func.func @main
// CHECK:         %[[VIEW:.*]] = memref.view
// CHECK:         scf.for
// CHECK-NEXT:      "test.body"(%[[VIEW]])
// CHECK:         scf.parallel
// CHECK-NEXT:      %[[STACK:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
// CHECK-NEXT:      "test.body"(%[[STACK]])
func.func @main(%x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {
    %a = memref.alloc() : memref<16xf32>
    "test.body"(%a) : (memref<16xf32>) -> ()
  }
  scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
    %a = memref.alloc() : memref<16xf32>
    "test.body"(%a) : (memref<16xf32>) -> ()
  }
  return
}

// -----

// The dimension of a collapsed buffer is a product of sizes known at the start.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.*]]: memref<?x8xf32>
// CHECK:         %[[N:.*]] = memref.dim %[[X]]
// CHECK:         %[[NM:.*]] = arith.muli %[[N]], %{{.*}}
// CHECK:         memref.alloc({{.*}}) {alignment = 64 : i64, lowbit.workspace}
// CHECK:         memref.view %{{.*}}[%{{.*}}][%[[NM]]]
func.func @main(%x: memref<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%n) : memref<?x8xf32>
  "test.first"(%a) : (memref<?x8xf32>) -> ()
  %flat = memref.collapse_shape %a [[0, 1]] : memref<?x8xf32> into memref<?xf32>
  %m = memref.dim %flat, %c0 : memref<?xf32>
  %b = memref.alloc(%m) : memref<?xf32>
  "test.second"(%flat, %b) : (memref<?xf32>, memref<?xf32>) -> ()
  return
}

// -----

// A result in storage of its own needs no output; one that did not land there is
// copied.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     lowbit.output
// CHECK:         %[[A:.*]] = builtin.unrealized_conversion_cast {{.*}}array<i64: 0, 0, 1>
// CHECK:         %[[B:.*]] = builtin.unrealized_conversion_cast {{.*}}array<i64: 0, 1, 1>
// CHECK:         memref.copy %{{.*}}, %[[B]]
// CHECK-NEXT:    return %[[A]], %[[B]]
func.func @main(%x: memref<4x?xf32>, %n: index) -> (memref<4x?xf32>, memref<4x?xf32>) {
  %a = builtin.unrealized_conversion_cast %n : index to memref<4x?xf32> {lowbit.append = array<i64: 0, 0, 1>}
  %b = builtin.unrealized_conversion_cast %n : index to memref<4x?xf32> {lowbit.append = array<i64: 0, 1, 1>}
  return %a, %x : memref<4x?xf32>, memref<4x?xf32>
}
