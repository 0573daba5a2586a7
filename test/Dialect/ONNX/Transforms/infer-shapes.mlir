// RUN: lowbit-opt %s --onnx-infer-shapes --split-input-file | FileCheck %s

// CHECK-LABEL: func @broadcast
// CHECK-SAME: -> tensor<4x?x3xf32>
func.func @broadcast(%x: tensor<4x1x3xf32>, %y: tensor<?x1xf32>) -> tensor<*xf32> {
  // CHECK: onnx.Add %{{.*}} -> tensor<4x?x3xf32>
  %0 = onnx.Add %x, %y : (tensor<4x1x3xf32>, tensor<?x1xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// A dynamic extent beside a static one other than 1 is that one.
// CHECK-LABEL: func @broadcast_static
func.func @broadcast_static(%x: tensor<?x1xf32>, %y: tensor<4x?xf32>) -> tensor<*xf32> {
  // CHECK: onnx.Mul %{{.*}} -> tensor<4x?xf32>
  %0 = onnx.Mul %x, %y : (tensor<?x1xf32>, tensor<4x?xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// CHECK-LABEL: func @compare
func.func @compare(%x: tensor<2xi64>, %y: tensor<i64>) -> tensor<*xf32> {
  // CHECK: onnx.Equal %{{.*}} -> tensor<2xi1>
  %0 = onnx.Equal %x, %y : (tensor<2xi64>, tensor<i64>) -> tensor<*xi1>
  // CHECK: onnx.Cast %{{.*}} -> tensor<2xf32>
  %1 = onnx.Cast %0 : (tensor<*xi1>) -> tensor<*xf32>
  return %1 : tensor<*xf32>
}

// -----

// Without "->" the result has the labels that occur once, after "...". A
// dimension of 1 takes on the extent of the label.

// CHECK-LABEL: func @einsum
func.func @einsum(%a: tensor<?x1x3xf32>, %b: tensor<6x3x?xf32>, %c: tensor<?x2xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  // CHECK: onnx.Einsum {{.*}} -> tensor<6x?x?xf32>
  %0 = onnx.Einsum "iab,abk->aki"(%a, %b) : (tensor<?x1x3xf32>, tensor<6x3x?xf32>) -> tensor<*xf32>
  // CHECK: onnx.Einsum {{.*}} -> tensor<6x?x?xf32>
  %1 = onnx.Einsum "z...c,...ca"(%a, %b) : (tensor<?x1x3xf32>, tensor<6x3x?xf32>) -> tensor<*xf32>
  // CHECK: onnx.Einsum {{.*}} -> tensor<2x2xf32>
  %2 = onnx.Einsum "xb,xc->cb"(%c, %c) : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<*xf32>
  return %0, %1, %2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// CHECK-LABEL: func @contractions
func.func @contractions(%a: tensor<5x1x2x3xf32>, %b: tensor<4x3x?xf32>, %v: tensor<3xf32>, %g: tensor<3x2xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  // CHECK: onnx.MatMul %{{.*}} -> tensor<5x4x2x?xf32>
  %0 = onnx.MatMul %a, %b : (tensor<5x1x2x3xf32>, tensor<4x3x?xf32>) -> tensor<*xf32>
  // CHECK: onnx.MatMul %{{.*}} -> tensor<5x1x2xf32>
  %1 = onnx.MatMul %a, %v : (tensor<5x1x2x3xf32>, tensor<3xf32>) -> tensor<*xf32>
  // CHECK: onnx.Gemm %{{.*}} -> tensor<2x2xf32>
  %2 = onnx.Gemm %g, %g {transA = 1 : i64} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<*xf32>
  return %0, %1, %2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// The shape is computed: what is known of it shows in the type.
// CHECK-LABEL: func @computed_shape
func.func @computed_shape(%x: tensor<?x?x768xf32>) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0> : tensor<i64> : tensor<i64>
  %heads = onnx.Constant dense<[12, 64]> : tensor<2xi64> : tensor<2xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %s = onnx.Shape %x : (tensor<?x?x768xf32>) -> tensor<3xi64>
  %b = onnx.Gather %s, %zero : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %u = onnx.Unsqueeze %b {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
  %t = onnx.Concat %u, %minus, %heads {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<2xi64>) -> tensor<4xi64>
  // CHECK: onnx.Reshape %{{.*}} -> tensor<?x?x12x64xf32>
  %0 = onnx.Reshape %x, %t : (tensor<?x?x768xf32>, tensor<4xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// Dynamic dimensions that stay cancel, so -1 is known.
// CHECK-LABEL: func @inferred
func.func @inferred(%x: tensor<?x?x12x64xf32>) -> (tensor<*xf32>, tensor<*xf32>) {
  %a = onnx.Constant dense<[0, 0, -1]> : tensor<3xi64> : tensor<3xi64>
  %b = onnx.Constant dense<[-1, 768]> : tensor<2xi64> : tensor<2xi64>
  // CHECK: onnx.Reshape %{{.*}} -> tensor<?x?x768xf32>
  %0 = onnx.Reshape %x, %a : (tensor<?x?x12x64xf32>, tensor<3xi64>) -> tensor<*xf32>
  // CHECK: onnx.Reshape %{{.*}} -> tensor<?x768xf32>
  %1 = onnx.Reshape %x, %b : (tensor<?x?x12x64xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %0, %1 : tensor<*xf32>, tensor<*xf32>
}

// -----

// PyTorch's expand: -1 keeps a dimension, spelled with Equal and Where.
// CHECK-LABEL: func @where_chain
func.func @where_chain(%x: tensor<?x4xf32>, %y: tensor<1x4xf32>) -> tensor<*xf32> {
  %four = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<2xi64> : tensor<2xi64>
  %d = onnx.Shape %x {end = 1 : i64} : (tensor<?x4xf32>) -> tensor<1xi64>
  %t = onnx.Concat %d, %four {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %ones = onnx.ConstantOfShape %two {value = dense<1> : tensor<1xi64>} : (tensor<1xi64>) -> tensor<2xi64>
  %e = onnx.Equal %t, %minus : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %w = onnx.Where %e, %ones, %t : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  // CHECK: onnx.Expand %{{.*}} -> tensor<?x4xf32>
  %0 = onnx.Expand %y, %w : (tensor<1x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// CHECK-LABEL: func @slices
func.func @slices(%x: tensor<10x?xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  %a = onnx.Constant dense<[-1, 0]> : tensor<2xi64> : tensor<2xi64>
  %b = onnx.Constant dense<[-20, 9223372036854775807]> : tensor<2xi64> : tensor<2xi64>
  %s = onnx.Constant dense<[-3, 1]> : tensor<2xi64> : tensor<2xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64> : tensor<1xi64>
  %nine = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  // CHECK: onnx.Slice %{{.*}} -> tensor<4x?xf32>
  %0 = onnx.Slice %x, %a, %b steps %s : (tensor<10x?xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  // CHECK: onnx.Slice %{{.*}} -> tensor<8x?xf32>
  %1 = onnx.Slice %x, %one, %nine : (tensor<10x?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.Slice %{{.*}} -> tensor<10x?xf32>
  %2 = onnx.Slice %x, %one, %nine axes %one : (tensor<10x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return %0, %1, %2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// CHECK-LABEL: func @selection
func.func @selection(%t: tensor<20x4xf32>, %i: tensor<?x3xi64>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xi64>) {
  %start = onnx.Constant dense<2> : tensor<i64> : tensor<i64>
  %limit = onnx.Constant dense<11> : tensor<i64> : tensor<i64>
  %delta = onnx.Constant dense<3> : tensor<i64> : tensor<i64>
  // CHECK: onnx.Gather %{{.*}} -> tensor<20x?x3xf32>
  %0 = onnx.Gather %t, %i {axis = -1 : i64} : (tensor<20x4xf32>, tensor<?x3xi64>) -> tensor<*xf32>
  %p = onnx.Constant dense<[0, 1, 2, 0]> : tensor<4xi64> : tensor<4xi64>
  // CHECK: onnx.Pad %{{.*}} -> tensor<22x5xf32>
  %1 = onnx.Pad %t, %p : (tensor<20x4xf32>, tensor<4xi64>) -> tensor<*xf32>
  // CHECK: onnx.Range %{{.*}} -> tensor<3xi64>
  %2 = onnx.Range %start, %limit, %delta : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return %0, %1, %2 : tensor<*xf32>, tensor<*xf32>, tensor<*xi64>
}
