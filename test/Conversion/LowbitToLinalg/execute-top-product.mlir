// RUN: %execute | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)
func.func private @printMemrefI64(tensor<*xi64>)

// Logits of row 0: 2 1 2 -3, where the first of equal ones comes first; with the
// bias 2 1 NaN 0, where NaN is the greatest. Of row 1: 0 -0 0 0.
func.func @main() {
  %x = arith.constant dense<[[1.0, 1.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %t = arith.constant dense<[[1.0, 1.0], [-1.0, 2.0], [2.0, 0.0], [-1.0, -2.0]]> : tensor<4x2xf32>
  %b = arith.constant dense<[0.0, 0.0, 0x7FC00000, 3.0]> : tensor<4xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %f = tensor.empty() : tensor<2x3xi64>
  // CHECK: data =
  // CHECK-NEXT: [2, 2, 1]
  // CHECK-NEXT: [0, 0, 0]
  // CHECK: data =
  // CHECK-NEXT: [0, 2, 1]
  // CHECK-NEXT: [0, 1, 2]
  %0:2 = lowbit.top_product ins(%x, %t : tensor<2x2xf32>, tensor<4x2xf32>)
         outs(%e, %f : tensor<2x3xf32>, tensor<2x3xi64>) -> tensor<2x3xf32>, tensor<2x3xi64>
  %v0 = tensor.cast %0#0 : tensor<2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%v0) : (tensor<*xf32>) -> ()
  %i0 = tensor.cast %0#1 : tensor<2x3xi64> to tensor<*xi64>
  call @printMemrefI64(%i0) : (tensor<*xi64>) -> ()
  // CHECK: data =
  // CHECK-NEXT: [2, 0, 1]
  // CHECK-NEXT: [2, 3, 0]
  %1:2 = lowbit.top_product ins(%x, %t : tensor<2x2xf32>, tensor<4x2xf32>) bias(%b : tensor<4xf32>)
         outs(%e, %f : tensor<2x3xf32>, tensor<2x3xi64>) -> tensor<2x3xf32>, tensor<2x3xi64>
  %i1 = tensor.cast %1#1 : tensor<2x3xi64> to tensor<*xi64>
  call @printMemrefI64(%i1) : (tensor<*xi64>) -> ()
  return
}
