// RUN: %execute | FileCheck %s

!tern = !lowbit.levels<-1, 0, 1>
!pm1 = !lowbit.levels<-1, 1>
!u8 = !lowbit.levels<0, 255>

func.func private @printMemrefF32(tensor<*xf32>)
func.func private @printMemrefI32(tensor<*xi32>)

func.func @main() {
  %a = lowbit.constant dense<[[[1, 0, -1], [1, 1, 1]], [[-1, -1, 0], [0, 0, 1]]]> : tensor<2x2x3xi8> -> tensor<2x2x3x!tern>
  %w = lowbit.constant dense<[[1, -1, 1], [-1, -1, -1]]> : tensor<2x3xi8> -> tensor<2x3x!pm1>
  %e = tensor.empty() : tensor<2x2x2xi32>

  // One matrix for the whole batch, transposed: a times its rows.
  // CHECK: data =
  // CHECK-NEXT: [0, 0]
  // CHECK-NEXT: [1, -3]
  // CHECK-NEXT: [0, 2]
  // CHECK-NEXT: [1, -1]
  %0 = lowbit.matmul ins(%a, %w : tensor<2x2x3x!tern>, tensor<2x3x!pm1>) outs(%e : tensor<2x2x2xi32>) {transpose_rhs} -> tensor<2x2x2xi32>
  %c0 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<2x2x2xi32> into tensor<4x2xi32>
  %u0 = tensor.cast %c0 : tensor<4x2xi32> to tensor<*xi32>
  call @printMemrefI32(%u0) : (tensor<*xi32>) -> ()

  // A matrix for each batch, not transposed: a[b] times a[b] transposed.
  // CHECK: data =
  // CHECK-NEXT: [2, 0]
  // CHECK-NEXT: [0, 3]
  // CHECK-NEXT: [2, 0]
  // CHECK-NEXT: [0, 1]
  %et = tensor.empty() : tensor<2x3x2x!tern>
  %at = linalg.transpose ins(%a : tensor<2x2x3x!tern>) outs(%et : tensor<2x3x2x!tern>) permutation = [0, 2, 1]
  %1 = lowbit.matmul ins(%a, %at : tensor<2x2x3x!tern>, tensor<2x3x2x!tern>) outs(%e : tensor<2x2x2xi32>) -> tensor<2x2x2xi32>
  %c1 = tensor.collapse_shape %1 [[0, 1], [2]] : tensor<2x2x2xi32> into tensor<4x2xi32>
  %u1 = tensor.cast %c1 : tensor<4x2xi32> to tensor<*xi32>
  call @printMemrefI32(%u1) : (tensor<*xi32>) -> ()

  // Unsigned levels: 255 * 255 + 0 * 255 = 65025.
  // CHECK: data =
  // CHECK-NEXT: [65025]
  %p = lowbit.constant dense<[[-1, 0]]> : tensor<1x2xi8> -> tensor<1x2x!u8>
  %q = lowbit.constant dense<[[-1], [-1]]> : tensor<2x1xi8> -> tensor<2x1x!u8>
  %e1 = tensor.empty() : tensor<1x1xi32>
  %2 = lowbit.matmul ins(%p, %q : tensor<1x2x!u8>, tensor<2x1x!u8>) outs(%e1 : tensor<1x1xi32>) -> tensor<1x1xi32>
  %u2 = tensor.cast %2 : tensor<1x1xi32> to tensor<*xi32>
  call @printMemrefI32(%u2) : (tensor<*xi32>) -> ()

  // A float left side: 0.5 - 2 + 8 and -(0.5 + 2 + 8).
  // CHECK: data =
  // CHECK-NEXT: [6.5, -10.5]
  %x = arith.constant dense<[[0.5, 2.0, 8.0]]> : tensor<1x3xf32>
  %ef = tensor.empty() : tensor<1x2xf32>
  %3 = lowbit.matmul ins(%x, %w : tensor<1x3xf32>, tensor<2x3x!pm1>) outs(%ef : tensor<1x2xf32>) {transpose_rhs} -> tensor<1x2xf32>
  %u3 = tensor.cast %3 : tensor<1x2xf32> to tensor<*xf32>
  call @printMemrefF32(%u3) : (tensor<*xf32>) -> ()

  // CHECK: data =
  // CHECK-NEXT: [1, -3]
  // CHECK: data =
  // CHECK-NEXT: [0, -2, 0]
  %s0 = tensor.empty() : tensor<2xi32>
  %4 = lowbit.level_sum ins(%w : tensor<2x3x!pm1>) outs(%s0 : tensor<2xi32>) {axis = 1 : i64} -> tensor<2xi32>
  %u4 = tensor.cast %4 : tensor<2xi32> to tensor<*xi32>
  call @printMemrefI32(%u4) : (tensor<*xi32>) -> ()
  %s1 = tensor.empty() : tensor<3xi32>
  %5 = lowbit.level_sum ins(%w : tensor<2x3x!pm1>) outs(%s1 : tensor<3xi32>) {axis = 0 : i64} -> tensor<3xi32>
  %u5 = tensor.cast %5 : tensor<3xi32> to tensor<*xi32>
  call @printMemrefI32(%u5) : (tensor<*xi32>) -> ()

  // Rows 1, 0, 1 of the table, each times its scale.
  // CHECK: data =
  // CHECK-NEXT: [-0.5, -0.5, -0.5]
  // CHECK-NEXT: [2, -2, 2]
  // CHECK-NEXT: [-0.5, -0.5, -0.5]
  %ids = arith.constant dense<[1, 0, 1]> : tensor<3xi64>
  %scale = arith.constant dense<[2.0, 0.5]> : tensor<2xf32>
  %el = tensor.empty() : tensor<3x3xf32>
  %6 = lowbit.lookup ins(%w, %ids, %scale : tensor<2x3x!pm1>, tensor<3xi64>, tensor<2xf32>) outs(%el : tensor<3x3xf32>) -> tensor<3x3xf32>
  %u6 = tensor.cast %6 : tensor<3x3xf32> to tensor<*xf32>
  call @printMemrefF32(%u6) : (tensor<*xf32>) -> ()
  return
}
