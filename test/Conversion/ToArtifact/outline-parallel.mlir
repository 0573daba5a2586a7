// RUN: lowbit-opt %s --lowbit-outline-parallel --canonicalize --split-input-file --allow-unregistered-dialect | FileCheck %s

// Two dimensions become one range; the buffer travels as pointer and extent, the
// constant is made again inside.
// CHECK-LABEL: llvm.func internal @lowbit_entry_loop0(
// CHECK-SAME:    %[[BEGIN:.*]]: i64, %[[END:.*]]: i64, %{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: i64)
// CHECK-DAG:     %[[B:.*]] = arith.index_cast %[[BEGIN]]
// CHECK-DAG:     %[[E:.*]] = arith.index_cast %[[END]]
// CHECK:         scf.for %[[T:.*]] = %[[B]] to %[[E]]
// CHECK-DAG:       arith.remui %[[T]]
// CHECK-DAG:       arith.divui %[[T]]
// CHECK:           scf.for
// CHECK:             memref.store
// CHECK-LABEL: llvm.func internal @lowbit_entry_loop0_task(
// CHECK-SAME:    %[[CTX:.*]]: !llvm.ptr, %[[TB:.*]]: i64, %[[TE:.*]]: i64)
// CHECK:         llvm.call @lowbit_entry_loop0(%[[TB]], %[[TE]]
// CHECK-LABEL: llvm.func internal @lowbit_entry(
// CHECK-SAME:    %[[HOST:.*]]: !llvm.ptr, %[[CALL:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK-DAG:     %[[SLOT:.*]] = llvm.getelementptr %[[HOST]][2]
// CHECK-DAG:     %[[FOR:.*]] = llvm.load %[[SLOT]]
// CHECK-DAG:     %[[TASK:.*]] = llvm.mlir.addressof @lowbit_entry_loop0_task
// CHECK:         llvm.call %[[FOR]](%[[CALL]], %[[TASK]], %{{.*}}, %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64) -> ()
llvm.func internal @lowbit_entry(%host: !llvm.ptr, %call: !llvm.ptr, %in: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %f = arith.constant 1.0 : f32
  %n, %x = "test.make"() : () -> (index, memref<?x8x512xf32>)
  %buffer = builtin.unrealized_conversion_cast %x : memref<?x8x512xf32> to memref<?x8x512xf32>
  %c512 = arith.constant 512 : index
  scf.parallel (%i, %j) = (%c0, %c0) to (%n, %c8) step (%c1, %c1) {
    scf.for %k = %c0 to %c512 step %c1 {
      memref.store %f, %buffer[%i, %j, %k] : memref<?x8x512xf32>
    }
  }
  %r = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r : i32
}

// -----

// Little work: called at once, without the pool.
// CHECK-LABEL: llvm.func internal @lowbit_entry
// CHECK:         llvm.call @lowbit_entry_loop0(
// CHECK-NOT:     _task
llvm.func internal @lowbit_entry(%host: !llvm.ptr, %call: !llvm.ptr, %in: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
    "test.work"(%i) : (index) -> ()
  }
  %r = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r : i32
}

// -----

// A given grain; a nested parallel loop runs in order.
// CHECK-LABEL: llvm.func internal @lowbit_entry_loop0(
// CHECK:         scf.for
// CHECK-NOT:     scf.parallel
// CHECK:           scf.for
// CHECK-LABEL: llvm.func internal @lowbit_entry
// CHECK-DAG:     %[[COUNT:.*]] = arith.constant 8 : i64
// CHECK-DAG:     %[[GRAIN:.*]] = arith.constant 2 : i64
// CHECK:         llvm.call %{{.*}}(%{{.*}}, %{{.*}}, %{{.*}}, %[[COUNT]], %[[GRAIN]])
llvm.func internal @lowbit_entry(%host: !llvm.ptr, %call: !llvm.ptr, %in: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
    scf.parallel (%j) = (%c0) to (%c8) step (%c1) {
      "test.work"(%i, %j) : (index, index) -> ()
    }
  } {lowbit.grain = 2 : i64}
  %r = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r : i32
}

// -----

// A function with a parallel loop takes the host from its callers.
// CHECK-LABEL: func.func private @kernel
// CHECK-SAME:    (%[[HOST:.*]]: !llvm.ptr, %[[CALL:.*]]: !llvm.ptr, %{{.*}}: memref<?xf32>)
// CHECK:         llvm.getelementptr %[[HOST]][2]
// CHECK-LABEL: llvm.func internal @lowbit_entry
// CHECK-SAME:    (%[[H:.*]]: !llvm.ptr, %[[C:.*]]: !llvm.ptr,
// CHECK:         call @kernel(%[[H]], %[[C]], %{{.*}})
func.func private @kernel(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    "test.work"(%i, %x) : (index, memref<?xf32>) -> ()
  }
  return
}
llvm.func internal @lowbit_entry(%host: !llvm.ptr, %call: !llvm.ptr, %in: !llvm.ptr) -> i32 {
  %x = "test.make"() : () -> memref<?xf32>
  func.call @kernel(%x) : (memref<?xf32>) -> ()
  %r = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r : i32
}

// -----

// Two views of one buffer may overlap: neither is noalias.
// CHECK-LABEL: llvm.func internal @lowbit_entry_loop0(
// CHECK-NOT:     llvm.noalias
llvm.func internal @lowbit_entry(%host: !llvm.ptr, %call: !llvm.ptr, %in: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n, %w = "test.make"() : () -> (index, memref<?xi8>)
  %x = memref.view %w[%c0][] : memref<?xi8> to memref<64xf32>
  %a = memref.subview %x[0] [32] [1] : memref<64xf32> to memref<32xf32, strided<[1]>>
  %b = memref.subview %x[8] [32] [1] : memref<64xf32> to memref<32xf32, strided<[1], offset: 8>>
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %v = memref.load %a[%i] : memref<32xf32, strided<[1]>>
    memref.store %v, %b[%i] : memref<32xf32, strided<[1], offset: 8>>
  }
  %r = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r : i32
}

// -----

// Work: of several branches the longest counts, and a fused multiply-add is one
// operation, so an iteration is 1024 times four of them.
// CHECK-LABEL: llvm.func internal @lowbit_entry(
// CHECK-DAG:     %[[GRAIN:.*]] = arith.constant 127 : i64
// CHECK:         llvm.call %{{.*}}(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[GRAIN]])
llvm.func internal @lowbit_entry(%host: !llvm.ptr, %call: !llvm.ptr, %in: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c1024 = arith.constant 1024 : index
  %n, %rest, %f = "test.make"() : () -> (index, index, f32)
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    scf.for %j = %c0 to %c1024 step %c1 {
      scf.index_switch %rest
      case 1 {
        "test.work"(%i) : (index) -> ()
        scf.yield
      }
      case 2 {
        %s = math.fma %f, %f, %f : f32
        "test.work"(%s) : (f32) -> ()
        "test.work"(%i) : (index) -> ()
        scf.yield
      }
      default {
      }
    }
  }
  %r = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r : i32
}
