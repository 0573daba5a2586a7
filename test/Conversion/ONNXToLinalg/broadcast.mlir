// RUN: lowbit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Dimensions with one name agree: no check and no copy.
// CHECK-LABEL: func.func @same_symbol
// CHECK-NOT: cf.assert
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @same_symbol(%x: tensor<?x?xf32> {onnx.dims = ["b", "s"]}, %y: tensor<?x?xf32> {onnx.dims = ["b", "s"]}) -> tensor<?x?xf32> {
  %z = onnx.Add %x, %y : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return %z : tensor<?x?xf32>
}

// -----

// Only the run tells whether a dimension is 1: check, copy with index 0.
// CHECK-LABEL: func.func @ambiguous
// CHECK: cf.assert %{{.*}}, "node 'sum': dimensions do not broadcast"
// CHECK: %[[Y:.*]] = linalg.generic
// CHECK: arith.select
// CHECK: tensor.extract
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[Y]] :
func.func @ambiguous(%x: tensor<4x8xf32>, %y: tensor<?x8xf32>) -> tensor<4x8xf32> {
  %z = onnx.Add %x, %y : (tensor<4x8xf32>, tensor<?x8xf32>) -> tensor<4x8xf32> loc("sum")
  return %z : tensor<4x8xf32>
}

// -----

// After a check, both dimensions count as equal.
// CHECK-LABEL: func.func @checked_once
// CHECK-COUNT-1: cf.assert %{{.*}}, "node 'product': the inner dimensions do not agree"
// CHECK-NOT: cf.assert
func.func @checked_once(%x: tensor<4x?xf32>, %y: tensor<?x5xf32>) -> (tensor<4x5xf32>, tensor<4x5xf32>) {
  %z = onnx.MatMul %x, %y : (tensor<4x?xf32>, tensor<?x5xf32>) -> tensor<4x5xf32> loc("product")
  %w = onnx.MatMul %x, %y : (tensor<4x?xf32>, tensor<?x5xf32>) -> tensor<4x5xf32> loc("again")
  return %z, %w : tensor<4x5xf32>, tensor<4x5xf32>
}

// -----

// A table cut to the length of the sequence broadcasts over it: min(s, 512) is s
// or the run stops.
// CHECK-LABEL: func.func @positions
// CHECK: cf.assert %{{.*}}, "node 'sum': dimensions do not broadcast"
// CHECK-NOT: arith.select
// CHECK: linalg.generic
// CHECK-NOT: tensor.extract %
// CHECK: return
func.func @positions(%x: tensor<?x?x8xf32>, %table: tensor<512x8xf32>) -> tensor<?x?x8xf32> {
  %zero = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  %s = onnx.Shape %x {start = 1 : i64, end = 2 : i64} : (tensor<?x?x8xf32>) -> tensor<1xi64>
  %p = onnx.Slice %table, %zero, %s axes %zero : (tensor<512x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  %z = onnx.Add %x, %p : (tensor<?x?x8xf32>, tensor<?x8xf32>) -> tensor<?x?x8xf32> loc("sum")
  return %z : tensor<?x?x8xf32>
}

// -----

// min(s, 512) counts as s then, not s as min(s, 512): the second table is cut to
// what follows from s alone.
// CHECK-LABEL: func.func @two_tables
// CHECK: cf.assert %{{.*}}, "node 'first': dimensions do not broadcast"
// CHECK: cf.assert %{{.*}}, "node 'second': dimensions do not broadcast"
// CHECK-NOT: arith.select
// CHECK: return
func.func @two_tables(%x: tensor<?x?x8xf32>, %a: tensor<512x8xf32>, %b: tensor<600x8xf32>) -> tensor<?x?x8xf32> {
  %zero = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  %s = onnx.Shape %x {start = 1 : i64, end = 2 : i64} : (tensor<?x?x8xf32>) -> tensor<1xi64>
  %p = onnx.Slice %a, %zero, %s axes %zero : (tensor<512x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  %y = onnx.Add %x, %p : (tensor<?x?x8xf32>, tensor<?x8xf32>) -> tensor<?x?x8xf32> loc("first")
  %q = onnx.Slice %b, %zero, %s axes %zero : (tensor<600x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  %z = onnx.Add %y, %q : (tensor<?x?x8xf32>, tensor<?x8xf32>) -> tensor<?x?x8xf32> loc("second")
  return %z : tensor<?x?x8xf32>
}
