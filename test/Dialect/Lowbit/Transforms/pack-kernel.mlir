// RUN: lowbit-opt %s --lowbit-pack=kernel=x86-ssse3-lookup --split-input-file --verify-diagnostics -mlir-print-op-on-diagnostic=false | FileCheck %s

!signs = !lowbit.levels<-1, 1>

// The kernel is taken where it applies; elsewhere a remark says why not.
module attributes {lowbit.target = "x86-64-v2"} {
  // CHECK-LABEL: func @one_of_three
  // CHECK: lowbit.packed_matmul {{.*}}kernel = "x86-ssse3-lookup"
  // CHECK: lowbit.packed_matmul {{.*}}kernel = "generic-popcount"
  // CHECK: lowbit.matmul
  func.func @one_of_three(%a: tensor<4x96x!signs>, %b: tensor<8x96x!signs>, %x: tensor<4x96xf32>) -> (tensor<4x8xi32>, tensor<4x8xi32>, tensor<4x8xf32>) {
    %w = lowbit.constant dense<1> : tensor<8x96xi8> -> tensor<8x96x!signs>
    %i = tensor.empty() : tensor<4x8xi32>
    %f = tensor.empty() : tensor<4x8xf32>
    %0 = lowbit.matmul ins(%a, %w : tensor<4x96x!signs>, tensor<8x96x!signs>) outs(%i : tensor<4x8xi32>) {transpose_rhs} -> tensor<4x8xi32>
    // expected-remark @below {{kernel 'x86-ssse3-lookup' does not apply: the right side is not constant; 'generic-popcount' takes its place}}
    %1 = lowbit.matmul ins(%a, %b : tensor<4x96x!signs>, tensor<8x96x!signs>) outs(%i : tensor<4x8xi32>) {transpose_rhs} -> tensor<4x8xi32>
    // expected-remark @below {{kernel 'x86-ssse3-lookup' does not apply: the left side is float; no kernel does}}
    %2 = lowbit.matmul ins(%x, %b : tensor<4x96xf32>, tensor<8x96x!signs>) outs(%f : tensor<4x8xf32>) {transpose_rhs} -> tensor<4x8xf32>
    return %0, %1, %2 : tensor<4x8xi32>, tensor<4x8xi32>, tensor<4x8xf32>
  }
}

// -----

!signs = !lowbit.levels<-1, 1>

// expected-warning @below {{kernel 'x86-ssse3-lookup' applies to no matmul}}
module {
  // CHECK-LABEL: func @nowhere
  // CHECK: lowbit.packed_matmul {{.*}}kernel = "generic-popcount"
  func.func @nowhere(%a: tensor<4x96x!signs>) -> tensor<4x8xi32> {
    %w = lowbit.constant dense<1> : tensor<8x96xi8> -> tensor<8x96x!signs>
    %i = tensor.empty() : tensor<4x8xi32>
    // expected-remark @below {{does not apply: the target lacks ssse3}}
    %0 = lowbit.matmul ins(%a, %w : tensor<4x96x!signs>, tensor<8x96x!signs>) outs(%i : tensor<4x8xi32>) {transpose_rhs} -> tensor<4x8xi32>
    return %0 : tensor<4x8xi32>
  }
}
