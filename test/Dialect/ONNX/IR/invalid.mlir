// RUN: lowbit-opt %s -split-input-file -verify-diagnostics

func.func @result(%x: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{result #0 has type 'tensor<3xf32>', inferred 'tensor<2xf32>'}}
  %0 = onnx.Abs %x : (tensor<2xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @elements(%x: tensor<2xi64>) -> tensor<2xi64> {
  // expected-error @+1 {{operand #0 must hold floats, got 'i64'}}
  %0 = onnx.Sqrt %x : (tensor<2xi64>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

func.func @same_elements(%x: tensor<2xi64>, %y: tensor<2xf32>) -> tensor<2xi64> {
  // expected-error @+1 {{operands #0 and #1 must have one element type, got 'i64' and 'f32'}}
  %0 = onnx.Add %x, %y : (tensor<2xi64>, tensor<2xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

func.func @broadcast(%x: tensor<2xf32>, %y: tensor<3xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{cannot broadcast extents 2 and 3}}
  %0 = onnx.Add %x, %y : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @size(%x: tensor<262144x1xf32>, %y: tensor<262144xf32>) -> tensor<262144x262144xf32> {
  // expected-error @+1 {{makes a 'tensor<262144x262144xf32>', larger than the limit of 68719476736 bytes}}
  %0 = onnx.Add %x, %y : (tensor<262144x1xf32>, tensor<262144xf32>) -> tensor<262144x262144xf32>
  return %0 : tensor<262144x262144xf32>
}

// -----

func.func @gelu(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{'approximate' must be "none" or "tanh", got "fast"}}
  %0 = onnx.Gelu %x {approximate = "fast"} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @clip(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{bounds must be scalars, got 'tensor<2xf32>'}}
  %0 = onnx.Clip %x min %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @axis(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{'axis' is 2, out of range for rank 2}}
  %0 = onnx.Softmax %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @axes(%x: tensor<2x3xf32>) -> tensor<f32> {
  // expected-error @+1 {{'axes' names axis 1 twice}}
  %0 = onnx.ReduceSum %x {axes = array<i64: 1, -1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @normalization(%x: tensor<2x1xf32>, %s: tensor<3xf32>) -> tensor<2x1xf32> {
  // expected-error @+1 {{operand #1 must broadcast to the input, got 'tensor<3xf32>'}}
  %0 = onnx.LayerNormalization %x, %s : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// -----

func.func @matmul(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{contracted dimensions must agree, got 3 and 2}}
  %0 = onnx.MatMul %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @matmul_scalar(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{operand #0 must have a rank of at least 1, got 0}}
  %0 = onnx.MatMul %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @gemm(%x: tensor<2x2xf32>, %c: tensor<1x2x2xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{operand #2 must broadcast to the product}}
  %0 = onnx.Gemm %x, %x, %c : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<1x2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @gemm_rank(%x: tensor<2xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{operand #0 must have rank 2, got 'tensor<2xf32>'}}
  %0 = onnx.Gemm %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @attention_heads(%x: tensor<1x3x8xf32>) -> tensor<1x3x8xf32> {
  // expected-error @+1 {{operands of rank 3 need 'q_num_heads', a multiple of 'kv_num_heads', got 0 and 0}}
  %0 = onnx.Attention %x, %x, %x : (tensor<1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>) -> tensor<1x3x8xf32>
  return %0 : tensor<1x3x8xf32>
}

// -----

func.func @attention_rank(%x: tensor<1x3x8xf32>, %q: tensor<1x1x3x8xf32>) -> tensor<1x1x3x8xf32> {
  // expected-error @+1 {{Q, K and V must all have rank 3 or all rank 4, got 4, 3 and 3}}
  %0 = onnx.Attention %q, %x, %x : (tensor<1x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>) -> tensor<1x1x3x8xf32>
  return %0 : tensor<1x1x3x8xf32>
}

// -----

func.func @attention_groups(%q: tensor<1x3x3x4xf32>, %k: tensor<1x2x3x4xf32>) -> tensor<1x3x3x4xf32> {
  // expected-error @+1 {{number of query heads must be a multiple of the number of key heads, got 3 and 2}}
  %0 = onnx.Attention %q, %k, %k : (tensor<1x3x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x3x3x4xf32>
  return %0 : tensor<1x3x3x4xf32>
}

// -----

func.func @attention_size(%x: tensor<1x3x9xf32>) -> tensor<1x3x9xf32> {
  // expected-error @+1 {{hidden size 9 is not a multiple of 2 heads}}
  %0 = onnx.Attention %x, %x, %x {q_num_heads = 2 : i64, kv_num_heads = 2 : i64} : (tensor<1x3x9xf32>, tensor<1x3x9xf32>, tensor<1x3x9xf32>) -> tensor<1x3x9xf32>
  return %0 : tensor<1x3x9xf32>
}

// -----

func.func @concat(%x: tensor<2x3xf32>, %y: tensor<3x3xf32>) -> tensor<2x6xf32> {
  // expected-error @+1 {{extents of inputs must agree, got 2 and 3}}
  %0 = onnx.Concat %x, %y {axis = 1 : i64} : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @concat_rank(%x: tensor<2x3xf32>, %y: tensor<3xf32>) -> tensor<2x6xf32> {
  // expected-error @+1 {{inputs must have one rank, got 2 and 1}}
  %0 = onnx.Concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @constant_of_shape(%s: tensor<1xi64>) -> tensor<?xi1> {
  // expected-error @+1 {{'value' must have one element, got 2}}
  %0 = onnx.ConstantOfShape %s {value = dense<true> : tensor<2xi1>} : (tensor<1xi64>) -> tensor<?xi1>
  return %0 : tensor<?xi1>
}

// -----

func.func @transpose(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{'perm' [0, 0] is not a permutation}}
  %0 = onnx.Transpose %x {perm = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @transpose_rank(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{'perm' must have 2 elements, got 1}}
  %0 = onnx.Transpose %x {perm = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @squeeze(%x: tensor<2x3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{cannot drop dimension 0 of extent 2}}
  %0 = onnx.Squeeze %x {axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @split(%x: tensor<4xf32>) -> (tensor<1xf32>, tensor<2xf32>) {
  // expected-error @+1 {{'split' must add up to 4}}
  %0:2 = onnx.Split %x {split = array<i64: 1, 2>} : (tensor<4xf32>) -> (tensor<1xf32>, tensor<2xf32>)
  return %0#0, %0#1 : tensor<1xf32>, tensor<2xf32>
}

// -----

func.func @split_count(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'split' must have 1 elements, got 2}}
  %0 = onnx.Split %x {split = array<i64: 1, 3>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @pad(%x: tensor<4xf32>, %p: tensor<4xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{pads must have 2 elements, got 4}}
  %0 = onnx.Pad %x, %p : (tensor<4xf32>, tensor<4xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @pad_mode(%x: tensor<4xf32>, %p: tensor<2xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{'mode' must be "constant", got "edge"}}
  %0 = onnx.Pad %x, %p {mode = "edge"} : (tensor<4xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @range(%x: tensor<2xi64>) -> tensor<?xi64> {
  // expected-error @+1 {{operands must be scalars, got 'tensor<2xi64>'}}
  %0 = onnx.Range %x, %x, %x : (tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

func.func @gather_nd(%x: tensor<2x3xf32>, %i: tensor<1x3xi64>) -> tensor<1xf32> {
  // expected-error @+1 {{index tuples have 3 elements, expected 1 to 2}}
  %0 = onnx.GatherND %x, %i : (tensor<2x3xf32>, tensor<1x3xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @gather_nd_batch(%x: tensor<2x3xf32>, %i: tensor<1x1xi64>) -> tensor<1xf32> {
  // expected-error @+1 {{'batch_dims' is 2, out of range for ranks 2 and 2}}
  %0 = onnx.GatherND %x, %i {batch_dims = 2 : i64} : (tensor<2x3xf32>, tensor<1x1xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @scatter_elements(%x: tensor<2x3xf32>, %i: tensor<1xi64>, %u: tensor<1xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{indices and updates must have the rank of data, 2, got 1}}
  %0 = onnx.ScatterElements %x, %i, %u : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @scatter_elements_axis(%x: tensor<2xf32>, %i: tensor<1xi64>, %u: tensor<1xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{'axis' must be in [-1, 0], got 1}}
  %0 = onnx.ScatterElements %x, %i, %u {axis = 1 : i64} : (tensor<2xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @scatter_nd(%x: tensor<2x3xf32>, %i: tensor<1x1xi64>, %u: tensor<3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{updates must have rank 2, got 1}}
  %0 = onnx.ScatterND %x, %i, %u : (tensor<2x3xf32>, tensor<1x1xi64>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @slice(%x: tensor<3xf32>, %i: tensor<2xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{starts, ends, axes and steps must have one length, at most the rank 1}}
  %0 = onnx.Slice %x, %i, %i : (tensor<3xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @flatten(%x: tensor<2x3xf32>) -> tensor<6x1xf32> {
  // expected-error @+1 {{'axis' is 3, out of range for rank 2}}
  %0 = onnx.Flatten %x {axis = 3 : i64} : (tensor<2x3xf32>) -> tensor<6x1xf32>
  return %0 : tensor<6x1xf32>
}

// -----

func.func @einsum_without_operands() -> tensor<f32> {
  // expected-error @below {{must have an operand}}
  %0 = onnx.Einsum ""() : () -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @einsum_terms(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{the equation 'ij,j->i' has 2 terms for 1 operands}}
  %0 = onnx.Einsum "ij,j->i"(%x) : (tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @einsum_rank(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{term 'ijk' names 3 dimensions, operand #0 has rank 2}}
  %0 = onnx.Einsum "ijk->i"(%x) : (tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @einsum_letters(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{the equation 'i2->i' may hold letters, ',', '->' and '...'}}
  %0 = onnx.Einsum "i2->i"(%x) : (tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @einsum_diagonal(%x: tensor<3x3xf32>) -> tensor<3xf32> {
  // expected-error @below {{label 'i' is repeated in 'ii'; diagonals are not supported}}
  %0 = onnx.Einsum "ii->i"(%x) : (tensor<3x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @einsum_unknown_label(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{label 'k' of the result is in no operand}}
  %0 = onnx.Einsum "ij->k"(%x) : (tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @einsum_extents(%x: tensor<2x3xf32>, %y: tensor<4x5xf32>) -> tensor<2x5xf32> {
  // expected-error @below {{label 'j' stands for 3 and for 4}}
  %0 = onnx.Einsum "ij,jk->ik"(%x, %y) : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}
