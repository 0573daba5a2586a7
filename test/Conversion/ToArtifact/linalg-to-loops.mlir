// RUN: lowbit-opt %s --lowbit-linalg-to-loops --canonicalize --split-input-file | FileCheck %s

// The last dimension is contiguous for both operands: it becomes the inner loop.
// CHECK-LABEL: func @elementwise
// CHECK-SAME:    %[[A:.*]]: memref<?x768xf32>, %[[B:.*]]: memref<768xf32>, %[[C:.*]]: memref<?x768xf32>
// CHECK:         %[[ROWS:.*]] = memref.dim %[[A]]
// CHECK:         scf.parallel (%[[I:.*]]) = {{.*}} to (%[[ROWS]])
// CHECK:           scf.for %[[J:.*]] =
// CHECK-DAG:         memref.load %[[A]][%[[I]], %[[J]]]
// CHECK-DAG:         memref.load %[[B]][%[[J]]]
// CHECK:             arith.addf
// CHECK-NOT:         fastmath
// CHECK:             memref.store %{{.*}}, %[[C]][%[[I]], %[[J]]]
func.func @elementwise(%a: memref<?x768xf32>, %b: memref<768xf32>, %c: memref<?x768xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : memref<?x768xf32>, memref<768xf32>) outs(%c : memref<?x768xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// B and C are contiguous along n: k goes around it, eight steps at a time and in
// order.
// CHECK-LABEL: func @matmul
// CHECK:         scf.parallel (%[[M:.*]]) =
// CHECK:           scf.for %[[K:.*]] = {{.*}} step %c8
// CHECK:             scf.for %[[N:.*]] =
// CHECK:               arith.mulf {{.*}} fastmath<contract>
// CHECK:               arith.addf {{.*}} fastmath<contract>
// CHECK-COUNT-7:       arith.mulf
// CHECK:               memref.store %{{.*}}, %{{.*}}[%[[M]], %[[N]]]
func.func @matmul(%a: memref<?x64xf32>, %b: memref<64x32xf32>, %c: memref<?x32xf32>) {
  linalg.matmul ins(%a, %b : memref<?x64xf32>, memref<64x32xf32>) outs(%c : memref<?x32xf32>)
  return
}

// -----

// A and B are contiguous along k: the sum stays in vectors.
// CHECK-LABEL: func @matmul_transposed
// CHECK:         scf.parallel (%[[M:.*]], %[[N:.*]]) =
// CHECK:           %[[INIT:.*]] = memref.load
// CHECK:           scf.for {{.*}} step %c16 iter_args({{.*}}) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>)
// CHECK:             vector.load
// CHECK:             arith.mulf {{.*}} fastmath<contract> : vector<4xf32>
// CHECK:             arith.addf {{.*}} fastmath<contract> : vector<4xf32>
// CHECK:           %[[SUM:.*]] = arith.addf %[[INIT]], %{{.*}} : f32
// CHECK:           memref.store %[[SUM]], %{{.*}}[%[[M]], %[[N]]]
func.func @matmul_transposed(%a: memref<?x64xf32>, %b: memref<32x64xf32>, %c: memref<?x32xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<?x64xf32>, memref<32x64xf32>) outs(%c : memref<?x32xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A dimension of extent one makes no loop; a single loop is the parallel one.
// CHECK-LABEL: func @one_row
// CHECK:         scf.parallel (%[[J:.*]]) =
// CHECK-NOT:     scf.for
// CHECK:           arith.index_cast %[[J]]
func.func @one_row(%c: memref<1x?xi32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%c : memref<1x?xi32>) {
  ^bb0(%z: i32):
    %j = linalg.index 1 : index
    %v = arith.index_cast %j : index to i32
    linalg.yield %v : i32
  }
  return
}

// -----

// A copy between layouts becomes loops, a block copy stays.
// CHECK-LABEL: func @copies
// CHECK:         memref.copy
// CHECK:         scf.parallel
// CHECK-NOT:     memref.copy
func.func @copies(%a: memref<?x8xf32>, %b: memref<?x8xf32>, %s: memref<?x8xf32, strided<[16, 1]>>) {
  memref.copy %a, %b : memref<?x8xf32> to memref<?x8xf32>
  memref.copy %s, %b : memref<?x8xf32, strided<[16, 1]>> to memref<?x8xf32>
  return
}

// -----

// Minima of rows in four vectors of the target's width: whole blocks, single
// vectors, and the rest under a mask. The shift is one number for a row.
module attributes {lowbit.target = "x86-64-v4"} {
// CHECK-LABEL: func @row_minimum
// CHECK-SAME:    %[[X:.*]]: memref<?x?xf32>, %[[SHIFT:.*]]: memref<?xf32>, %[[R:.*]]: memref<?xf32>
// CHECK-DAG:     %[[INF:.*]] = arith.constant dense<0x7F800000> : vector<16xf32>
// CHECK:         %[[SIZE:.*]] = memref.dim %[[X]], %c1
// CHECK:         %[[PAST64:.*]] = arith.remui %[[SIZE]], %c64
// CHECK:         %[[END64:.*]] = arith.subi %[[SIZE]], %[[PAST64]]
// CHECK:         scf.parallel (%[[I:.*]]) =
// CHECK:           %[[BLOCKS:.*]]:4 = scf.for {{.*}} to %[[END64]] step %c64 iter_args(%{{.*}} = %[[INF]], %{{.*}} = %[[INF]], %{{.*}} = %[[INF]], %{{.*}} = %[[INF]])
// CHECK-COUNT-4:     arith.minimumf {{.*}} : vector<16xf32>
// CHECK:           scf.for {{.*}} step %c16 iter_args
// CHECK:             vector.load
// CHECK:           scf.for {{.*}} to %[[SIZE]] step %c16 iter_args
// CHECK:             %[[MASK:.*]] = vector.create_mask
// CHECK:             vector.maskedload %[[X]]{{.*}} %[[MASK]]
// CHECK:             %[[SUM:.*]] = arith.addf
// CHECK:             arith.select %[[MASK]], %[[SUM]], %[[INF]]
// CHECK:           arith.minimumf {{.*}} : vector<8xf32>
// CHECK:           arith.minimumf {{.*}} : vector<1xf32>
// CHECK:           memref.store %{{.*}}, %[[R]][%[[I]]]
func.func @row_minimum(%x: memref<?x?xf32>, %shift: memref<?xf32>, %r: memref<?xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x, %shift : memref<?x?xf32>, memref<?xf32>) outs(%r : memref<?xf32>) {
  ^bb0(%a: f32, %s: f32, %acc: f32):
    %sum = arith.addf %a, %s : f32
    %m = arith.minimumf %sum, %acc : f32
    linalg.yield %m : f32
  }
  return
}
}

