// RUN: lowbit-opt %s --convert-onnx-to-lowbit | FileCheck %s

// CHECK-LABEL: func @softmax
// CHECK: lowbit.softmax
// CHECK: onnx.Softmax {{.*}} {axis = 1 : i64}
func.func @softmax(%x: tensor<2x?x?xf32>) -> (tensor<2x?x?xf32>, tensor<2x?x?xf32>) {
  %y = onnx.Softmax %x {axis = 2 : i64} : (tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %z = onnx.Softmax %x {axis = 1 : i64} : (tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  return %y, %z : tensor<2x?x?xf32>, tensor<2x?x?xf32>
}

// (x / sqrt 2, erf, + 1, * x, * 0.5)

// CHECK-LABEL: func @gelu
// CHECK-NEXT: %[[Y:.*]] = onnx.Gelu %{{.*}}
// CHECK-NEXT: return %[[Y]]
func.func @gelu(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %root = onnx.Constant dense<1.4142135381698608> : tensor<f32> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %root : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %e = onnx.Erf %d : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %a = onnx.Add %e, %one : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %m = onnx.Mul %x, %a : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = onnx.Mul %m, %half : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Halved first, and the argument of erf by a product.

// CHECK-LABEL: func @gelu_bit
// CHECK-NEXT: onnx.Gelu
func.func @gelu_bit(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %root = onnx.Constant dense<0.70710678118> : tensor<f32> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %d = onnx.Mul %x, %root : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %e = onnx.Erf %d : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %a = onnx.Add %one, %e : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %h = onnx.Mul %x, %half : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %y = onnx.Mul %h, %a : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func @not_gelu
// CHECK-NOT: onnx.Gelu
func.func @not_gelu(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %root = onnx.Constant dense<1.5> : tensor<f32> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32> : tensor<f32>
  %d = onnx.Div %x, %root : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %e = onnx.Erf %d : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %a = onnx.Add %e, %one : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %m = onnx.Mul %x, %a : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = onnx.Mul %m, %half : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
