// RUN: lowbit-opt %s --lowbit-linalg-to-loops --canonicalize --split-input-file | FileCheck %s

// Right sides in panels: sums in registers, the table read once for a tile of
// rows, the rest of the rows by how many there are.

#left = affine_map<(b, m, k, n) -> (b, m, k)>
#panels = affine_map<(b, m, k, n) -> (n floordiv 32, k, n mod 32)>
#result = affine_map<(b, m, k, n) -> (b, m, n)>
module attributes {lowbit.target = "x86-64-v4"} {
// CHECK-LABEL: func @table
// CHECK-SAME: (%[[X:.*]]: memref<?x1x512xf32>, %[[T:.*]]: memref<1000x512x32xf32>, %[[Y:.*]]: memref<?x1x32000xf32>)
// CHECK-DAG: %[[LEFT:.*]] = memref.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK-DAG: %[[RESULT:.*]] = memref.collapse_shape %[[Y]] {{\[\[}}0, 1], [2]]
// CHECK: scf.parallel (%[[PANEL:.*]]) = (%{{.*}}) to (%c1000)
// One part along K, then rows:
// CHECK: scf.for %[[PART:.*]] = %c0 to %c512 step %c256
// CHECK: scf.for %[[ROW:.*]] = %c0 to %{{.*}} step %c8
// CHECK-COUNT-16: vector.load %[[RESULT]]{{.*}} vector<16xf32>
// CHECK: scf.for %[[K:.*]] = %[[PART]] to %{{.*}} step %c4 iter_args
// CHECK-COUNT-8: memref.prefetch
// CHECK-COUNT-2: vector.load %[[T]][%[[PANEL]], %[[K]], {{.*}} vector<16xf32>
// CHECK: memref.load %[[LEFT]][%[[ROW]], %[[K]]]
// CHECK-COUNT-16: math.fma
// CHECK: vector.load %[[T]]
// CHECK-COUNT-48: math.fma
// CHECK: scf.yield
// CHECK-COUNT-16: vector.store %{{.*}}, %[[RESULT]]
// CHECK: scf.index_switch
// CHECK: case 1
// CHECK-COUNT-2: vector.load %[[RESULT]]
// CHECK-NOT: memref.prefetch
// CHECK: case 2
// CHECK: case 7
// CHECK-COUNT-14: vector.load %[[RESULT]]
// CHECK: default
func.func @table(%x: memref<?x1x512xf32>, %t: memref<1000x512x32xf32>, %y: memref<?x1x32000xf32>) {
  linalg.generic {indexing_maps = [#left, #panels, #result], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
    ins(%x, %t : memref<?x1x512xf32>, memref<1000x512x32xf32>) outs(%y : memref<?x1x32000xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}
}

// -----

// Known rows: one tile of what is left. Columns that do not fill panels: masks.
// No FMA: two operations.

#left = affine_map<(m, k, n) -> (m, k)>
#panels = affine_map<(m, k, n) -> (n floordiv 32, k, n mod 32)>
#result = affine_map<(m, k, n) -> (m, n)>
module attributes {lowbit.target = "x86-64"} {
// CHECK-LABEL: func @known_rows
// CHECK-SAME: (%[[X:.*]]: memref<3x7xf32>, %[[T:.*]]: memref<2x7x32xf32>, %[[Y:.*]]: memref<3x40xf32>)
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%c2)
// CHECK-NOT: scf.index_switch
// CHECK: vector.create_mask
// CHECK: vector.maskedload %[[Y]]
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: vector.maskedstore %[[Y]]
// CHECK-NOT: math.fma
func.func @known_rows(%x: memref<3x7xf32>, %t: memref<2x7x32xf32>, %y: memref<3x40xf32>) {
  linalg.generic {indexing_maps = [#left, #panels, #result], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x, %t : memref<3x7xf32>, memref<2x7x32xf32>) outs(%y : memref<3x40xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}

// Few panels: rows are shared out as well.
// CHECK-LABEL: func @few_panels
// CHECK: scf.parallel (%{{.*}}, %[[BLOCK:.*]]) = (%c0, %c0) to (%c2, %c3)
// CHECK: arith.muli %[[BLOCK]], %c96
func.func @few_panels(%x: memref<200x7xf32>, %t: memref<2x7x32xf32>, %y: memref<200x40xf32>) {
  linalg.generic {indexing_maps = [#left, #panels, #result], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x, %t : memref<200x7xf32>, memref<2x7x32xf32>) outs(%y : memref<200x40xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}
}

// -----

// Rows that do not lie one behind the other keep their dimensions.

#left = affine_map<(b, m, k, n) -> (b, m, k)>
#panels = affine_map<(b, m, k, n) -> (n floordiv 32, k, n mod 32)>
#result = affine_map<(b, m, k, n) -> (b, m, n)>
module attributes {lowbit.target = "x86-64-v3"} {
// CHECK-LABEL: func @slices
// CHECK-SAME: (%[[X:.*]]: memref<4x?x8xf32, strided<[800, 8, 1], offset: ?>>,
// CHECK: %[[SIZE:.*]] = memref.dim %[[X]], %c1
// CHECK: arith.remui %{{.*}}, %[[SIZE]]
// CHECK: arith.divui %{{.*}}, %[[SIZE]]
// CHECK: memref.load %[[X]][%{{.*}}, %{{.*}}, %{{.*}}]
func.func @slices(%x: memref<4x?x8xf32, strided<[800, 8, 1], offset: ?>>, %t: memref<16x8x32xf32>, %y: memref<4x?x512xf32>) {
  linalg.generic {indexing_maps = [#left, #panels, #result], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
    ins(%x, %t : memref<4x?x8xf32, strided<[800, 8, 1], offset: ?>>, memref<16x8x32xf32>) outs(%y : memref<4x?x512xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}
}
