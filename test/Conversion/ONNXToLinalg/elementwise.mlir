// RUN: lowbit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// A bias is read by a projected map; nothing is copied.
// CHECK-DAG: #[[$ID:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$LAST:.+]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-LABEL: func.func @bias
// CHECK: linalg.generic {indexing_maps = [#[[$ID]], #[[$LAST]], #[[$ID]]]
// CHECK: arith.addf
func.func @bias(%x: tensor<?x?x8xf32>, %b: tensor<8xf32>) -> tensor<?x?x8xf32> {
  %y = onnx.Add %x, %b : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// A uniform constant becomes a scalar in the body, a square a product.
// CHECK-LABEL: func.func @scalars
// CHECK-DAG: %[[C:.*]] = arith.constant 5.000000e-01 : f32
// CHECK: linalg.generic {{.*}} ins(%{{[^,]*}} : tensor<4xf32>)
// CHECK: arith.mulf %{{.*}}, %[[C]]
// CHECK-NOT: math.powf
// CHECK: arith.mulf %[[X:.*]], %[[X]]
func.func @scalars(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = onnx.Constant dense<0.5> : tensor<4xf32> : tensor<4xf32>
  %two = onnx.Constant dense<2.0> : tensor<f32> : tensor<f32>
  %y = onnx.Mul %x, %half : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %z = onnx.Pow %y, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}

// -----

// NaN goes through Max; the sign of NaN is 0.
// CHECK-LABEL: func.func @nan
// CHECK: arith.maximumf
// CHECK: arith.cmpf ogt
// CHECK: arith.select
func.func @nan(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %m = onnx.Max %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = onnx.Sign %m : (tensor<4xf32>) -> tensor<4xf32>
  return %s : tensor<4xf32>
}

// -----

// Integers divide without traps, checked once at the top level.
// CHECK-LABEL: func.func @divide
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction"]
// CHECK: cf.assert %{{.*}}, "node 'quotient': an integer is divided by zero"
// CHECK: linalg.generic
// CHECK: arith.divsi
func.func @divide(%x: tensor<40xi64>, %y: tensor<40xi64>) -> tensor<40xi64> {
  %z = onnx.Div %x, %y : (tensor<40xi64>, tensor<40xi64>) -> tensor<40xi64> loc("quotient")
  return %z : tensor<40xi64>
}

// -----

// Unsigned bytes become i8 and keep their meaning.
// CHECK-LABEL: func.func @unsigned(
// CHECK-SAME: %{{.*}}: tensor<20xi8> {onnx.unsigned}
// CHECK-SAME: -> (tensor<20xi1>, tensor<20xf32>)
// CHECK: arith.cmpi ult
// CHECK: arith.uitofp
func.func @unsigned(%x: tensor<20xui8>, %y: tensor<20xui8>) -> (tensor<20xi1>, tensor<20xf32>) {
  %c = onnx.Less %x, %y : (tensor<20xui8>, tensor<20xui8>) -> tensor<20xi1>
  %f = onnx.Cast %x : (tensor<20xui8>) -> tensor<20xf32>
  return %c, %f : tensor<20xi1>, tensor<20xf32>
}
