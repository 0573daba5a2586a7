// RUN: lowbit-opt %s --onnx-simplify-shapes --canonicalize --split-input-file | FileCheck %s

// A dimension that stays in place is copied.
// CHECK-LABEL: func @split_heads
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x768xf32>
func.func @split_heads(%x: tensor<?x?x768xf32>, %ids: tensor<?x?xi64>) -> tensor<?x?x12x64xf32> {
  // CHECK: %[[S:.*]] = onnx.Constant dense<[0, 0, 12, 64]> : tensor<4xi64>
  // CHECK: onnx.Reshape %[[X]], %[[S]]
  %heads = onnx.Constant dense<[12, 64]> : tensor<2xi64> : tensor<2xi64>
  %abs = onnx.Abs %x : (tensor<?x?x768xf32>) -> tensor<?x?x768xf32>
  %s = onnx.Shape %abs {end = 2 : i64} : (tensor<?x?x768xf32>) -> tensor<2xi64>
  %t = onnx.Concat %s, %heads {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %0 = onnx.Reshape %x, %t : (tensor<?x?x768xf32>, tensor<4xi64>) -> tensor<?x?x12x64xf32>
  return %0 : tensor<?x?x12x64xf32>
}

// -----

// The symbol says that both batch dimensions are one.
// CHECK-LABEL: func @symbols
func.func @symbols(%ids: tensor<?xi64> {onnx.dims = ["batch"]}, %x: tensor<?x6xf32> {onnx.dims = ["batch", ""]}) -> tensor<?x2x3xf32> {
  // CHECK: onnx.Constant dense<[0, 2, 3]>
  %two = onnx.Constant dense<[2, 3]> : tensor<2xi64> : tensor<2xi64>
  %s = onnx.Shape %ids : (tensor<?xi64>) -> tensor<1xi64>
  %t = onnx.Concat %s, %two {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %0 = onnx.Reshape %x, %t : (tensor<?x6xf32>, tensor<3xi64>) -> tensor<?x2x3xf32>
  return %0 : tensor<?x2x3xf32>
}

// -----

// Without symbols nothing says so.
// CHECK-LABEL: func @no_symbols
// CHECK-SAME: (%[[IDS:.*]]: tensor<?xi64>, %[[X:.*]]: tensor<?x6xf32>)
func.func @no_symbols(%ids: tensor<?xi64>, %x: tensor<?x6xf32>) -> tensor<?x2x3xf32> {
  // CHECK: %[[B:.*]] = onnx.Shape %[[IDS]] {end = 1 : i64
  // CHECK: %[[T:.*]] = onnx.Concat %[[B]], %{{.*}} {axis = 0 : i64}
  // CHECK: onnx.Reshape %[[X]], %[[T]]
  %two = onnx.Constant dense<[2, 3]> : tensor<2xi64> : tensor<2xi64>
  %s = onnx.Shape %ids : (tensor<?xi64>) -> tensor<1xi64>
  %t = onnx.Concat %s, %two {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %0 = onnx.Reshape %x, %t : (tensor<?x6xf32>, tensor<3xi64>) -> tensor<?x2x3xf32>
  return %0 : tensor<?x2x3xf32>
}

// -----

// A chain of comparisons becomes what it computes.
// CHECK-LABEL: func @where_chain
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>
func.func @where_chain(%x: tensor<?x4xf32>, %y: tensor<1x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NOT: onnx.Where
  // CHECK: %[[B:.*]] = onnx.Shape %[[X]] {end = 1 : i64
  // CHECK: %[[T:.*]] = onnx.Concat %[[B]], %{{.*}} {axis = 0 : i64}
  // CHECK: onnx.Expand %{{.*}}, %[[T]]
  %keep = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<2xi64> : tensor<2xi64>
  %minus = onnx.Constant dense<-1> : tensor<2xi64> : tensor<2xi64>
  %d = onnx.Shape %x {end = 1 : i64} : (tensor<?x4xf32>) -> tensor<1xi64>
  %t = onnx.Concat %d, %keep {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %e = onnx.Equal %t, %minus : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %w = onnx.Where %e, %one, %t : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %0 = onnx.Expand %y, %w : (tensor<1x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// Add broadcasts by itself.
// CHECK-LABEL: func @expand_bias
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[B:.*]]: tensor<4xf32>)
func.func @expand_bias(%x: tensor<?x4xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = onnx.Add %[[X]], %[[B]]
  // CHECK-NEXT: return %[[Y]]
  %s = onnx.Shape %x : (tensor<?x4xf32>) -> tensor<2xi64>
  %0 = onnx.Expand %b, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %1 = onnx.Add %x, %0 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// -----

// The other operand may have 1 where the expanded one has more.
// CHECK-LABEL: func @expand_other
func.func @expand_other(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  // CHECK: onnx.Expand
  %s = onnx.Shape %x : (tensor<?x4xf32>) -> tensor<2xi64>
  %0 = onnx.Expand %b, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %1 = onnx.Add %y, %0 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// -----

// A table of positions, cut to the length of the input: n beside min(32, n) is n
// wherever it is not an error.
// CHECK-LABEL: func @positions
func.func @positions(%x: tensor<?x?x4xf32>, %table: tensor<1x32x4xf32>) -> tensor<?x?x2x2xf32> {
  // CHECK: onnx.Constant dense<[0, 0, 2, 2]>
  %zero = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<2xi64> : tensor<2xi64>
  %n = onnx.Shape %x {start = 1 : i64, end = 2 : i64} : (tensor<?x?x4xf32>) -> tensor<1xi64>
  %p = onnx.Slice %table, %zero, %n axes %one : (tensor<1x32x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?x4xf32>
  %y = onnx.Add %p, %x : (tensor<1x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %s = onnx.Shape %x {end = 2 : i64} : (tensor<?x?x4xf32>) -> tensor<2xi64>
  %t = onnx.Concat %s, %two {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %0 = onnx.Reshape %y, %t {allowzero = 1 : i64} : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  return %0 : tensor<?x?x2x2xf32>
}

// -----

// A range that every element shares is computed once.

// CHECK-LABEL: func @sunk_expand
// CHECK-SAME: (%[[X:.*]]: tensor<2x?xf32>, %[[A:.*]]: tensor<f32>, %[[B:.*]]: tensor<f32>)
func.func @sunk_expand(%x: tensor<2x?xf32>, %a: tensor<f32>, %b: tensor<f32>) -> tensor<2x?xf32> {
  // CHECK: %[[D:.*]] = onnx.Sub %[[A]], %[[B]] : {{.*}} -> tensor<f32>
  // CHECK: %[[E:.*]] = onnx.Add %[[D]], %{{.*}} -> tensor<f32>
  // CHECK: %[[R:.*]] = onnx.Reciprocal %[[E]] : (tensor<f32>) -> tensor<f32>
  // CHECK: onnx.Mul %[[X]], %[[R]]
  %eps = onnx.Constant dense<1.0e-8> : tensor<f32> : tensor<f32>
  %shape = onnx.Shape %x : (tensor<2x?xf32>) -> tensor<2xi64>
  %0 = onnx.Expand %a, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<2x?xf32>
  %1 = onnx.Expand %b, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<2x?xf32>
  %2 = onnx.Sub %0, %1 : (tensor<2x?xf32>, tensor<2x?xf32>) -> tensor<2x?xf32>
  %3 = onnx.Add %2, %eps : (tensor<2x?xf32>, tensor<f32>) -> tensor<2x?xf32>
  %4 = onnx.Reciprocal %3 : (tensor<2x?xf32>) -> tensor<2x?xf32>
  %5 = onnx.Mul %x, %4 : (tensor<2x?xf32>, tensor<2x?xf32>) -> tensor<2x?xf32>
  return %5 : tensor<2x?xf32>
}

// -----

// A mask is computed at its own size, in its new element type, and written out
// where its shape is needed.

// CHECK-LABEL: func @sunk_cast
// CHECK-SAME: %[[M:.*]]: tensor<2x1x3xi1>
func.func @sunk_cast(%m: tensor<2x1x3xi1>) -> tensor<2x4x3xf32> {
  // CHECK: %[[C:.*]] = onnx.Cast %[[M]] : (tensor<2x1x3xi1>) -> tensor<2x1x3xf32>
  // CHECK: onnx.Expand %[[C]], %{{.*}} -> tensor<2x4x3xf32>
  %shape = onnx.Constant dense<[2, 4, 3]> : tensor<3xi64> : tensor<3xi64>
  %0 = onnx.Expand %m, %shape : (tensor<2x1x3xi1>, tensor<3xi64>) -> tensor<2x4x3xi1>
  %1 = onnx.Cast %0 : (tensor<2x4x3xi1>) -> tensor<2x4x3xf32>
  return %1 : tensor<2x4x3xf32>
}

// -----

// Different shapes, or another operand of many elements: nothing is the same for
// all elements.

// CHECK-LABEL: func @kept_expands
func.func @kept_expands(%a: tensor<f32>, %b: tensor<1x3xf32>, %n: tensor<1xi64>, %m: tensor<1xi64>) -> (tensor<?xf32>, tensor<2x3xf32>) {
  // CHECK: %[[E:.*]] = onnx.Expand
  // CHECK: %[[F:.*]] = onnx.Expand
  // CHECK: onnx.Add %[[E]], %[[F]]
  %0 = onnx.Expand %a, %n : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %1 = onnx.Expand %a, %m : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %2 = onnx.Add %0, %1 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  // CHECK: %[[G:.*]] = onnx.Expand %{{.*}} -> tensor<2x1xf32>
  // CHECK: onnx.Mul %[[G]],
  %shape = onnx.Constant dense<[2, 1]> : tensor<2xi64> : tensor<2xi64>
  %3 = onnx.Expand %a, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<2x1xf32>
  %4 = onnx.Mul %3, %b : (tensor<2x1xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  return %2, %4 : tensor<?xf32>, tensor<2x3xf32>
}

// -----

// The function returns what its operators are known to have.

// CHECK-LABEL: func @result_type
// CHECK-SAME: -> tensor<2x3xf32>
func.func @result_type(%x: tensor<2x3xf32>) -> tensor<?x3xf32> {
  %0 = onnx.Abs %x : (tensor<2x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
