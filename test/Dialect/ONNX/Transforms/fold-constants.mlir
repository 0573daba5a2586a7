// RUN: lowbit-opt %s --onnx-fold-constants --canonicalize --split-input-file | FileCheck %s
// RUN: lowbit-opt %s --onnx-fold-constants='max-elements=3' --canonicalize --split-input-file | FileCheck %s --check-prefix=SMALL
// RUN: lowbit-opt %s --onnx-fold-constants='budget=0' --canonicalize --split-input-file | FileCheck %s --check-prefix=SMALL

// CHECK-LABEL: func @movement
// SMALL-LABEL: func @movement
func.func @movement() -> (tensor<3x2xf32>, tensor<2x2xf32>, tensor<2x3xf32>, tensor<2x1x3xf32>) {
  // CHECK-DAG: dense<{{\[\[}}1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]>
  // CHECK-DAG: dense<{{\[\[}}3.000000e+00, 1.000000e+00], [6.000000e+00, 4.000000e+00]]>
  // CHECK-DAG: dense<{{\[\[}}4.000000e+00, 5.000000e+00, 6.000000e+00], [1.000000e+00, 2.000000e+00, 3.000000e+00]]>
  // SMALL: onnx.Transpose
  // SMALL: onnx.Slice
  // SMALL: onnx.Gather
  // SMALL-NOT: onnx.Unsqueeze
  %x = onnx.Constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
  %minus = onnx.Constant dense<-1> : tensor<1xi64> : tensor<1xi64>
  %end = onnx.Constant dense<-10> : tensor<1xi64> : tensor<1xi64>
  %step = onnx.Constant dense<-2> : tensor<1xi64> : tensor<1xi64>
  %i = onnx.Constant dense<[-1, 0]> : tensor<2xi64> : tensor<2xi64>
  %0 = onnx.Transpose %x : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = onnx.Slice %x, %minus, %end axes %minus steps %step : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xf32>
  %2 = onnx.Gather %x, %i : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  // Another shape of the same storage needs no budget.
  %3 = onnx.Unsqueeze %x {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x1x3xf32>
  return %0, %1, %2, %3 : tensor<3x2xf32>, tensor<2x2xf32>, tensor<2x3xf32>, tensor<2x1x3xf32>
}

// -----

// CHECK-LABEL: func @join
func.func @join() -> (tensor<2x3xi64>, tensor<2x2xi1>, tensor<2x2xf32>) {
  // CHECK-DAG: dense<{{\[\[}}1, 2, 5], [3, 4, 6]]> : tensor<2x3xi64>
  // CHECK-DAG: dense<{{\[\[}}true, false], [true, true]]> : tensor<2x2xi1>
  // CHECK-DAG: dense<{{\[\[}}0.000000e+00, 7.000000e+00], [0.000000e+00, 7.000000e+00]]> : tensor<2x2xf32>
  %a = onnx.Constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi64> : tensor<2x2xi64>
  %b = onnx.Constant dense<[[5], [6]]> : tensor<2x1xi64> : tensor<2x1xi64>
  %two = onnx.Constant dense<2> : tensor<2xi64> : tensor<2xi64>
  %r = onnx.Constant dense<[0.0, 7.0]> : tensor<2xf32> : tensor<2xf32>
  %0 = onnx.Concat %a, %b {axis = 1 : i64} : (tensor<2x2xi64>, tensor<2x1xi64>) -> tensor<2x3xi64>
  %1 = onnx.ConstantOfShape %two {value = dense<true> : tensor<1xi1>} : (tensor<2xi64>) -> tensor<2x2xi1>
  %2 = onnx.Trilu %1 {upper = 0 : i64} : (tensor<2x2xi1>) -> tensor<2x2xi1>
  %3 = onnx.Expand %r, %two : (tensor<2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return %0, %2, %3 : tensor<2x3xi64>, tensor<2x2xi1>, tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func @arithmetic
func.func @arithmetic() -> (tensor<2x2xi1>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xi32>) {
  // CHECK-DAG: dense<{{\[\[}}true, false], [true, true]]> : tensor<2x2xi1>
  // CHECK-DAG: dense<{{\[\[}}0.000000e+00, 0xFF800000], [0.000000e+00, 0.000000e+00]]> : tensor<2x2xf32>
  // CHECK-DAG: dense<[2.000000e+00, -2.000000e+00]> : tensor<2xf32>
  // CHECK-DAG: dense<[1, -1]> : tensor<2xi32>
  %row = onnx.Constant dense<[[0, 1]]> : tensor<1x2xi64> : tensor<1x2xi64>
  %column = onnx.Constant dense<[[0], [1]]> : tensor<2x1xi64> : tensor<2x1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32> : tensor<f32>
  %low = onnx.Constant dense<0xFF800000> : tensor<f32> : tensor<f32>
  %v = onnx.Constant dense<[1.5, -1.5]> : tensor<2xf32> : tensor<2xf32>
  %0 = onnx.LessOrEqual %row, %column : (tensor<1x2xi64>, tensor<2x1xi64>) -> tensor<2x2xi1>
  %1 = onnx.Where %0, %zero, %low : (tensor<2x2xi1>, tensor<f32>, tensor<f32>) -> tensor<2x2xf32>
  %2 = onnx.Round %v : (tensor<2xf32>) -> tensor<2xf32>
  %3 = onnx.Cast %v : (tensor<2xf32>) -> tensor<2xi32>
  return %0, %1, %2, %3 : tensor<2x2xi1>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xi32>
}

// -----

// Shapes whose dimensions are known need no constant operand.
// CHECK-LABEL: func @shape
func.func @shape(%x: tensor<?x4x5xf32>) -> (tensor<2xi64>, tensor<i64>) {
  // CHECK-DAG: onnx.Constant dense<[4, 5]>
  // CHECK-DAG: onnx.Constant dense<20>
  %one = onnx.Constant dense<1> : tensor<i64> : tensor<i64>
  %two = onnx.Constant dense<2> : tensor<i64> : tensor<i64>
  %0 = onnx.Shape %x {start = 1 : i64} : (tensor<?x4x5xf32>) -> tensor<2xi64>
  %1 = onnx.Shape %x : (tensor<?x4x5xf32>) -> tensor<3xi64>
  %2 = onnx.Gather %1, %one : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %3 = onnx.Gather %1, %two : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %4 = onnx.Mul %2, %3 : (tensor<i64>, tensor<i64>) -> tensor<i64>
  return %0, %4 : tensor<2xi64>, tensor<i64>
}

// -----

// Weights are computed by the recognition of quantizers.
// CHECK-LABEL: func @weights
func.func @weights() -> (tensor<2x2xf32>, tensor<2x1xf32>) {
  %w = onnx.Constant dense<[[1.0, -2.0], [3.0, -4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  // CHECK: onnx.Sign
  %0 = onnx.Sign %w : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK: onnx.Abs
  %1 = onnx.Abs %w : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK: onnx.ReduceMean
  %2 = onnx.ReduceMean %1 {axes = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<2x1xf32>
  return %0, %2 : tensor<2x2xf32>, tensor<2x1xf32>
}

// -----

// What fails in a run is left to the run.
// CHECK-LABEL: func @run_time
func.func @run_time() -> (tensor<1xi64>, tensor<i32>) {
  %x = onnx.Constant dense<[1, 2]> : tensor<2xi64> : tensor<2xi64>
  %i = onnx.Constant dense<5> : tensor<1xi64> : tensor<1xi64>
  %n = onnx.Constant dense<0> : tensor<i32> : tensor<i32>
  // CHECK: onnx.Gather
  %0 = onnx.Gather %x, %i : (tensor<2xi64>, tensor<1xi64>) -> tensor<1xi64>
  // CHECK: onnx.Div
  %1 = onnx.Div %n, %n : (tensor<i32>, tensor<i32>) -> tensor<i32>
  return %0, %1 : tensor<1xi64>, tensor<i32>
}

// -----

// Exporters that do not fold constants round bounds of type double.

// CHECK-LABEL: func @double
// CHECK-DAG: onnx.Constant dense<-0.9921875> : tensor<f32>
// CHECK-DAG: %[[D:.*]] = onnx.Constant dense<2.500000e+00> : tensor<f64>
// CHECK: onnx.Cast %[[D]] : (tensor<f64>) -> tensor<i64>
func.func @double() -> (tensor<f32>, tensor<i64>) {
  %d = onnx.Constant dense<-0.9921875> : tensor<f64> : tensor<f64>
  %e = onnx.Constant dense<2.5> : tensor<f64> : tensor<f64>
  %0 = onnx.Cast %d : (tensor<f64>) -> tensor<f32>
  %1 = onnx.Cast %e : (tensor<f64>) -> tensor<i64>
  return %0, %1 : tensor<f32>, tensor<i64>
}
