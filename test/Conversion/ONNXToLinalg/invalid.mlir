// RUN: lowbit-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @elements(%x: tensor<2x3xf32>) -> tensor<?x?xf32> {
  %shape = onnx.Constant dense<[4, 2]> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{operator 'Reshape' has 6 elements and a shape for 8}}
  %z = onnx.Reshape %x, %shape : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %z : tensor<?x?xf32>
}

// -----

func.func @rank(%x: tensor<*xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{operator 'Relu' is unsupported on values of unknown rank}}
  %z = onnx.Relu %x : (tensor<*xf32>) -> tensor<*xf32>
  return %z : tensor<*xf32>
}

// -----

func.func @steps(%x: tensor<8xf32>, %n: tensor<1xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{operator 'Slice' is unsupported with steps that are not constant}}
  %z = onnx.Slice %x, %n, %n steps %n : (tensor<8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %z : tensor<?xf32>
}

// -----

// expected-error @+1 {{expected a function of one block, got 2 blocks}}
func.func @blocks(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = onnx.Relu %x : (tensor<8xf32>) -> tensor<8xf32>
  cf.br ^next
^next:
  return %y : tensor<8xf32>
}

// -----

func.func @region(%x: tensor<8xf32>, %n: index) -> tensor<8xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // expected-error @+1 {{contains operators, which is unsupported}}
  %y = scf.for %i = %zero to %n step %one iter_args(%a = %x) -> tensor<8xf32> {
    %b = onnx.Relu %a : (tensor<8xf32>) -> tensor<8xf32>
    scf.yield %b : tensor<8xf32>
  }
  return %y : tensor<8xf32>
}

// -----

// Every operator that cannot be lowered is named, those behind it are not.
func.func @all(%x: tensor<8xf32>, %n: tensor<?xi64>) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  // expected-error @unknown {{node 'first': operator 'Reshape' is unsupported with a shape of unknown length}}
  %y = onnx.Reshape %x, %n : (tensor<8xf32>, tensor<?xi64>) -> tensor<?x?xf32> loc("first")
  %z = onnx.Relu %y : (tensor<?x?xf32>) -> tensor<?x?xf32>
  // expected-error @unknown {{node 'second': operator 'Expand' is unsupported with a shape of unknown length}}
  %w = onnx.Expand %x, %n : (tensor<8xf32>, tensor<?xi64>) -> tensor<?x?xf32> loc("second")
  return %z, %w : tensor<?x?xf32>, tensor<?x?xf32>
}
