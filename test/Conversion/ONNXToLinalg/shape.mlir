// RUN: lowbit-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// A shape computed as exporters do it: heads are split by a view.
// CHECK-LABEL: func.func @split_heads
// CHECK-DAG: %[[B:.*]] = tensor.dim %arg0, %c0
// CHECK-DAG: %[[S:.*]] = tensor.dim %arg0, %c1
// CHECK: tensor.expand_shape %arg0 {{\[\[}}0], [1], [2, 3]] output_shape [%[[B]], %[[S]], 2, 4]
// CHECK-NOT: from_elements
func.func @split_heads(%x: tensor<?x?x8xf32>) -> tensor<?x?x2x4xf32> {
  %zero = onnx.Constant dense<0> : tensor<i64> : tensor<i64>
  %tail = onnx.Constant dense<[2, 4]> : tensor<2xi64> : tensor<2xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %shape = onnx.Shape %x : (tensor<?x?x8xf32>) -> tensor<3xi64>
  %b = onnx.Gather %shape, %zero : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %b1 = onnx.Unsqueeze %b {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
  %target = onnx.Concat %b1, %minus, %tail {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<2xi64>) -> tensor<4xi64>
  %y = onnx.Reshape %x, %target : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x?x2x4xf32>
  return %y : tensor<?x?x2x4xf32>
}

// -----

// Expand's shape with -1 replaced by 1, as TorchScript writes it, folds away.
// CHECK-LABEL: func.func @expand
// CHECK-NOT: cmpi
// CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<8xf32>)
func.func @expand(%x: tensor<?x8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %shape = onnx.Shape %x : (tensor<?x8xf32>) -> tensor<2xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<i64> : tensor<i64>
  %ones = onnx.ConstantOfShape %two {value = dense<1> : tensor<1xi64>} : (tensor<1xi64>) -> tensor<2xi64>
  %neg = onnx.Mul %ones, %minus : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %is = onnx.Equal %shape, %neg : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %to = onnx.Where %is, %ones, %shape : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %y = onnx.Expand %b, %to : (tensor<8xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A causal mask: positions as long as the sequence.
// CHECK-LABEL: func.func @range
// CHECK: %[[S:.*]] = tensor.dim %arg0, %c1
// CHECK: tensor.empty(%[[S]]) : tensor<?xi64>
// CHECK: linalg.index 0
// CHECK-NOT: cf.assert
func.func @range(%x: tensor<?x?xi64>) -> tensor<?xi64> {
  %zero = onnx.Constant dense<0> : tensor<i64> : tensor<i64>
  %one = onnx.Constant dense<1> : tensor<i64> : tensor<i64>
  %shape = onnx.Shape %x : (tensor<?x?xi64>) -> tensor<2xi64>
  %s = onnx.Gather %shape, %one : (tensor<2xi64>, tensor<i64>) -> tensor<i64>
  %y = onnx.Range %zero, %s, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %y : tensor<?xi64>
}

// -----

// The number of elements of a cache that has grown by one.
// CHECK-LABEL: func.func @grown
// CHECK: %[[P:.*]] = tensor.dim %arg0, %c1
// CHECK: arith.addi %[[P]], %c1
// CHECK-NOT: cf.assert
// CHECK: tensor.collapse_shape
func.func @grown(%past: tensor<2x?x4xf32>, %new: tensor<2x1x4xf32>) -> tensor<?x4xf32> {
  %target = onnx.Constant dense<[-1, 4]> : tensor<2xi64> : tensor<2xi64>
  %all = onnx.Concat %past, %new {axis = 1 : i64} : (tensor<2x?x4xf32>, tensor<2x1x4xf32>) -> tensor<2x?x4xf32>
  %y = onnx.Reshape %all, %target : (tensor<2x?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
