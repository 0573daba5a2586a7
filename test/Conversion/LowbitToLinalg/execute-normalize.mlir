// RUN: %execute | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)

func.func @main() {
  %e = tensor.empty() : tensor<2x4xf32>
  %x = arith.constant dense<[[1.0, 3.0, 1.0, 3.0], [-1.0, 0.0, 0.0, 1.0]]> : tensor<2x4xf32>
  %r = arith.constant dense<[[0.0, 0.0, 0.0, 0.0], [-7.0, 0.0, 0.0, 7.0]]> : tensor<2x4xf32>
  %scale = arith.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
  %bias = arith.constant dense<[0.0, 0.0, 0.0, 10.0]> : tensor<4xf32>

  // Row 0: mean 2, variance 1.
  // CHECK: data =
  // CHECK-NEXT: [-1, 1, -2, 2]
  %0 = lowbit.layer_norm ins(%x, %scale : tensor<2x4xf32>, tensor<4xf32>) outs(%e : tensor<2x4xf32>) {epsilon = 0.0 : f32} -> tensor<2x4xf32>
  %u0 = tensor.cast %0 : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u0) : (tensor<*xf32>) -> ()

  // With the residual row 1 is -8 0 0 8: variance 32, epsilon 32, deviation 8.
  // CHECK: data =
  // CHECK-NEXT: [
  // CHECK-NEXT: [-1, 0, 0, 12]
  %1 = lowbit.layer_norm ins(%x, %scale, bias %bias, residual %r : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2x4xf32>)
         outs(%e : tensor<2x4xf32>) {epsilon = 32.0 : f32} -> tensor<2x4xf32>
  %u1 = tensor.cast %1 : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u1) : (tensor<*xf32>) -> ()

  // Large numbers do not overflow; what is masked gets nothing; a row of -inf is NaN.
  // CHECK: data =
  // CHECK-NEXT: [0.25, 0.25, 0.25, 0.25]
  // CHECK-NEXT: [0.5, 0, 0.5, 0]
  // CHECK-NEXT: {{.*nan, .*nan, .*nan, .*nan}}
  %s = arith.constant dense<[[1.0e30, 1.0e30, 1.0e30, 1.0e30], [3.0, 0xFF800000, 3.0, 0xFF800000],
    [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000]]> : tensor<3x4xf32>
  %es = tensor.empty() : tensor<3x4xf32>
  %2 = lowbit.softmax ins(%s : tensor<3x4xf32>) outs(%es : tensor<3x4xf32>) -> tensor<3x4xf32>
  %u2 = tensor.cast %2 : tensor<3x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u2) : (tensor<*xf32>) -> ()
  return
}
