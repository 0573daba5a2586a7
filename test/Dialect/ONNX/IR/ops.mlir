// RUN: lowbit-opt %s | lowbit-opt | FileCheck %s
// RUN: lowbit-opt %s --mlir-print-op-generic | lowbit-opt | FileCheck %s

// CHECK-LABEL: func @elementwise
func.func @elementwise(%x: tensor<2x?xf32>, %y: tensor<?xf32>, %lo: tensor<f32>, %c: tensor<2x1xi1>) -> tensor<2x?xf32> {
  // CHECK: onnx.Sign %{{.*}} : (tensor<2x?xf32>) -> tensor<2x?xf32>
  %0 = onnx.Sign %x : (tensor<2x?xf32>) -> tensor<2x?xf32>
  // CHECK: onnx.Add %{{.*}}, %{{.*}} : (tensor<2x?xf32>, tensor<?xf32>) -> tensor<2x?xf32>
  %1 = onnx.Add %0, %y : (tensor<2x?xf32>, tensor<?xf32>) -> tensor<2x?xf32>
  // CHECK: onnx.Clip %{{.*}} min %{{.*}} : (tensor<2x?xf32>, tensor<f32>) -> tensor<2x?xf32>
  %2 = onnx.Clip %1 min %lo : (tensor<2x?xf32>, tensor<f32>) -> tensor<2x?xf32>
  // CHECK: onnx.Clip %{{.*}} max %{{.*}} : (tensor<2x?xf32>, tensor<f32>) -> tensor<2x?xf32>
  %3 = onnx.Clip %2 max %lo : (tensor<2x?xf32>, tensor<f32>) -> tensor<2x?xf32>
  // CHECK: onnx.Gelu %{{.*}} {approximate = "tanh"}
  %4 = onnx.Gelu %3 {approximate = "tanh"} : (tensor<2x?xf32>) -> tensor<2x?xf32>
  // CHECK: onnx.Where %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x1xi1>, tensor<2x?xf32>, tensor<f32>)
  %5 = onnx.Where %c, %4, %lo : (tensor<2x1xi1>, tensor<2x?xf32>, tensor<f32>) -> tensor<2x?xf32>
  // CHECK: onnx.Cast %{{.*}} : (tensor<2x?xf32>) -> tensor<2x?xi64>
  %6 = onnx.Cast %5 : (tensor<2x?xf32>) -> tensor<2x?xi64>
  // CHECK: onnx.Cast %{{.*}} : (tensor<2x?xi64>) -> tensor<2x?xf32>
  %7 = onnx.Cast %6 : (tensor<2x?xi64>) -> tensor<2x?xf32>
  return %7 : tensor<2x?xf32>
}

// CHECK-LABEL: func @reductions
func.func @reductions(%x: tensor<2x3x4xf32>, %s: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: onnx.ReduceMean %{{.*}} {axes = array<i64: 1>, keepdims = 0 : i64}
  %0 = onnx.ReduceMean %x {axes = array<i64: 1>, keepdims = 0 : i64} : (tensor<2x3x4xf32>) -> tensor<2x4xf32>
  // CHECK: onnx.Softmax
  %1 = onnx.Softmax %0 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: onnx.LayerNormalization %{{.*}}, %{{.*}}, %{{.*}} {epsilon
  %2 = onnx.LayerNormalization %1, %s, %s {epsilon = 1.0e-12 : f32} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  // CHECK: onnx.LayerNormalization %{{.*}}, %{{[a-z0-9]+}} : (
  %3 = onnx.LayerNormalization %2, %s : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  // CHECK: onnx.RMSNormalization
  %4 = onnx.RMSNormalization %3, %s : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  // CHECK: onnx.CumSum %{{.*}} {axis = 1 : i64}
  %5 = onnx.CumSum %4 {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// CHECK-LABEL: func @einsum
func.func @einsum(%x: tensor<?x3xf32>, %w: tensor<3x4x5xf32>) -> tensor<?x4x5xf32> {
  // CHECK: onnx.Einsum "...b,bcd->...cd"(%{{.*}}, %{{.*}}) : (tensor<?x3xf32>, tensor<3x4x5xf32>) -> tensor<?x4x5xf32>
  %0 = onnx.Einsum "...b,bcd->...cd"(%x, %w) : (tensor<?x3xf32>, tensor<3x4x5xf32>) -> tensor<?x4x5xf32>
  return %0 : tensor<?x4x5xf32>
}

// CHECK-LABEL: func @contractions
func.func @contractions(%q: tensor<1x2x3x4xf32>, %m: tensor<3x3xi1>, %a: tensor<3x4xf32>, %b: tensor<5x4xf32>) -> (tensor<1x2x3x4xf32>, tensor<3x5xf32>) {
  // CHECK: onnx.Attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} {is_causal = 1 : i64}
  %0 = onnx.Attention %q, %q, %q mask %m {is_causal = 1 : i64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<3x3xi1>) -> tensor<1x2x3x4xf32>
  // CHECK: onnx.Gemm %{{.*}}, %{{.*}} {transB = 1 : i64}
  %1 = onnx.Gemm %a, %b {transB = 1 : i64} : (tensor<3x4xf32>, tensor<5x4xf32>) -> tensor<3x5xf32>
  return %0, %1 : tensor<1x2x3x4xf32>, tensor<3x5xf32>
}

// CHECK-LABEL: func @movement
func.func @movement(%x: tensor<2x6xf32>, %i: tensor<1xi64>) -> tensor<?x?xf32> {
  // CHECK: onnx.Constant dense<[3, 4]> : tensor<2xi64>
  %s = onnx.Constant dense<[3, 4]> : tensor<2xi64> : tensor<2xi64>
  // CHECK: onnx.Reshape
  %0 = onnx.Reshape %x, %s : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  // CHECK: onnx.Transpose %{{.*}} {perm = array<i64: 1, 0>}
  %1 = onnx.Transpose %0 {perm = array<i64: 1, 0>} : (tensor<3x4xf32>) -> tensor<4x3xf32>
  // CHECK: onnx.Slice %{{.*}}, %{{.*}}, %{{.*}} axes %{{.*}} : (
  %2 = onnx.Slice %1, %i, %i axes %i : (tensor<4x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  // CHECK: onnx.Slice %{{.*}}, %{{.*}}, %{{.*}} steps %{{.*}} : (
  %3 = onnx.Slice %2, %i, %i steps %i : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  // CHECK: onnx.Split %{{.*}} {axis = 1 : i64} : (tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>)
  %4:2 = onnx.Split %3 {axis = 1 : i64} : (tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>)
  // CHECK: onnx.Concat %{{.*}}, %{{.*}} {axis = 0 : i64}
  %5 = onnx.Concat %4#0, %4#1 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  // CHECK: onnx.Shape %{{.*}} {end = 1 : i64}
  %6 = onnx.Shape %5 {end = 1 : i64} : (tensor<?x?xf32>) -> tensor<1xi64>
  // CHECK: onnx.ConstantOfShape %{{.*}} {value = dense<true> : tensor<1xi1>}
  %7 = onnx.ConstantOfShape %6 {value = dense<true> : tensor<1xi1>} : (tensor<1xi64>) -> tensor<?xi1>
  // CHECK: onnx.Trilu %{{[a-z0-9]+}} {upper = 0 : i64}
  %8 = onnx.Trilu %5 {upper = 0 : i64} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %8 : tensor<?x?xf32>
}
