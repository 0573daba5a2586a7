// RUN: lowbit-opt %s --convert-onnx-to-linalg --canonicalize --split-input-file | FileCheck %s

// Constant bounds give a view with a static size.
// CHECK-LABEL: func.func @fixed
// CHECK: tensor.extract_slice %arg0[1, 0] [2, 3] [1, 2] : tensor<4x6xf32> to tensor<2x3xf32>
func.func @fixed(%x: tensor<4x6xf32>) -> tensor<2x3xf32> {
  %starts = onnx.Constant dense<[1, -100]> : tensor<2xi64> : tensor<2xi64>
  %ends = onnx.Constant dense<[-1, 9223372036854775807]> : tensor<2xi64> : tensor<2xi64>
  %axes = onnx.Constant dense<[0, -1]> : tensor<2xi64> : tensor<2xi64>
  %steps = onnx.Constant dense<[1, 2]> : tensor<2xi64> : tensor<2xi64>
  %y = onnx.Slice %x, %starts, %ends axes %axes steps %steps : (tensor<4x6xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// Bounds that the run gives are clamped.
// CHECK-LABEL: func.func @dynamic
// CHECK: arith.select
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: tensor.extract_slice
func.func @dynamic(%x: tensor<?xf32>, %s: tensor<1xi64>, %e: tensor<1xi64>) -> tensor<?xf32> {
  %y = onnx.Slice %x, %s, %e : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// A negative step copies.
// CHECK-LABEL: func.func @backwards
// CHECK: linalg.generic
// CHECK: tensor.extract
func.func @backwards(%x: tensor<5xf32>) -> tensor<5xf32> {
  %starts = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %ends = onnx.Constant dense<-9223372036854775807> : tensor<1xi64> : tensor<1xi64>
  %axes = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  %steps = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %y = onnx.Slice %x, %starts, %ends axes %axes steps %steps : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// The last entry of a shape.
// CHECK-LABEL: func.func @of_shape
// CHECK: %[[D:.*]] = tensor.dim %arg0, %c1
// CHECK: arith.index_cast %[[D]]
func.func @of_shape(%x: tensor<4x?xf32>) -> tensor<1xi64> {
  %starts = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %ends = onnx.Constant dense<9223372036854775807> : tensor<1xi64> : tensor<1xi64>
  %shape = onnx.Shape %x : (tensor<4x?xf32>) -> tensor<2xi64>
  %y = onnx.Slice %shape, %starts, %ends : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  return %y : tensor<1xi64>
}
