// RUN: lowbit-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func @neutral
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<2x3xi1>)
func.func @neutral(%x: tensor<2x3xf32>, %b: tensor<2x3xi1>) -> (tensor<2x3xf32>, tensor<2x3xi1>, tensor<2x3xf32>) {
  %one = onnx.Constant dense<1.0> : tensor<f32> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %true = onnx.Constant dense<true> : tensor<1xi1> : tensor<1xi1>
  %0 = onnx.Mul %x, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %1 = onnx.Div %0, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %2 = onnx.Sub %1, %zero : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %3 = onnx.Cast %2 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = onnx.And %b, %true : (tensor<2x3xi1>, tensor<1xi1>) -> tensor<2x3xi1>
  %5 = onnx.Not %4 : (tensor<2x3xi1>) -> tensor<2x3xi1>
  %6 = onnx.Not %5 : (tensor<2x3xi1>) -> tensor<2x3xi1>
  %7 = onnx.Where %true, %x, %zero : (tensor<1xi1>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  // CHECK-NOT: onnx
  // CHECK: return %[[X]], %[[B]], %[[X]]
  return %3, %6, %7 : tensor<2x3xf32>, tensor<2x3xi1>, tensor<2x3xf32>
}

// -----

// Adding 0 turns -0 into 0; so does subtracting -0.
// CHECK-LABEL: func @not_neutral
func.func @not_neutral(%x: tensor<2xf32>) -> tensor<2xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %minus = onnx.Constant dense<-0.0> : tensor<f32> : tensor<f32>
  // CHECK: onnx.Add
  %0 = onnx.Add %x, %zero : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  // CHECK: onnx.Sub
  %1 = onnx.Sub %0, %minus : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

// The neutral operand widens the result.
// CHECK-LABEL: func @widens
func.func @widens(%x: tensor<1xf32>) -> tensor<2xf32> {
  %one = onnx.Constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  // CHECK: onnx.Mul
  %0 = onnx.Mul %x, %one : (tensor<1xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// CHECK-LABEL: func @transpose
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @transpose(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<3x4x2xf32>) {
  // CHECK: %[[T:.*]] = onnx.Transpose %[[X]] {perm = array<i64: 1, 2, 0>}
  // CHECK: return %[[X]], %[[T]]
  %0 = onnx.Transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %1 = onnx.Transpose %0 {perm = array<i64: 0, 2, 1>} : (tensor<2x4x3xf32>) -> tensor<2x3x4xf32>
  %2 = onnx.Transpose %0 {perm = array<i64: 2, 1, 0>} : (tensor<2x4x3xf32>) -> tensor<3x4x2xf32>
  return %1, %2 : tensor<2x3x4xf32>, tensor<3x4x2xf32>
}

// -----

// CHECK-LABEL: func @reshape
// CHECK-SAME: (%[[X:.*]]: tensor<?x12xf32>)
func.func @reshape(%x: tensor<?x12xf32>) -> (tensor<?x2x6xf32>, tensor<?x12xf32>) {
  %a = onnx.Constant dense<[0, 3, 4]> : tensor<3xi64> : tensor<3xi64>
  %b = onnx.Constant dense<[0, 2, 6]> : tensor<3xi64> : tensor<3xi64>
  %c = onnx.Constant dense<[0, 12]> : tensor<2xi64> : tensor<2xi64>
  // CHECK: %[[S:.*]] = onnx.Constant dense<[0, 2, 6]>
  // CHECK: %[[Y:.*]] = onnx.Reshape %[[X]], %[[S]]
  // CHECK: return %[[Y]], %[[X]]
  %0 = onnx.Reshape %x, %a : (tensor<?x12xf32>, tensor<3xi64>) -> tensor<?x3x4xf32>
  %1 = onnx.Reshape %0, %b : (tensor<?x3x4xf32>, tensor<3xi64>) -> tensor<?x2x6xf32>
  %2 = onnx.Reshape %1, %c : (tensor<?x2x6xf32>, tensor<2xi64>) -> tensor<?x12xf32>
  return %1, %2 : tensor<?x2x6xf32>, tensor<?x12xf32>
}

// -----

// Copies the 3 of the operand, which the operand's operand does not have.
// CHECK-LABEL: func @reshape_copies
func.func @reshape_copies(%x: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %a = onnx.Constant dense<[3, 4]> : tensor<2xi64> : tensor<2xi64>
  %b = onnx.Constant dense<[0, -1, 1]> : tensor<3xi64> : tensor<3xi64>
  // CHECK-COUNT-2: onnx.Reshape
  %0 = onnx.Reshape %x, %a : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  %1 = onnx.Reshape %0, %b : (tensor<3x4xf32>, tensor<3xi64>) -> tensor<3x4x1xf32>
  %2 = onnx.Squeeze %1 {axes = array<i64: 2>} : (tensor<3x4x1xf32>) -> tensor<3x4xf32>
  return %2 : tensor<3x4xf32>
}

// -----

// CHECK-LABEL: func @unit_axes
// CHECK-SAME: (%[[X:.*]]: tensor<3xf32>, %[[Y:.*]]: tensor<1x3xf32>)
func.func @unit_axes(%x: tensor<3xf32>, %y: tensor<1x3xf32>) -> (tensor<3xf32>, tensor<1x3xf32>) {
  // CHECK: return %[[X]], %[[Y]]
  %0 = onnx.Unsqueeze %x {axes = array<i64: 0, 2>} : (tensor<3xf32>) -> tensor<1x3x1xf32>
  %1 = onnx.Squeeze %0 {axes = array<i64: -1, 0>} : (tensor<1x3x1xf32>) -> tensor<3xf32>
  %2 = onnx.Squeeze %y {axes = array<i64: 0>} : (tensor<1x3xf32>) -> tensor<3xf32>
  %3 = onnx.Unsqueeze %2 {axes = array<i64: -2>} : (tensor<3xf32>) -> tensor<1x3xf32>
  return %1, %3 : tensor<3xf32>, tensor<1x3xf32>
}

// -----

// CHECK-LABEL: func @whole
// CHECK-SAME: (%[[X:.*]]: tensor<?x3xf32>)
func.func @whole(%x: tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %zero = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64> : tensor<1xi64>
  %pads = onnx.Constant dense<0> : tensor<4xi64> : tensor<4xi64>
  %0 = onnx.Slice %x, %zero, %end : (tensor<?x3xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf32>
  %1 = onnx.Pad %0, %pads : (tensor<?x3xf32>, tensor<4xi64>) -> tensor<?x3xf32>
  %2 = onnx.Concat %1 {axis = 0 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: %[[Y:.*]] = onnx.Slice
  // CHECK: return %[[X]], %[[Y]]
  %3 = onnx.Slice %x, %two, %end : (tensor<?x3xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf32>
  return %2, %3 : tensor<?x3xf32>, tensor<?x3xf32>
}
