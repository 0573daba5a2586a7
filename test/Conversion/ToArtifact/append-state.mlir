// RUN: lowbit-opt %s --lowbit-append-state --split-input-file | FileCheck %s

// The cache of a step: the new row goes behind the old ones.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[PAST:[a-z0-9]+]]: tensor<?x2x?x8xf32>, %[[NEW:[a-z0-9]+]]: tensor<?x2x1x8xf32>)
func.func @main(%past: tensor<?x2x?x8xf32>, %new: tensor<?x2x1x8xf32>) -> (f32, tensor<?x2x?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %batch = tensor.dim %past, %c0 : tensor<?x2x?x8xf32>
  // CHECK: %[[LENGTH:.*]] = tensor.dim %[[PAST]], %c2
  %length = tensor.dim %past, %c2 : tensor<?x2x?x8xf32>
  // CHECK: %[[NEXT:.*]] = arith.addi %[[LENGTH]], %c1
  %next = arith.addi %length, %c1 : index
  %empty = tensor.empty(%batch, %next) : tensor<?x2x?x8xf32>
  // CHECK: %[[CAST:.*]] = builtin.unrealized_conversion_cast %{{.*}} : index to memref<?x2x?x8xf32> {lowbit.append = array<i64: 0, 1, 2>}
  // CHECK: %[[STORAGE:.*]] = bufferization.to_tensor %[[CAST]] restrict writable
  // CHECK: %[[WRITTEN:.*]] = tensor.insert_slice %[[NEW]] into %[[STORAGE]][0, 0, %[[LENGTH]], 0]
  // CHECK: %[[VIEW:.*]] = tensor.extract_slice %[[WRITTEN]][0, 0, 0, 0] [%{{.*}}, 2, %[[NEXT]], 8]
  %old = tensor.insert_slice %past into %empty[0, 0, 0, 0] [%batch, 2, %length, 8] [1, 1, 1, 1]
      : tensor<?x2x?x8xf32> into tensor<?x2x?x8xf32>
  %present = tensor.insert_slice %new into %old[0, 0, %length, 0] [%batch, 2, 1, 8] [1, 1, 1, 1]
      : tensor<?x2x1x8xf32> into tensor<?x2x?x8xf32>
  // CHECK: tensor.extract %[[VIEW]]
  %x = tensor.extract %present[%c0, %c1, %c0, %c2] : tensor<?x2x?x8xf32>
  // CHECK: return %{{.*}}, %[[WRITTEN]]
  return %x, %present : f32, tensor<?x2x?x8xf32>
}

// -----

// The old rows are read elsewhere: they have to lie together.
// CHECK-LABEL: func.func @main
// CHECK-NOT: lowbit.append
func.func @main(%past: tensor<2x?xf32>, %new: tensor<2x1xf32>) -> (f32, tensor<2x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %length = tensor.dim %past, %c1 : tensor<2x?xf32>
  %next = arith.addi %length, %c1 : index
  %empty = tensor.empty(%next) : tensor<2x?xf32>
  %old = tensor.insert_slice %past into %empty[0, 0] [2, %length] [1, 1] : tensor<2x?xf32> into tensor<2x?xf32>
  %present = tensor.insert_slice %new into %old[0, %length] [2, 1] [1, 1] : tensor<2x1xf32> into tensor<2x?xf32>
  %x = tensor.extract %past[%c0, %c0] : tensor<2x?xf32>
  return %x, %present : f32, tensor<2x?xf32>
}

// -----

// A number of rows that only the run knows.
// CHECK-LABEL: func.func @main
func.func @main(%past: tensor<2x?xf32>, %some: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %past, %c1 : tensor<2x?xf32>
  // CHECK: %[[ROWS:.*]] = tensor.dim %arg1
  %rows = tensor.dim %some, %c1 : tensor<2x?xf32>
  %next = arith.addi %length, %rows : index
  %empty = tensor.empty(%next) : tensor<2x?xf32>
  %old = tensor.insert_slice %past into %empty[0, 0] [2, %length] [1, 1] : tensor<2x?xf32> into tensor<2x?xf32>
  // CHECK: builtin.unrealized_conversion_cast %[[ROWS]]
  %present = tensor.insert_slice %some into %old[0, %length] [2, %rows] [1, 1] : tensor<2x?xf32> into tensor<2x?xf32>
  return %present : tensor<2x?xf32>
}

// -----

// Rows in front, and growth of the first dimension.
// CHECK-LABEL: func.func @main
// CHECK-NOT: lowbit.append
func.func @main(%a: tensor<2x?xf32>, %c: tensor<?xf32>, %one: tensor<2x1xf32>, %row: tensor<1xf32>)
    -> (tensor<2x?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %la = tensor.dim %a, %c1 : tensor<2x?xf32>
  %na = arith.addi %la, %c1 : index
  %ea = tensor.empty(%na) : tensor<2x?xf32>
  %oa = tensor.insert_slice %a into %ea[0, 1] [2, %la] [1, 1] : tensor<2x?xf32> into tensor<2x?xf32>
  %pa = tensor.insert_slice %one into %oa[0, 0] [2, 1] [1, 1] : tensor<2x1xf32> into tensor<2x?xf32>
  %lc = tensor.dim %c, %c0 : tensor<?xf32>
  %nc = arith.addi %lc, %c1 : index
  %ec = tensor.empty(%nc) : tensor<?xf32>
  %oc = tensor.insert_slice %c into %ec[0] [%lc] [1] : tensor<?xf32> into tensor<?xf32>
  %pc = tensor.insert_slice %row into %oc[%lc] [1] [1] : tensor<1xf32> into tensor<?xf32>
  return %pa, %pc : tensor<2x?xf32>, tensor<?xf32>
}
