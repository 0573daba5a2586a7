// RUN: lowbit-opt %s --onnx-infer-shapes --split-input-file --verify-diagnostics

func.func @two_inferred(%x: tensor<4xf32>) -> tensor<?x?xf32> {
  %s = onnx.Constant dense<-1> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{shape has more than one -1}}
  %0 = onnx.Reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @not_divisible(%x: tensor<4xf32>) -> tensor<?x?xf32> {
  %s = onnx.Constant dense<[3, -1]> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{cannot reshape 4 elements to a multiple of 3}}
  %0 = onnx.Reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @other_count(%x: tensor<4xf32>) -> tensor<?x?xf32> {
  %s = onnx.Constant dense<[3, 2]> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{cannot reshape 4 elements to 6}}
  %0 = onnx.Reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @negative(%x: tensor<4xf32>) -> tensor<?x?xf32> {
  %s = onnx.Constant dense<[-2, -2]> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{shape has the negative extent -2}}
  %0 = onnx.Reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @copies_nothing(%x: tensor<4xf32>) -> tensor<?x?xf32> {
  %s = onnx.Constant dense<[4, 0]> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{shape copies dimension 1 of an input of rank 1}}
  %0 = onnx.Reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @contradiction(%x: tensor<4xf32>) -> tensor<?x3xf32> {
  %s = onnx.Constant dense<[2, 2]> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{result #0 has type 'tensor<?x3xf32>', inferred 'tensor<2x2xf32>'}}
  %0 = onnx.Reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @bomb(%x: tensor<1xf32>) -> tensor<?x?xf32> {
  %s = onnx.Constant dense<262144> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{makes a 'tensor<262144x262144xf32>', larger than the limit of 68719476736 bytes}}
  %0 = onnx.Expand %x, %s : (tensor<1xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @negative_fill() -> tensor<?xf32> {
  %s = onnx.Constant dense<-3> : tensor<1xi64> : tensor<1xi64>
  // expected-error @+1 {{shape has the negative extent -3}}
  %0 = onnx.ConstantOfShape %s : (tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @no_step(%x: tensor<i64>) -> tensor<?xi64> {
  %zero = onnx.Constant dense<0> : tensor<i64> : tensor<i64>
  // expected-error @+1 {{delta must not be 0}}
  %0 = onnx.Range %x, %x, %zero : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

func.func @endless_range() -> tensor<?xi64> {
  %zero = onnx.Constant dense<0> : tensor<i64> : tensor<i64>
  %one = onnx.Constant dense<1> : tensor<i64> : tensor<i64>
  %huge = onnx.Constant dense<9223372036854775807> : tensor<i64> : tensor<i64>
  // expected-error @+1 {{would make more elements than the limit of 68719476736}}
  %0 = onnx.Range %zero, %huge, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

func.func @slice_step(%x: tensor<4xf32>) -> tensor<?xf32> {
  %zero = onnx.Constant dense<0> : tensor<1xi64> : tensor<1xi64>
  // expected-error @+1 {{step of axis 0 is 0}}
  %0 = onnx.Slice %x, %zero, %zero steps %zero : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @pads(%x: tensor<4xf32>) -> tensor<?xf32> {
  %p = onnx.Constant dense<-3> : tensor<2xi64> : tensor<2xi64>
  // expected-error @+1 {{pads -3 and -3 leave no valid extent of 4}}
  %0 = onnx.Pad %x, %p : (tensor<4xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @rank(%x: tensor<?x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has a result whose rank cannot be inferred}}
  %0 = onnx.Squeeze %x : (tensor<?x3xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}
