// RUN: %execute | FileCheck %s

!seven = !lowbit.levels<-3, -2, -1, 0, 1, 2, 3>
!tern = !lowbit.levels<-1, 0, 1>

func.func private @printMemrefI32(tensor<*xi32>)

func.func @main() {
  // Codes 0 3 5 4 6 and 6 6 2 3 1, four to a word, and their sums.
  // CHECK: data =
  // CHECK-NEXT: [67437312, 6, 18]
  // CHECK-NEXT: [50464262, 1, 18]
  %a = lowbit.constant dense<[[-3, 0, 2, 1, 3], [3, 3, -1, 0, -2]]> : tensor<2x5xi8> -> tensor<2x5x!seven>
  %ea = tensor.empty() : tensor<2x3xi32>
  %bytes = lowbit.pack ins(%a : tensor<2x5x!seven>) outs(%ea : tensor<2x3xi32>) {packing = #lowbit.packing<<-3, -2, -1, 0, 1, 2, 3>, bytes>} -> tensor<2x3xi32>
  %u0 = tensor.cast %bytes : tensor<2x3xi32> to tensor<*xi32>

  // Codes 0 1 2 2 2, 1 1 0 2 1 and 2 0 0 1 2 of two bits: the fifth shares a
  // byte with the first. Panels of two rows, the fourth lane has no row.
  // CHECK: data =
  // CHECK-NEXT: [33685768, 33554693]
  // CHECK-NEXT: [7, 5]
  // CHECK-NEXT: [16777226, 0]
  // CHECK-NEXT: [5, 0]
  %w = lowbit.constant dense<[[-1, 0, 1, 1, 1], [0, 0, -1, 1, 0], [1, -1, -1, 0, 1]]> : tensor<3x5xi8> -> tensor<3x5x!tern>
  %ew = tensor.empty() : tensor<2x2x2xi32>
  %quads = lowbit.pack ins(%w : tensor<3x5x!tern>) outs(%ew : tensor<2x2x2xi32>) {packing = #lowbit.packing<<-1, 0, 1>, quads, lanes = 2>} -> tensor<2x2x2xi32>
  %c1 = tensor.collapse_shape %quads [[0, 1], [2]] : tensor<2x2x2xi32> into tensor<4x2xi32>
  %u1 = tensor.cast %c1 : tensor<4x2xi32> to tensor<*xi32>

  // CHECK: data =
  // CHECK-NEXT: [9, -1, -2]
  // CHECK-NEXT: [-6, 1, -1]
  %ep = tensor.empty() : tensor<2x3xi32>
  %product = lowbit.packed_matmul ins(%bytes, %quads : tensor<2x3xi32>, tensor<2x2x2xi32>) outs(%ep : tensor<2x3xi32>)
         attributes {kernel = "portable", size = 5 : i64, columns = 3 : i64,
           lhs_packing = #lowbit.packing<<-3, -2, -1, 0, 1, 2, 3>, bytes>, rhs_packing = #lowbit.packing<<-1, 0, 1>, quads, lanes = 2>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<2x3xi32>
  %u2 = tensor.cast %product : tensor<2x3xi32> to tensor<*xi32>
  // Called functions may write what they get, so the prints come last.
  call @printMemrefI32(%u0) : (tensor<*xi32>) -> ()
  call @printMemrefI32(%u1) : (tensor<*xi32>) -> ()
  call @printMemrefI32(%u2) : (tensor<*xi32>) -> ()
  return
}
