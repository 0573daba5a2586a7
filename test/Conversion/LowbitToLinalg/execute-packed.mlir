// RUN: %execute | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)

// Operands as words: a = 1 0 -1, 1 1 1 (codes 2 1 0, 2 2 2; planes 2 1 and 0 7),
// w = + - +, - - - (codes 1 0 1, 0 0 0). Products: 0 0 and 1 -3.
func.func @product(%lhs: tensor<2x3xi64>, %rhs: tensor<1x2x2xi64>, %bias: tensor<2xf32>, %token: tensor<2x1xf32>,
                   %n: index) -> tensor<2x?xf32> {
  %e = tensor.empty(%n) : tensor<2x?xf32>
  %k = arith.constant 3 : index
  %0 = lowbit.packed_matmul ins(%lhs, %rhs : tensor<2x3xi64>, tensor<1x2x2xi64>)
         epilogue(%bias, %token : tensor<2xf32>, tensor<2x1xf32>) size %k columns %n outs(%e : tensor<2x?xf32>)
         attributes {kernel = "portable", size = -1 : i64, columns = -1 : i64,
           lhs_packing = #lowbit.packing<<-1, 0, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 2>} {
    ^bb0(%acc: i32, %b: f32, %t: f32):
      %f = arith.sitofp %acc : i32 to f32
      %s = arith.mulf %f, %t : f32
      %r = arith.addf %s, %b : f32
      lowbit.yield %r : f32
  } -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

func.func @main() {
  // 0 + 10, 0 + 20 and 1 * 2 + 10, -3 * 2 + 20.
  // CHECK: data =
  // CHECK-NEXT: [10, 20]
  // CHECK-NEXT: [12, 14]
  %lhs = arith.constant dense<[[2, 1, 12884901891], [0, 7, 8589934598]]> : tensor<2x3xi64>
  %rhs = arith.constant dense<[[[5, 0], [4294967298, 0]]]> : tensor<1x2x2xi64>
  %bias = arith.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %token = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %n = arith.constant 2 : index
  %0 = call @product(%lhs, %rhs, %bias, %token, %n) : (tensor<2x3xi64>, tensor<1x2x2xi64>, tensor<2xf32>, tensor<2x1xf32>, index) -> tensor<2x?xf32>
  %u0 = tensor.cast %0 : tensor<2x?xf32> to tensor<*xf32>
  call @printMemrefF32(%u0) : (tensor<*xf32>) -> ()

  // A float left side of a batch and bytes: rows + - and - - in bits 0 and 1 of
  // the steps 1 and 0; 0.5 * 1 - 2, -(0.5 + 2).
  // CHECK: data =
  // CHECK-NEXT: [-1.5, -2.5]
  %x = arith.constant dense<[[[0.5, 2.0]]]> : tensor<1x1x2xf32>
  %bits = arith.constant dense<[[[1], [0]]]> : tensor<1x2x1xi8>
  %ef = tensor.empty() : tensor<1x1x2xf32>
  %1 = lowbit.packed_matmul ins(%x, %bits : tensor<1x1x2xf32>, tensor<1x2x1xi8>) outs(%ef : tensor<1x1x2xf32>)
         attributes {kernel = "portable", size = 2 : i64, columns = 2 : i64, rhs_packing = #lowbit.packing<<-1, 1>, lanes, lanes = 8>} {
    ^bb0(%acc: f32):
      lowbit.yield %acc : f32
  } -> tensor<1x1x2xf32>
  %c1 = tensor.collapse_shape %1 [[0, 1], [2]] : tensor<1x1x2xf32> into tensor<1x2xf32>
  %u1 = tensor.cast %c1 : tensor<1x2xf32> to tensor<*xf32>
  call @printMemrefF32(%u1) : (tensor<*xf32>) -> ()

  // Rows 1 and 0 of a table of two rows, + - + and - - -.
  // CHECK: data =
  // CHECK-NEXT: [-0.5, -0.5, -0.5]
  // CHECK-NEXT: [0.5, -0.5, 0.5]
  // CHECK: data =
  // CHECK-NEXT: [0, 0, -0.5]
  // CHECK-NEXT: [0.5, -0.5, 0]
  %table = arith.constant dense<[[0xA0], [0]]> : tensor<2x1xi8>
  %ids = arith.constant dense<[1, 0]> : tensor<2xi32>
  %scale = arith.constant dense<0.5> : tensor<f32>
  %el = tensor.empty() : tensor<2x3xf32>
  %2 = lowbit.packed_lookup ins(%table, %ids, %scale : tensor<2x1xi8>, tensor<2xi32>, tensor<f32>) outs(%el : tensor<2x3xf32>)
         {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<2x3xf32>
  %u2 = tensor.cast %2 : tensor<2x3xf32> to tensor<*xf32>
  // Zeros are where the list says so, whatever the bytes say.
  %zeros = arith.constant dense<[[0, 2], [1, 0], [1, 1]]> : tensor<3x2xi32>
  %3 = lowbit.packed_lookup ins(%table, %ids, %scale : tensor<2x1xi8>, tensor<2xi32>, tensor<f32>)
         zeros(%zeros : tensor<3x2xi32>) outs(%el : tensor<2x3xf32>)
         {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<2x3xf32>
  %u3 = tensor.cast %3 : tensor<2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%u2) : (tensor<*xf32>) -> ()
  call @printMemrefF32(%u3) : (tensor<*xf32>) -> ()
  return
}
