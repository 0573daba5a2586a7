// RUN: lowbit-opt %s --onnx-decompose --onnx-fold-constants --canonicalize --cse --split-input-file | FileCheck %s

// A row of a table, as dynamic_slice is exported.

// CHECK-LABEL: func @row
// CHECK-SAME: (%[[T:.*]]: tensor<1x64x8xf32>, %[[I:.*]]: tensor<i32>)
func.func @row(%t: tensor<1x64x8xf32>, %i: tensor<i32>) -> tensor<*xf32> {
  // CHECK: %[[S:.*]] = onnx.Gather %{{.*}} : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  // CHECK: onnx.Gather %[[T]], %[[S]] {axis = 1 : i64} : {{.*}} -> tensor<1x1x8xf32>
  %zero = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  %sizes = onnx.Constant dense<[1, 1, 8]> : tensor<3xi64> : tensor<3xi64>
  %axes = onnx.Constant dense<[0, 1, 2]> : tensor<3xi64> : tensor<3xi64>
  %c = onnx.Cast %i : (tensor<i32>) -> tensor<i64>
  %u = onnx.Unsqueeze %c {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
  %starts = onnx.Concat %zero, %u, %zero {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3xi64>
  %ends = onnx.Add %starts, %sizes : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %0 = onnx.Slice %t, %starts, %ends axes %axes : (tensor<1x64x8xf32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// Both ends are computed from one number.

// CHECK-LABEL: func @three_rows
// CHECK-SAME: (%[[T:.*]]: tensor<64x8xf32>, %[[I:.*]]: tensor<i64>)
func.func @three_rows(%t: tensor<64x8xf32>, %i: tensor<i64>) -> tensor<*xf32> {
  // CHECK: %[[R:.*]] = onnx.Constant dense<[0, 1, 2]>
  // CHECK: %[[S:.*]] = onnx.Add %{{.*}}, %[[R]]
  // CHECK: onnx.Gather %[[T]], %[[S]] {{.*}} -> tensor<3x8xf32>
  %one = onnx.Constant dense<1> : tensor<i64> : tensor<i64>
  %two = onnx.Constant dense<2> : tensor<i64> : tensor<i64>
  %last = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %axis = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  %a = onnx.Sub %i, %one : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %b = onnx.Add %two, %i : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %starts = onnx.Reshape %a, %last : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %ends = onnx.Unsqueeze %b {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
  %0 = onnx.Slice %t, %starts, %ends axes %axis : (tensor<64x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// What is sliced otherwise stays a slice of the rest.

// CHECK-LABEL: func @other_axis
// CHECK-SAME: %[[T:.*]]: tensor<64x8xf32>
func.func @other_axis(%t: tensor<64x8xf32>, %i: tensor<1xi64>) -> tensor<*xf32> {
  // CHECK: %[[P:.*]] = onnx.Slice %[[T]], {{.*}} -> tensor<64x3xf32>
  // CHECK: onnx.Gather %[[P]], {{.*}} -> tensor<1x3xf32>
  %sizes = onnx.Constant dense<[1, 3]> : tensor<2xi64> : tensor<2xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64> : tensor<1xi64>
  %starts = onnx.Concat %i, %two {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %ends = onnx.Add %starts, %sizes : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %0 = onnx.Slice %t, %starts, %ends : (tensor<64x8xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// The start depends on a shape alone: the extent does, too, and may be cut off.

// CHECK-LABEL: func @from_shape
// CHECK: onnx.Slice
// CHECK-NOT: onnx.Gather
func.func @from_shape(%t: tensor<64x8xf32>, %x: tensor<?xf32>) -> tensor<*xf32> {
  %three = onnx.Constant dense<3> : tensor<1xi64> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64> : tensor<1xi64>
  %n = onnx.Shape %x : (tensor<?xf32>) -> tensor<1xi64>
  %starts = onnx.Mul %n, %three : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %ends = onnx.Add %starts, %two : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %0 = onnx.Slice %t, %starts, %ends : (tensor<64x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// CHECK-LABEL: func @length_varies
// CHECK: onnx.Slice
func.func @length_varies(%t: tensor<64x8xf32>, %i: tensor<1xi64>, %j: tensor<1xi64>) -> tensor<*xf32> {
  %ends = onnx.Add %i, %j : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %0 = onnx.Slice %t, %i, %ends : (tensor<64x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// CHECK-LABEL: func @steps
// CHECK: onnx.Slice
func.func @steps(%t: tensor<64x8xf32>, %i: tensor<1xi64>) -> tensor<*xf32> {
  %zero = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64> : tensor<1xi64>
  %ends = onnx.Add %i, %two : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %0 = onnx.Slice %t, %i, %ends axes %zero steps %two : (tensor<64x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}
