// RUN: lowbit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// One check over all indices, then the lookup.
// CHECK-LABEL: func.func @table
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "reduction"]
// CHECK: %[[OK:.*]] = tensor.extract %{{.*}}[] : tensor<i1>
// CHECK: cf.assert %[[OK]], "node 'words': index out of range"
// CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<?x?xi64>)
// CHECK: arith.select
// CHECK: tensor.extract %arg0
func.func @table(%t: tensor<100x8xf32>, %i: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %y = onnx.Gather %t, %i : (tensor<100x8xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32> loc("words")
  return %y : tensor<?x?x8xf32>
}

// -----

// A constant index is a view.
// CHECK-LABEL: func.func @first_token
// CHECK-NOT: cf.assert
// CHECK: tensor.extract_slice %arg0[0, 0, 0] [%{{.*}}, 1, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x8xf32>
func.func @first_token(%x: tensor<?x5x8xf32>) -> tensor<?x8xf32> {
  %i = onnx.Constant dense<0> : tensor<i64> : tensor<i64>
  %y = onnx.Gather %x, %i {axis = 1 : i64} : (tensor<?x5x8xf32>, tensor<i64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @tuples
// CHECK-COUNT-2: cf.assert %{{.*}}, "node 'pick': index out of range"
// CHECK: linalg.generic
// CHECK: tensor.extract %arg0
func.func @tuples(%x: tensor<3x4x8xf32>, %i: tensor<?x2xi64>) -> tensor<?x8xf32> {
  %y = onnx.GatherND %x, %i : (tensor<3x4x8xf32>, tensor<?x2xi64>) -> tensor<?x8xf32> loc("pick")
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @scatter
// CHECK: cf.assert %{{.*}}, "node 'put': index out of range"
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %arg0)
// CHECK: tensor.insert
func.func @scatter(%x: tensor<5x4xf32>, %i: tensor<2x1xi64>, %u: tensor<2x4xf32>) -> tensor<5x4xf32> {
  %y = onnx.ScatterND %x, %i, %u : (tensor<5x4xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<5x4xf32> loc("put")
  return %y : tensor<5x4xf32>
}

// -----

// CHECK-LABEL: func.func @scatter_elements
// CHECK: cf.assert %{{.*}}, "node 'put': the updates do not fit the indices"
// CHECK: cf.assert %{{.*}}, "node 'put': index out of range"
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %arg0)
// CHECK: tensor.insert
func.func @scatter_elements(%x: tensor<5x4xf32>, %i: tensor<?x4xi64>, %u: tensor<1x4xf32>) -> tensor<5x4xf32> {
  %y = onnx.ScatterElements %x, %i, %u : (tensor<5x4xf32>, tensor<?x4xi64>, tensor<1x4xf32>) -> tensor<5x4xf32> loc("put")
  return %y : tensor<5x4xf32>
}
