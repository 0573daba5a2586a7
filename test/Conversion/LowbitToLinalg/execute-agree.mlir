// Packing, on the compiler's side for constants and as `lowbit.quantize_pack` for
// what is quantized, and unpacking by the layouts' definition change no result.
//
// RUN: %execute | grep -v base > %t.levels
// RUN: %execute-packed | grep -v base > %t.packed
// RUN: diff %t.levels %t.packed
// RUN: FileCheck %s < %t.levels

!pm1 = !lowbit.levels<-1, 1>
!tern = !lowbit.levels<-1, 0, 1>
!bits2 = !lowbit.levels<-2, -1, 0, 1>

func.func private @printMemrefI32(tensor<*xi32>)
func.func private @printMemrefF32(tensor<*xf32>)

// Numbers from -3 to 3 that repeat at no power of two.
func.func @numbers() -> tensor<2x3x70xf32> {
  %e = tensor.empty() : tensor<2x3x70xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, m, k) -> (b, m, k)>], iterator_types = ["parallel", "parallel", "parallel"]}
         outs(%e : tensor<2x3x70xf32>) {
    ^bb0(%out: f32):
      %b = linalg.index 0 : index
      %m = linalg.index 1 : index
      %k = linalg.index 2 : index
      %i = affine.apply affine_map<(b, m, k) -> ((b * 5 + m * 37 + k * 11 + k floordiv 7) mod 7 - 3)>(%b, %m, %k)
      %j = arith.index_cast %i : index to i64
      %f = arith.sitofp %j : i64 to f32
      linalg.yield %f : f32
  } -> tensor<2x3x70xf32>
  return %0 : tensor<2x3x70xf32>
}

