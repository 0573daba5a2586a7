// RUN: lowbit-opt %s --split-input-file --convert-onnx-to-lowbit --verify-diagnostics | FileCheck %s

// BiT: a scale for each row, one mean for the whole table (0.5).

// CHECK-LABEL: func @rows
// CHECK-SAME: %[[IDS:.*]]: tensor<2x?xi64>
func.func @rows(%ids: tensor<2x?xi64>) -> tensor<2x?x2xf32> {
  // CHECK: %[[T:.*]] = lowbit.constant dense<{{\[}}[1, -1], [-1, 1]]>
  // CHECK: %[[OK:.*]] = linalg.generic {{.*}}iterator_types = ["reduction", "reduction"]{{.*}} ins(%[[IDS]] :
  // CHECK: %[[ALL:.*]] = tensor.extract %[[OK]][] : tensor<i1>
  // CHECK: cf.assert %[[ALL]], "node 'onnx.Gather': index out of range"
  // CHECK: %[[POSITIVE:.*]] = linalg.generic {{.*}} ins(%[[IDS]] :
  // CHECK: %[[S:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  // CHECK: lowbit.lookup ins(%[[T]], %[[POSITIVE]], %[[S]] :
  %w = onnx.Constant dense<[[1.0, -1.0], [-1.0, 3.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %m = onnx.Constant dense<[[1.0], [2.0]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %e = onnx.ReduceMean %w {keepdims = 0 : i64} : (tensor<2x2xf32>) -> tensor<f32>
  %c = onnx.Sub %w, %e : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %s = onnx.Sign %c : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %q = onnx.Mul %s, %m : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %y = onnx.Gather %q, %ids : (tensor<2x2xf32>, tensor<2x?xi64>) -> tensor<2x?x2xf32>
  return %y : tensor<2x?x2xf32>
}

// -----

// A float table stays, even when an expression computes it: but not in every run.

// CHECK-LABEL: func @float
// CHECK: %[[T:.*]] = onnx.Constant dense<{{\[}}[2.000000e+00, 4.000000e+00], [6.000000e+00, 8.000000e+00]]>
// CHECK: onnx.Gather %[[T]]
func.func @float(%ids: tensor<?xi64>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %two = onnx.Constant dense<2.0> : tensor<f32> : tensor<f32>
  %s = onnx.Mul %w, %two : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %y = onnx.Gather %s, %ids : (tensor<2x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// One element off: a near miss.

// CHECK-LABEL: func @near
// CHECK: onnx.Gather
func.func @near(%ids: tensor<?xi64>) -> tensor<?x3xf32> {
  %w = onnx.Constant dense<[[1.0, -1.0, 1.0], [3.0, -3.0, 3.5]]> : tensor<2x3xf32> : tensor<2x3xf32>
  // expected-remark @below {{not a quantized lookup: weight[1, 2] = 3.500000e+00 is not on the levels of its row, 0 and +-3.000000e+00}}
  %y = onnx.Gather %w, %ids : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
