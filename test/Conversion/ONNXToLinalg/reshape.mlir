// RUN: lowbit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @collapse_then_expand
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1]] : tensor<2x6xf32> into tensor<12xf32>
// CHECK: tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1]] output_shape [3, 4]
func.func @collapse_then_expand(%x: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %shape = onnx.Constant dense<[3, 4]> : tensor<2xi64> : tensor<2xi64>
  %y = onnx.Reshape %x, %shape : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

// What is not known to fit is checked, and is a view still.
// CHECK-LABEL: func.func @checked
// CHECK: cf.assert %{{.*}}, "node 'view': the shape does not hold as many elements as the input"
// CHECK: tensor.reshape
func.func @checked(%x: tensor<?x6xf32>, %n: tensor<2xi64>) -> tensor<?x?xf32> {
  %y = onnx.Reshape %x, %n : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32> loc("view")
  return %y : tensor<?x?xf32>
}

// -----

// Levels move like any element.
// CHECK-LABEL: func.func @levels
// CHECK: tensor.expand_shape {{.*}} : tensor<?x8x!lowbit.levels<-1, 1>> into tensor<?x2x4x!lowbit.levels<-1, 1>>
// CHECK: linalg.transpose {{.*}} permutation = [1, 0, 2]
func.func @levels(%x: tensor<?x8x!lowbit.levels<-1, 1>>) -> tensor<2x?x4x!lowbit.levels<-1, 1>> {
  %shape = onnx.Constant dense<[0, 2, 4]> : tensor<3xi64> : tensor<3xi64>
  %y = onnx.Reshape %x, %shape : (tensor<?x8x!lowbit.levels<-1, 1>>, tensor<3xi64>) -> tensor<?x2x4x!lowbit.levels<-1, 1>>
  %z = onnx.Transpose %y {perm = array<i64: 1, 0, 2>} : (tensor<?x2x4x!lowbit.levels<-1, 1>>) -> tensor<2x?x4x!lowbit.levels<-1, 1>>
  return %z : tensor<2x?x4x!lowbit.levels<-1, 1>>
}

// -----

// CHECK-LABEL: func.func @units
// CHECK: tensor.expand_shape {{.*}} : tensor<?x3xf32> into tensor<1x?x3x1xf32>
// CHECK: tensor.collapse_shape {{.*}} : tensor<1x?x3x1xf32> into tensor<?x3x1xf32>
// CHECK: tensor.collapse_shape {{.*}} : tensor<?x3x1xf32> into tensor<?x3xf32>
func.func @units(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y = onnx.Unsqueeze %x {axes = array<i64: 0, -1>} : (tensor<?x3xf32>) -> tensor<1x?x3x1xf32>
  %z = onnx.Squeeze %y {axes = array<i64: 0>} : (tensor<1x?x3x1xf32>) -> tensor<?x3x1xf32>
  %w = onnx.Flatten %z : (tensor<?x3x1xf32>) -> tensor<?x3xf32>
  return %w : tensor<?x3xf32>
}

// -----

// Constants change shape and order at compile time.
// CHECK-LABEL: func.func @constants
// CHECK: arith.constant dense<{{\[\[}}1, 3], [2, 4]]> : tensor<2x2xi32>
// CHECK-NOT: linalg.transpose
func.func @constants() -> tensor<2x2xi32> {
  %c = onnx.Constant dense<[1, 2, 3, 4]> : tensor<4xi32> : tensor<4xi32>
  %shape = onnx.Constant dense<2> : tensor<2xi64> : tensor<2xi64>
  %y = onnx.Reshape %c, %shape : (tensor<4xi32>, tensor<2xi64>) -> tensor<2x2xi32>
  %z = onnx.Transpose %y : (tensor<2x2xi32>) -> tensor<2x2xi32>
  return %z : tensor<2x2xi32>
}