func.func @main() {
  %x = call @numbers() : () -> tensor<2x3x70xf32>
  %two = arith.constant dense<2.0> : tensor<f32>
  %w = lowbit.constant dense<"0x01FF01FFFFFF01FFFFFFFF0101FFFFFF01FFFFFFFF01FFFFFFFF0101FFFF01FFFFFF01FFFFFFFF01010101010101FFFFFFFF0101010101FFFF01FF01FF0101FFFF0101010101FFFF0101FFFF0101010101FF0101FFFF01FFFF01FFFF010101FFFF010101FF0101010101FFFFFFFFFFFFFFFF01FF0101FFFF010101FFFF0101010101FF0101FFFFFFFF01FFFF01FFFFFFFFFF01FFFFFF01FF01010101FFFF0101010101FFFFFF010101FFFFFF01FFFF01FF0101FF01FF01FFFFFF01FFFF0101FFFF010101FF01010101FFFFFFFF01FF01FF01FF0101FFFF01FF01FF0101FF010101FFFFFFFFFFFF01FF0101FFFFFFFFFFFF01FFFFFF01FF01FF010101FFFF010101FFFFFF01FFFFFFFFFF01FFFF0101FFFFFFFF01FFFF01FFFF0101FF010101FF01FF01FF01FF010101FFFF01FFFF01FFFF01FF01FF01FFFF0101FFFFFF01010101FF0101FF01FF010101FF010101FFFFFFFFFF0101FFFF01FF010101FF0101FF01FFFF01FF01FFFF01FFFFFF01FF01FF010101FFFFFFFFFF01FFFFFF0101FF0101FF0101FF01FFFFFFFF01FF01FF01010101FFFF01FFFF0101FFFFFFFF0101FFFFFF0101FF01FF01FFFF0101FF01010101FFFF01FF01FFFF0101FF0101FFFFFFFF01FFFF01FF01FF0101FFFFFF010101FF01FFFF01FFFFFFFFFFFFFF01FF0101FFFFFF0101FF01FFFFFF0101FF01FFFFFF010101FF0101FFFFFFFF010101FFFF01FF0101FFFF010101010101FFFF01FF01FF0101FF010101FFFFFFFFFF0101FF01FF01FF010101FFFFFF01010101FF01010101FF01FF010101FFFFFF010101FF0101FF010101FF01FFFF01FFFF010101FF0101FF01FFFFFF0101FF0101FFFFFF0101010101010101FF010101FFFFFFFFFF01FF010101"> : tensor<9x70xi8> -> tensor<9x70x!pm1>
  %v = lowbit.constant dense<"0x00FF01FFFFFFFF0001FF00FF000001FFFF010000000101FF000000FF00000100FF01010101FFFF00FF000001000000FFFFFF0001000100FFFF00010000FFFFFFFFFF0101FF01010100FF01FFFFFFFF01FF010100FF010001010001FFFFFF000101FF0000FF01FFFF010000000001FF0001FF01FFFF00010100FFFFFF00010100FF00FF010000FF00FF01000100000100FFFF000101FFFF00FF00FFFF00FF0000FF010001FFFF000001FF01FF00FFFFFF01FF00FF01FFFF0000010001FFFFFF00FFFF01010100FF00010100000000FFFFFFFF00FF0000FF01FF00000000FFFF0100FF000100FF00000100FF0100FF0100FF00FF00FFFF00FF01FF010000000001FF00010101000000FF010101FFFFFFFF00010000000000FF00FFFF010001FF01FF0000000001FF01FF00FFFF00FF01FF00010100FF00FFFF0001FFFFFF00000100FFFFFF00000101FF010101FF000000010000000100FF00FFFFFFFFFF0001FF00FF0000FF0101FF01FF0100FFFFFF00FF0000FF00FFFFFFFF0101FFFF0001FF00010001FFFF0101010100FFFF0000FFFFFF00FF010101FFFF00000100FF0100FFFFFF000100FF00FF000101FF0101FF01FF0001000000010000FF000101000000FF0001FF000100FFFF00FF00FFFF00010000FFFFFFFF01FF0100FF0101000101FFFF0000FF01FFFFFF0000FF00FFFF0000FF010100FF010101FF01FF010001FF00FF01FFFF0001FF0000FFFFFF01FFFF0101FF0100FF00010001010001000001FF00000100000100FFFFFF010000FF000100FF0000FFFFFF000000FF00010101FFFF01FFFF01000101FFFF010001FFFFFF010101FFFFFF0000FF0101FFFF000100FF00010000FF000100FF01000101FF0000FFFFFF"> : tensor<70x9xi8> -> tensor<70x9x!tern>
  %it = tensor.empty() : tensor<2x3x70x!tern>
  %ib = tensor.empty() : tensor<2x3x70x!bits2>
  %ei = tensor.empty() : tensor<2x3x9xi32>
  %ef = tensor.empty() : tensor<2x3x9xf32>

  // CHECK: [{{-?[0-9]+, -?[0-9]+,}}
  %sign = lowbit.quantize ins(%x : tensor<2x3x70xf32>) outs(%it : tensor<2x3x70x!tern>) {rounding = #lowbit.rounding<sign>} -> tensor<2x3x70x!tern>
  %0 = lowbit.matmul ins(%sign, %w : tensor<2x3x70x!tern>, tensor<9x70x!pm1>) outs(%ei : tensor<2x3x9xi32>) {transpose_rhs} -> tensor<2x3x9xi32>
  %u0 = tensor.cast %0 : tensor<2x3x9xi32> to tensor<*xi32>
  call @printMemrefI32(%u0) : (tensor<*xi32>) -> ()

  // Two planes on both sides, the right one stored with K first.
  %even = lowbit.quantize ins(%x, scale %two : tensor<2x3x70xf32>, tensor<f32>) outs(%ib : tensor<2x3x70x!bits2>) {rounding = #lowbit.rounding<half_even>} -> tensor<2x3x70x!bits2>
  %1 = lowbit.matmul ins(%even, %v : tensor<2x3x70x!bits2>, tensor<70x9x!tern>) outs(%ei : tensor<2x3x9xi32>) -> tensor<2x3x9xi32>
  %u1 = tensor.cast %1 : tensor<2x3x9xi32> to tensor<*xi32>
  call @printMemrefI32(%u1) : (tensor<*xi32>) -> ()

  // Both sides quantized at run time, as in attention: x times its transpose.
  %et = tensor.empty() : tensor<2x70x3x!tern>
  %es = tensor.empty() : tensor<2x3x3xi32>
  %t = linalg.transpose ins(%sign : tensor<2x3x70x!tern>) outs(%et : tensor<2x70x3x!tern>) permutation = [0, 2, 1]
  %2 = lowbit.matmul ins(%even, %t : tensor<2x3x70x!bits2>, tensor<2x70x3x!tern>) outs(%es : tensor<2x3x3xi32>) -> tensor<2x3x3xi32>
  %u2 = tensor.cast %2 : tensor<2x3x3xi32> to tensor<*xi32>
  call @printMemrefI32(%u2) : (tensor<*xi32>) -> ()

  // Levels above 127, stored unsigned.
  %u8 = lowbit.constant dense<-1> : tensor<2x70xi8> -> tensor<2x70x!lowbit.levels<0, 255>>
  %eu = tensor.empty() : tensor<2x3x2xi32>
  %5 = lowbit.matmul ins(%sign, %u8 : tensor<2x3x70x!tern>, tensor<2x70x!lowbit.levels<0, 255>>) outs(%eu : tensor<2x3x2xi32>) {transpose_rhs} -> tensor<2x3x2xi32>
  %u5 = tensor.cast %5 : tensor<2x3x2xi32> to tensor<*xi32>
  call @printMemrefI32(%u5) : (tensor<*xi32>) -> ()

  // A float left side.
  %3 = lowbit.matmul ins(%x, %v : tensor<2x3x70xf32>, tensor<70x9x!tern>) outs(%ef : tensor<2x3x9xf32>) -> tensor<2x3x9xf32>
  %u3 = tensor.cast %3 : tensor<2x3x9xf32> to tensor<*xf32>
  call @printMemrefF32(%u3) : (tensor<*xf32>) -> ()

  %ids = arith.constant dense<[8, 0, 3]> : tensor<3xi64>
  %el = tensor.empty() : tensor<3x70xf32>
  %4 = lowbit.lookup ins(%w, %ids, %two : tensor<9x70x!pm1>, tensor<3xi64>, tensor<f32>) outs(%el : tensor<3x70xf32>) -> tensor<3x70xf32>
  %u4 = tensor.cast %4 : tensor<3x70xf32> to tensor<*xf32>
  call @printMemrefF32(%u4) : (tensor<*xf32>) -> ()
  return
}
