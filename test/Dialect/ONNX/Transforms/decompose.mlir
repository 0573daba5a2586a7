// RUN: lowbit-opt %s --onnx-decompose --split-input-file | FileCheck %s

// CHECK-LABEL: func @plain
// CHECK-SAME: (%[[Q:.*]]: tensor<?x2x3x16xf32>, %[[K:.*]]: tensor<?x2x5x16xf32>, %[[V:.*]]: tensor<?x2x5x8xf32>)
func.func @plain(%q: tensor<?x2x3x16xf32>, %k: tensor<?x2x5x16xf32>, %v: tensor<?x2x5x8xf32>) -> tensor<?x2x3x8xf32> {
  // CHECK: %[[T:.*]] = onnx.Transpose %[[K]] {perm = array<i64: 0, 1, 3, 2>}
  // CHECK: %[[S:.*]] = onnx.MatMul %[[Q]], %[[T]]
  // CHECK: %[[C:.*]] = onnx.Constant dense<2.500000e-01> : tensor<f32>
  // CHECK: %[[M:.*]] = onnx.Mul %[[S]], %[[C]]
  // CHECK: %[[P:.*]] = onnx.Softmax %[[M]] : (tensor<?x2x3x5xf32>)
  // CHECK: %[[Y:.*]] = onnx.MatMul %[[P]], %[[V]] : {{.*}} -> tensor<?x2x3x8xf32>
  // CHECK: return %[[Y]]
  %0 = onnx.Attention %q, %k, %v : (tensor<?x2x3x16xf32>, tensor<?x2x5x16xf32>, tensor<?x2x5x8xf32>) -> tensor<?x2x3x8xf32>
  return %0 : tensor<?x2x3x8xf32>
}

// -----

// CHECK-LABEL: func @bool_mask
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<1x1x3x3xi1>)
func.func @bool_mask(%q: tensor<1x2x3x4xf32>, %mask: tensor<1x1x3x3xi1>) -> tensor<1x2x3x4xf32> {
  // CHECK: %[[LOW:.*]] = onnx.Constant dense<0xFF800000>
  // CHECK: %[[N:.*]] = onnx.Cast %[[MASK]]
  // CHECK: %[[ANY:.*]] = onnx.ReduceMax %[[N]] {axes = array<i64: -1>
  // CHECK: %[[EMPTY:.*]] = onnx.Equal %[[ANY]]
  // CHECK: %[[S:.*]] = onnx.Where %[[MASK]], %{{.*}}, %[[LOW]]
  // CHECK: onnx.Softmax %[[S]]
  // CHECK: %[[Y:.*]] = onnx.MatMul
  // CHECK: onnx.Where %[[EMPTY]], %{{.*}}, %[[Y]]
  %0 = onnx.Attention %q, %q, %q mask %mask : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x1x3x3xi1>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// CHECK-LABEL: func @float_mask_softcap
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<3x3xf32>)
func.func @float_mask_softcap(%q: tensor<1x2x3x4xf32>, %mask: tensor<3x3xf32>) -> tensor<1x2x3x4xf32> {
  // CHECK: onnx.Div
  // CHECK: onnx.Tanh
  // CHECK: %[[S:.*]] = onnx.Mul
  // CHECK: onnx.ReduceMax %[[MASK]]
  // CHECK: %[[A:.*]] = onnx.Add %[[S]], %[[MASK]]
  // CHECK: onnx.Softmax %[[A]]
  %0 = onnx.Attention %q, %q, %q mask %mask {softcap = 2.0 : f32, scale = 1.0 : f32} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<3x3xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// CHECK-LABEL: func @packed_grouped_causal
func.func @packed_grouped_causal(%q: tensor<?x?x32xf32>, %k: tensor<?x?x16xf32>) -> tensor<?x?x32xf32> {
  // CHECK: onnx.Reshape %{{.*}} -> tensor<?x?x4x8xf32>
  // CHECK: onnx.Transpose %{{.*}} -> tensor<?x4x?x8xf32>
  // CHECK: onnx.Unsqueeze %{{.*}} {axes = array<i64: 2>}
  // CHECK: onnx.Expand %{{.*}} -> tensor<?x2x2x?x8xf32>
  // CHECK: onnx.Reshape %{{.*}} -> tensor<?x4x?x8xf32>
  // CHECK: onnx.MatMul
  // CHECK: onnx.Range
  // CHECK: onnx.Range
  // CHECK: onnx.LessOrEqual
  // CHECK: onnx.Where
  // CHECK: onnx.Softmax
  // CHECK: onnx.MatMul
  // CHECK: onnx.Transpose %{{.*}} -> tensor<?x?x4x8xf32>
  // CHECK: onnx.Reshape %{{.*}} -> tensor<?x?x32xf32>
  %0 = onnx.Attention %q, %k, %k {q_num_heads = 4 : i64, kv_num_heads = 2 : i64, is_causal = 1 : i64} : (tensor<?x?x32xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}

// -----

// The scale depends on the run.
// CHECK-LABEL: func @head_size
func.func @head_size(%q: tensor<1x2x3x?xf32>) -> tensor<1x2x3x?xf32> {
  // CHECK: onnx.Attention
  %0 = onnx.Attention %q, %q, %q : (tensor<1x2x3x?xf32>, tensor<1x2x3x?xf32>, tensor<1x2x3x?xf32>) -> tensor<1x2x3x?xf32>
  return %0 : tensor<1x2x3x?xf32>
}

// -----

// As many key heads as query heads, whatever their number.
// CHECK-LABEL: func @head_count
func.func @head_count(%q: tensor<1x?x3x4xf32>) -> tensor<1x?x3x4xf32> {
  // CHECK-NOT: onnx.Attention
  %0 = onnx.Attention %q, %q, %q : (tensor<1x?x3x4xf32>, tensor<1x?x3x4xf32>, tensor<1x?x3x4xf32>) -> tensor<1x?x3x4xf32>
  return %0 : tensor<1x?x3x4xf32>
}

// -----

// CHECK-LABEL: func @other_head_count
func.func @other_head_count(%q: tensor<1x?x3x4xf32>, %k: tensor<1x?x3x4xf32>) -> tensor<1x?x3x4xf32> {
  // CHECK: onnx.Attention
  %0 = onnx.Attention %q, %k, %k : (tensor<1x?x3x4xf32>, tensor<1x?x3x4xf32>, tensor<1x?x3x4xf32>) -> tensor<1x?x3x4xf32>
  return %0 : tensor<1x?x3x4xf32>
}
