// RUN: lowbit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Only a dimension of 1 moves: a view.
// CHECK-LABEL: func.func @unit
// CHECK-NOT: linalg.transpose
// CHECK: tensor.expand_shape
func.func @unit(%x: tensor<1x?x4xf32>) -> tensor<?x1x4xf32> {
  %y = onnx.Transpose %x {perm = array<i64: 1, 0, 2>} : (tensor<1x?x4xf32>) -> tensor<?x1x4xf32>
  return %y : tensor<?x1x4xf32>
}

// -----

// Every input is written into its place, once.
// CHECK-LABEL: func.func @concat
// CHECK: %[[N:.*]] = arith.addi
// CHECK: cf.assert %{{.*}}, "node 'join': dimension 0 of the inputs differs"
// CHECK: tensor.empty(%{{.*}}, %[[N]])
// CHECK-COUNT-2: tensor.insert_slice
func.func @concat(%x: tensor<?x?xf32>, %y: tensor<?x3xf32>) -> tensor<?x?xf32> {
  %z = onnx.Concat %x, %y {axis = 1 : i64} : (tensor<?x?xf32>, tensor<?x3xf32>) -> tensor<?x?xf32> loc("join")
  return %z : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @split
// CHECK: tensor.extract_slice %arg0[0, 0] [%{{.*}}, 2] [1, 1]
// CHECK: tensor.extract_slice %arg0[0, 2] [%{{.*}}, 3] [1, 1]
func.func @split(%x: tensor<?x5xf32>) -> (tensor<?x2xf32>, tensor<?x3xf32>) {
  %y:2 = onnx.Split %x {axis = 1 : i64, split = array<i64: 2, 3>} : (tensor<?x5xf32>) -> (tensor<?x2xf32>, tensor<?x3xf32>)
  return %y#0, %y#1 : tensor<?x2xf32>, tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func.func @pad
// CHECK: linalg.fill
// CHECK: tensor.insert_slice %arg0 into %{{.*}}[1, 0] [2, 3] [1, 1] : tensor<2x3xf32> into tensor<3x5xf32>
func.func @pad(%x: tensor<2x3xf32>) -> tensor<3x5xf32> {
  %pads = onnx.Constant dense<[1, 0, 0, 2]> : tensor<4xi64> : tensor<4xi64>
  %y = onnx.Pad %x, %pads : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// -----

// CHECK-LABEL: func.func @triangle
// CHECK: linalg.index
// CHECK: arith.cmpi sle
func.func @triangle(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %y = onnx.Trilu %x {upper = 0 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}
