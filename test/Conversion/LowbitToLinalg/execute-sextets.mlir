// RUN: %execute | FileCheck %s

!pm1 = !lowbit.levels<-1, 1>

func.func private @printMemrefI32(tensor<*xi32>)

func.func @main() {
  // Five rows of twenty elements in a panel of 32: rows 0 to 4 have the bytes 0, 4,
  // 8, 12 and 1 of a step. Three bytes hold six elements each in their low bits and
  // two of the last six in their high ones; then follow the sums of the codes, four
  // bytes for each row in order.
  // CHECK: data =
  // CHECK-NEXT: [5, 63, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]
  // CHECK-NEXT: [32, 0, 0, 0, 63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  // CHECK-NEXT: [1, 0, 0, 0, 63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  // CHECK-NEXT: [4, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0]
  %w = lowbit.constant dense<[
    [1, -1, 1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, -1, -1, -1, -1, -1, -1, -1],
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1],
    [-1, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1],
    [1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]]> : tensor<5x20xi8> -> tensor<5x20x!pm1>
  %ew = tensor.empty() : tensor<1x7x32xi8>
  %sextets = lowbit.pack ins(%w : tensor<5x20x!pm1>) outs(%ew : tensor<1x7x32xi8>) {packing = #lowbit.packing<<-1, 1>, sextets, lanes = 32>} -> tensor<1x7x32xi8>
  %some = tensor.extract_slice %sextets[0, 0, 0] [1, 4, 20] [1, 1, 1] : tensor<1x7x32xi8> to tensor<4x20xi8>
  %e0 = tensor.empty() : tensor<4x20xi32>
  %wide = linalg.map ins(%some : tensor<4x20xi8>) outs(%e0 : tensor<4x20xi32>)
    (%in: i8, %out: i32) {
      %x = arith.extui %in : i8 to i32
      linalg.yield %x : i32
    }
  %u0 = tensor.cast %wide : tensor<4x20xi32> to tensor<*xi32>

  // Products with the rows above: what a row has where the left side is 1, less
  // the rest.
  // CHECK: data =
  // CHECK-NEXT: [-12, 20, -20, -18, -8]
  // CHECK-NEXT: [2, 2, -2, -4, -2]
  %a = lowbit.constant dense<[
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    [1, -1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, 1, -1, 1, -1, 1, 1, -1, 1]]> : tensor<2x20xi8> -> tensor<2x20x!pm1>
  %ea = tensor.empty() : tensor<2x2xi64>
  %rows = lowbit.pack ins(%a : tensor<2x20x!pm1>) outs(%ea : tensor<2x2xi64>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<2x2xi64>
  %ep = tensor.empty() : tensor<2x5xi32>
  %product = lowbit.packed_matmul ins(%rows, %sextets : tensor<2x2xi64>, tensor<1x7x32xi8>) outs(%ep : tensor<2x5xi32>)
         attributes {kernel = "portable", size = 20 : i64, columns = 5 : i64,
           lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, sextets, lanes = 32>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<2x5xi32>
  %u1 = tensor.cast %product : tensor<2x5xi32> to tensor<*xi32>
  // Called functions may write what they get, so the prints come last.
  call @printMemrefI32(%u0) : (tensor<*xi32>) -> ()
  call @printMemrefI32(%u1) : (tensor<*xi32>) -> ()
  return
}
