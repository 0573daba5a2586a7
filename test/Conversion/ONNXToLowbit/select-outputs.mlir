// RUN: lowbit-opt %s --split-input-file --lowbit-select-outputs=top=logits:2 --verify-diagnostics | FileCheck %s

// The table becomes [N, K]; names and dimensions go over to both results.

// CHECK-LABEL: func @bias
// CHECK-SAME: %[[X:.*]]: tensor<?x?x2xf32>
// CHECK-SAME: -> (tensor<?x?x2xf32> {onnx.dims = ["b", "s", ""], onnx.name = "logits_values"},
// CHECK-SAME:     tensor<?x?x2xi64> {onnx.dims = ["b", "s", ""], onnx.name = "logits_indices"}, tensor<?x?x2xf32> {onnx.name = "x"})
func.func @bias(%x: tensor<?x?x2xf32>) -> (tensor<?x?x3xf32> {onnx.name = "logits", onnx.dims = ["b", "s", "n"]}, tensor<?x?x2xf32> {onnx.name = "x"}) {
  // CHECK-NOT: onnx.MatMul
  // CHECK-DAG: %[[T:.*]] = arith.constant dense<{{\[}}[1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]> : tensor<3x2xf32>
  // CHECK-DAG: %[[B:.*]] = arith.constant dense<[7.000000e+00, 8.000000e+00, 9.000000e+00]> : tensor<3xf32>
  // CHECK: %[[R:.*]]:2 = lowbit.top_product ins(%[[X]], %[[T]] : {{.*}}) bias(%[[B]] : tensor<3xf32>) outs(%{{.*}}, %{{.*}} : tensor<?x?x2xf32>, tensor<?x?x2xi64>)
  // CHECK: return %[[R]]#0, %[[R]]#1, %[[X]]
  %w = onnx.Constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
  %b = onnx.Constant dense<[[7.0, 8.0, 9.0]]> : tensor<1x3xf32> : tensor<1x3xf32>
  %p = onnx.MatMul %x, %w : (tensor<?x?x2xf32>, tensor<2x3xf32>) -> tensor<?x?x3xf32>
  %y = onnx.Add %b, %p : (tensor<1x3xf32>, tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  return %y, %x : tensor<?x?x3xf32>, tensor<?x?x2xf32>
}

// -----

// Tied embeddings are the table; what else reads the product keeps it; a row of
// unknown length is checked.

// CHECK-LABEL: func @tied
func.func @tied(%x: tensor<4x?xf32>) -> (tensor<4x3xf32> {onnx.name = "logits"}, tensor<4x3xf32> {onnx.name = "relu"}) {
  // CHECK: onnx.MatMul
  // CHECK: onnx.Relu
  // CHECK: cf.assert %{{.*}}, "node 'onnx.MatMul': the inner dimensions do not agree"
  // CHECK: lowbit.top_product ins(%{{.*}}, %{{.*}} : tensor<4x2xf32>, tensor<3x2xf32>)
  %e = onnx.Constant dense<[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]> : tensor<3x2xf32> : tensor<3x2xf32>
  %w = onnx.Transpose %e {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %p = onnx.MatMul %x, %w : (tensor<4x?xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %r = onnx.Relu %p : (tensor<4x3xf32>) -> tensor<4x3xf32>
  return %p, %r : tensor<4x3xf32>, tensor<4x3xf32>
}

// -----

// Functions without the output stay.

// CHECK-LABEL: func @other
// CHECK-SAME: -> (tensor<4xf32> {onnx.name = "hidden"})
func.func @other(%x: tensor<4xf32>) -> (tensor<4xf32> {onnx.name = "hidden"}) {
  return %x : tensor<4xf32>
}

// -----

func.func @not_constant(%x: tensor<4x2xf32>, %w: tensor<2x3xf32>) -> (tensor<4x3xf32> {onnx.name = "logits"}) {
  // expected-error @below {{the largest elements of output 'logits' cannot be selected: its right side is not a constant matrix of float32}}
  %p = onnx.MatMul %x, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %p : tensor<4x3xf32>
}

// -----

func.func @vector(%x: tensor<2xf32>) -> (tensor<3xf32> {onnx.name = "logits"}) {
  %w = onnx.Constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
  // expected-error @below {{its left side is not of float32 and rank 2 or more}}
  %p = onnx.MatMul %x, %w : (tensor<2xf32>, tensor<2x3xf32>) -> tensor<3xf32>
  return %p : tensor<3xf32>
}

// -----

func.func @scaled(%x: tensor<4x2xf32>) -> (tensor<4x3xf32> {onnx.name = "logits"}) {
  %w = onnx.Constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
  // expected-error @below {{its Gemm scales, or transposes its rows}}
  %p = onnx.Gemm %x, %w {alpha = 2.0 : f32} : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %p : tensor<4x3xf32>
}

// -----

func.func @bias_of_rows(%x: tensor<4x2xf32>, %b: tensor<4x3xf32>) -> (tensor<4x3xf32> {onnx.name = "logits"}) {
  %w = onnx.Constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
  // expected-error @below {{its bias is not one constant for each column}}
  %p = onnx.Gemm %x, %w, %b : (tensor<4x2xf32>, tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return %p : tensor<4x3xf32>
}

// -----

func.func @few(%x: tensor<4x2xf32>) -> (tensor<4x1xf32> {onnx.name = "logits"}) {
  %w = onnx.Constant dense<[[1.0], [4.0]]> : tensor<2x1xf32> : tensor<2x1xf32>
  // expected-error @below {{expected 1 to 1 elements of output 'logits', which has rows of as many, got 2}}
  %p = onnx.MatMul %x, %w : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
  return %p : tensor<4x1xf32>
}
