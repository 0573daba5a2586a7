// RUN: lowbit-opt %s --onnx-decompose --canonicalize --split-input-file | FileCheck %s

// Weights with several columns become one matrix; rows stay apart.

// CHECK-LABEL: func @split_heads
// CHECK-SAME: (%[[X:.*]]: tensor<?x7x12xf32>, %[[W:.*]]: tensor<12x4x3xf32>)
func.func @split_heads(%x: tensor<?x7x12xf32>, %w: tensor<12x4x3xf32>) -> tensor<?x7x4x3xf32> {
  // CHECK: %[[M:.*]] = onnx.Reshape %[[W]], %{{.*}} -> tensor<12x12xf32>
  // CHECK: %[[Y:.*]] = onnx.MatMul %[[X]], %[[M]] : {{.*}} -> tensor<?x7x12xf32>
  // CHECK: %[[B:.*]] = onnx.Shape %[[X]] {end = 1 : i64}
  // CHECK: %[[S:.*]] = onnx.Concat %[[B]], %{{.*}}
  // CHECK: onnx.Reshape %[[Y]], %[[S]] {allowzero = 1 : i64} : {{.*}} -> tensor<?x7x4x3xf32>
  %0 = onnx.Einsum "abc,cde->abde"(%x, %w) : (tensor<?x7x12xf32>, tensor<12x4x3xf32>) -> tensor<?x7x4x3xf32>
  return %0 : tensor<?x7x4x3xf32>
}

// -----

// CHECK-LABEL: func @join_heads
// CHECK-SAME: (%[[X:.*]]: tensor<2x7x4x3xf32>, %[[W:.*]]: tensor<4x3x12xf32>)
func.func @join_heads(%x: tensor<2x7x4x3xf32>, %w: tensor<4x3x12xf32>) -> tensor<2x7x12xf32> {
  // CHECK-DAG: %[[A:.*]] = onnx.Reshape %[[X]], %{{.*}} -> tensor<2x7x12xf32>
  // CHECK-DAG: %[[M:.*]] = onnx.Reshape %[[W]], %{{.*}} -> tensor<12x12xf32>
  // CHECK: %[[Y:.*]] = onnx.MatMul %[[A]], %[[M]]
  // CHECK: return %[[Y]]
  %0 = onnx.Einsum "abcd, cde -> abe"(%x, %w) : (tensor<2x7x4x3xf32>, tensor<4x3x12xf32>) -> tensor<2x7x12xf32>
  return %0 : tensor<2x7x12xf32>
}

// -----

// A constant goes to the right, wherever the equation has it.

// CHECK-LABEL: func @weight_first
// CHECK-SAME: %[[X:.*]]: tensor<2x7x3xf32>
func.func @weight_first(%x: tensor<2x7x3xf32>) -> tensor<5x2x7xf32> {
  // CHECK: %[[W:.*]] = onnx.Neg
  // CHECK: %[[T:.*]] = onnx.Transpose %[[W]] {perm = array<i64: 1, 0>}
  // CHECK: %[[Y:.*]] = onnx.MatMul %[[X]], %[[T]] : {{.*}} -> tensor<2x7x5xf32>
  // CHECK: onnx.Transpose %[[Y]] {perm = array<i64: 2, 0, 1>}
  %c = onnx.Constant dense<1.0> : tensor<5x3xf32> : tensor<5x3xf32>
  %w = onnx.Neg %c : (tensor<5x3xf32>) -> tensor<5x3xf32>
  %0 = onnx.Einsum "dc,abc->dab"(%w, %x) : (tensor<5x3xf32>, tensor<2x7x3xf32>) -> tensor<5x2x7xf32>
  return %0 : tensor<5x2x7xf32>
}

// -----

// CHECK-LABEL: func @scores
// CHECK-SAME: (%[[Q:.*]]: tensor<?x?x4x8xf32>, %[[K:.*]]: tensor<?x?x4x8xf32>)
func.func @scores(%q: tensor<?x?x4x8xf32>, %k: tensor<?x?x4x8xf32>) -> tensor<?x4x?x?xf32> {
  // CHECK: %[[A:.*]] = onnx.Transpose %[[Q]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK: %[[B:.*]] = onnx.Transpose %[[K]] {perm = array<i64: 0, 2, 3, 1>}
  // CHECK: %[[Y:.*]] = onnx.MatMul %[[A]], %[[B]] : {{.*}} -> tensor<?x4x?x?xf32>
  // CHECK: return %[[Y]]
  %0 = onnx.Einsum "bqhd,bkhd->bhqk"(%q, %k) : (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) -> tensor<?x4x?x?xf32>
  return %0 : tensor<?x4x?x?xf32>
}

// -----

// Values stand first: probabilities are still the left side, and two transposes
// become one.

// CHECK-LABEL: func @context
// CHECK-SAME: (%[[V:.*]]: tensor<2x9x4x8xf32>, %[[P:.*]]: tensor<2x4x7x9xf32>)
func.func @context(%v: tensor<2x9x4x8xf32>, %p: tensor<2x4x7x9xf32>) -> tensor<2x7x4x8xf32> {
  // CHECK: %[[B:.*]] = onnx.Transpose %[[V]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK: %[[Y:.*]] = onnx.MatMul %[[P]], %[[B]]
  // CHECK: %[[R:.*]] = onnx.Transpose %[[Y]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK: return %[[R]]
  %0 = onnx.Einsum "bkhd,bhqk->bhdq"(%v, %p) : (tensor<2x9x4x8xf32>, tensor<2x4x7x9xf32>) -> tensor<2x4x8x7xf32>
  %1 = onnx.Transpose %0 {perm = array<i64: 0, 3, 1, 2>} : (tensor<2x4x8x7xf32>) -> tensor<2x7x4x8xf32>
  return %1 : tensor<2x7x4x8xf32>
}