// -----

// What has no free order, or is not contiguous, or divides, stays scalar.
// CHECK-LABEL: func @scalar_reductions
// CHECK-NOT:     vector
// CHECK:         return
func.func @scalar_reductions(%x: memref<?xf32>, %s: memref<?xf32, strided<[2]>>, %n: memref<?xi32>, %f: memref<f32>, %i: memref<i32>) {
  linalg.generic {
      indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> ()>], iterator_types = ["reduction"]}
      ins(%x : memref<?xf32>) outs(%f : memref<f32>) {
  ^bb0(%a: f32, %acc: f32):
    %p = arith.mulf %a, %acc : f32
    linalg.yield %p : f32
  }
  linalg.generic {
      indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> ()>], iterator_types = ["reduction"]}
      ins(%s : memref<?xf32, strided<[2]>>) outs(%f : memref<f32>) {
  ^bb0(%a: f32, %acc: f32):
    %m = arith.maximumf %a, %acc : f32
    linalg.yield %m : f32
  }
  linalg.generic {
      indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> ()>], iterator_types = ["reduction"]}
      ins(%n : memref<?xi32>) outs(%i : memref<i32>) {
  ^bb0(%a: i32, %acc: i32):
    %c = arith.constant 1000 : i32
    %q = arith.divsi %c, %a : i32
    %m = arith.maxsi %q, %acc : i32
    linalg.yield %m : i32
  }
  return
}

// -----

// A table that several rows are multiplied by is read once for four of them,
// then once for what is left: one, two or three.

#left = affine_map<(b, m, k, n) -> (b, m, k)>
#right = affine_map<(b, m, k, n) -> (k, n)>
#result = affine_map<(b, m, k, n) -> (b, m, n)>
module attributes {lowbit.target = "x86-64-v3"} {
// CHECK-LABEL: func @table
// CHECK-SAME: (%[[X:.*]]: memref<?x1x48xf32>, %[[T:.*]]: memref<48x5000xf32>, %[[Y:.*]]: memref<?x1x5000xf32>)
// CHECK-DAG: %[[LEFT:.*]] = memref.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK-DAG: %[[RESULT:.*]] = memref.collapse_shape %[[Y]] {{\[\[}}0, 1], [2]]
// CHECK: scf.parallel
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-4: vector.load %[[T]]{{.*}} vector<8xf32>
// CHECK-COUNT-4: memref.prefetch %[[T]]
// CHECK: vector.load %[[RESULT]]
// CHECK-COUNT-4: math.fma
// CHECK: vector.store %{{.*}}, %[[RESULT]]
// CHECK-COUNT-12: math.fma
// CHECK-COUNT-3: scf.if
func.func @table(%x: memref<?x1x48xf32>, %t: memref<48x5000xf32>, %y: memref<?x1x5000xf32>) {
  linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
    ins(%x, %t : memref<?x1x48xf32>, memref<48x5000xf32>) outs(%y : memref<?x1x5000xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}

// Something else than a sum of products keeps its loops.
// CHECK-LABEL: func @least
// CHECK-NOT: math.fma
// CHECK: arith.minimumf
func.func @least(%x: memref<4x1x48xf32>, %t: memref<48x5000xf32>, %y: memref<4x1x5000xf32>) {
  linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
    ins(%x, %t : memref<4x1x48xf32>, memref<48x5000xf32>) outs(%y : memref<4x1x5000xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.minimumf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}
}