// -----

// With a batch, rows are merged; their number is known when the model runs.

// CHECK-LABEL: func @merged_rows
// CHECK-SAME: (%[[X:.*]]: tensor<2x?x?x3xf32>, %[[Y:.*]]: tensor<2x3x5xf32>)
func.func @merged_rows(%x: tensor<2x?x?x3xf32>, %y: tensor<2x3x5xf32>) -> tensor<2x?x?x5xf32> {
  // CHECK-DAG: %[[I:.*]] = onnx.Shape %[[X]] {end = 2 : i64, start = 1 : i64}
  // CHECK-DAG: %[[J:.*]] = onnx.Shape %[[X]] {end = 3 : i64, start = 2 : i64}
  // CHECK: %[[N:.*]] = onnx.Mul %[[I]], %[[J]]
  // CHECK: onnx.Concat %{{.*}}, %[[N]], %{{.*}}
  // CHECK: onnx.MatMul %{{.*}} : (tensor<2x?x3xf32>, tensor<2x3x5xf32>) -> tensor<2x?x5xf32>
  %0 = onnx.Einsum "bijc,bcd->bijd"(%x, %y) : (tensor<2x?x?x3xf32>, tensor<2x3x5xf32>) -> tensor<2x?x?x5xf32>
  return %0 : tensor<2x?x?x5xf32>
}

// -----

// A label of one operand alone is summed before the product.

// CHECK-LABEL: func @summed_alone
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>, %[[Y:.*]]: tensor<4x5xf32>)
func.func @summed_alone(%x: tensor<2x3x4xf32>, %y: tensor<4x5xf32>) -> tensor<2x5xf32> {
  // CHECK: %[[S:.*]] = onnx.ReduceSum %[[X]] {axes = array<i64: 1>, keepdims = 0 : i64}
  // CHECK: onnx.MatMul %[[S]], %[[Y]]
  %0 = onnx.Einsum "abc,cd->ad"(%x, %y) : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

// Nothing is summed over: a product of numbers.

// CHECK-LABEL: func @outer
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>, %[[Y:.*]]: tensor<3xf32>)
func.func @outer(%x: tensor<2x3xf32>, %y: tensor<3xf32>) -> tensor<3x2xf32> {
  // CHECK-NOT: onnx.MatMul
  // CHECK-DAG: %[[A:.*]] = onnx.Transpose %[[X]]
  // CHECK-DAG: %[[B:.*]] = onnx.Unsqueeze %[[Y]]
  // CHECK: onnx.Mul %[[A]], %[[B]]
  %0 = onnx.Einsum "ab,b->ba"(%x, %y) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @vectors
// CHECK: onnx.MatMul %{{.*}} : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32>
// CHECK: onnx.Reshape %{{.*}} -> tensor<f32>
func.func @vectors(%x: tensor<3xf32>) -> tensor<f32> {
  %0 = onnx.Einsum "i,i"(%x, %x) : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// Dimensions of 1 are repeated: that of the sum is dropped, and the other operand
// summed.

// CHECK-LABEL: func @broadcast
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x1xf32>, %[[Y:.*]]: tensor<6x3x5xf32>)
func.func @broadcast(%x: tensor<1x2x1xf32>, %y: tensor<6x3x5xf32>) -> tensor<6x2x5xf32> {
  // CHECK: %[[S:.*]] = onnx.ReduceSum %[[Y]] {axes = array<i64: 1>
  // CHECK: %[[B:.*]] = onnx.Unsqueeze %[[S]] {axes = array<i64: 1>}
  // CHECK: onnx.Mul %[[X]], %[[B]] : {{.*}} -> tensor<6x2x5xf32>
  %0 = onnx.Einsum "...ij,...jk"(%x, %y) : (tensor<1x2x1xf32>, tensor<6x3x5xf32>) -> tensor<6x2x5xf32>
  return %0 : tensor<6x2x5xf32>
}

// -----

// CHECK-LABEL: func @one_operand
// CHECK: %[[S:.*]] = onnx.ReduceSum %{{.*}} {axes = array<i64: 1>, keepdims = 0 : i64}
// CHECK: onnx.Transpose %[[S]] {perm = array<i64: 1, 0>}
func.func @one_operand(%x: tensor<2x3x4xf32>) -> tensor<4x2xf32> {
  %0 = onnx.Einsum "abc->ca"(%x) : (tensor<2x3x4xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// Three operands are contracted from left to right.

// CHECK-LABEL: func @three_operands
// CHECK: %[[M:.*]] = onnx.MatMul %{{.*}} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
// CHECK: onnx.MatMul %[[M]], %{{.*}} -> tensor<2x5xf32>
func.func @three_operands(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>, %z: tensor<4x5xf32>) -> tensor<2x5xf32> {
  %0 = onnx.Einsum "ab,bc,cd->ad"(%x, %y, %z) : (tensor<2x3xf32>, tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}
