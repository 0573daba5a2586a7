// RUN: %execute | FileCheck %s

!pm1 = !lowbit.levels<-1, 1>
!tern = !lowbit.levels<-1, 0, 1>

func.func private @printMemrefI64(tensor<*xi64>)
func.func private @printMemrefF32(tensor<*xf32>)

func.func @main() {
  // Codes of the rows: 1 0 1, 0 0 1, 1 1 1; one plane, one word, the sum and the
  // mask 1 (2^32) of planes that are not empty.
  %q = lowbit.constant dense<[[1, -1, 1], [-1, -1, 1], [1, 1, 1]]> : tensor<3x3xi8> -> tensor<3x3x!pm1>

  // CHECK: data =
  // CHECK-NEXT: [5, 4294967298]
  // CHECK-NEXT: [4, 4294967297]
  // CHECK-NEXT: [7, 4294967299]
  %er = tensor.empty() : tensor<3x2xi64>
  %rows = lowbit.pack ins(%q : tensor<3x3x!pm1>) outs(%er : tensor<3x2xi64>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<3x2xi64>
  %u0 = tensor.cast %rows : tensor<3x2xi64> to tensor<*xi64>
  call @printMemrefI64(%u0) : (tensor<*xi64>) -> ()

  // Panels of two rows of the transpose: columns 1 0 1, 0 0 1, 1 1 1; the fourth
  // lane has no row.
  // CHECK: data =
  // CHECK-NEXT: [5, 4]
  // CHECK-NEXT: [4294967298, 4294967297]
  // CHECK-NEXT: [7, 0]
  // CHECK-NEXT: [4294967299, 0]
  %ep = tensor.empty() : tensor<2x2x2xi64>
  %panels = lowbit.pack ins(%q : tensor<3x3x!pm1>) outs(%ep : tensor<2x2x2xi64>) {packing = #lowbit.packing<<-1, 1>, panels, lanes = 2>, transpose} -> tensor<2x2x2xi64>
  %c1 = tensor.collapse_shape %panels [[0, 1], [2]] : tensor<2x2x2xi64> into tensor<4x2xi64>
  %u1 = tensor.cast %c1 : tensor<4x2xi64> to tensor<*xi64>
  call @printMemrefI64(%u1) : (tensor<*xi64>) -> ()

  // Bytes of eight rows for each element and plane. Codes of the ternary rows:
  // 2 1, 0 1, 1 2; planes of the first element: 0 0 1, 1 0 0, of the second
  // 1 1 0, 0 0 1, the first row being bit 0.
  // CHECK: data =
  // CHECK-NEXT: [4, 1, 3, 4]
  %t = lowbit.constant dense<[[1, 0], [-1, 0], [0, 1]]> : tensor<3x2xi8> -> tensor<3x2x!tern>
  %el = tensor.empty() : tensor<1x4x1xi8>
  %lanes = lowbit.pack ins(%t : tensor<3x2x!tern>) outs(%el : tensor<1x4x1xi8>) {packing = #lowbit.packing<<-1, 0, 1>, lanes, lanes = 8>} -> tensor<1x4x1xi8>
  %c2 = tensor.collapse_shape %lanes [[0, 1, 2]] : tensor<1x4x1xi8> into tensor<4xi8>
  %e4 = tensor.empty() : tensor<4xi64>
  %wide = linalg.map ins(%c2 : tensor<4xi8>) outs(%e4 : tensor<4xi64>)
    (%in: i8, %out: i64) {
      %x = arith.extui %in : i8 to i64
      linalg.yield %x : i64
    }
  %u2 = tensor.cast %wide : tensor<4xi64> to tensor<*xi64>
  call @printMemrefI64(%u2) : (tensor<*xi64>) -> ()

  // Two planes and two words: 66 elements, code 2 (bit 1 of the second plane), then
  // code 1 in element 65; the sum of codes is 2 + 1 + 64 zeros, the mask 3.
  // CHECK: data =
  // CHECK-NEXT: [0, 2, 2, 0, 12884901891]
  %one = arith.constant dense<1.0> : tensor<f32>
  %m = arith.constant dense<-1.0> : tensor<1x66xf32>
  %c = arith.constant dense<1.0> : tensor<1x1xf32>
  %z = arith.constant dense<0.0> : tensor<1x1xf32>
  %m1 = tensor.insert_slice %c into %m[0, 1] [1, 1] [1, 1] : tensor<1x1xf32> into tensor<1x66xf32>
  %m2 = tensor.insert_slice %z into %m1[0, 65] [1, 1] [1, 1] : tensor<1x1xf32> into tensor<1x66xf32>
  %e5 = tensor.empty() : tensor<1x5xi64>
  %w = lowbit.quantize_pack ins(%m2, scale %one : tensor<1x66xf32>, tensor<f32>) outs(%e5 : tensor<1x5xi64>)
         {packing = #lowbit.packing<<-1, 0, 1>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<1x5xi64>
  %u3 = tensor.cast %w : tensor<1x5xi64> to tensor<*xi64>
  call @printMemrefI64(%u3) : (tensor<*xi64>) -> ()

  // The logical operand is the input with its dimensions permuted: [2, 3] packed
  // along its first dimension. Signs + -, - +, + +: codes 1 0, 0 1, 1 1.
  // CHECK: data =
  // CHECK-NEXT: [1, 4294967297]
  // CHECK-NEXT: [2, 4294967297]
  // CHECK-NEXT: [3, 4294967298]
  %signs = arith.constant dense<[[1.0, -1.0, 0.5], [-1.0, 1.0, 0.5]]> : tensor<2x3xf32>
  %p = lowbit.quantize_pack ins(%signs : tensor<2x3xf32>) outs(%er : tensor<3x2xi64>)
         {packing = #lowbit.packing<<-1, 1>, rows>, rounding = #lowbit.rounding<step>, permutation = array<i64: 1, 0>} -> tensor<3x2xi64>
  %eu = tensor.empty() : tensor<3x2x!pm1>
  %ef = tensor.empty() : tensor<3x2xf32>
  %back = lowbit.unpack ins(%p : tensor<3x2xi64>) outs(%eu : tensor<3x2x!pm1>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<3x2x!pm1>
  %f = lowbit.dequantize ins(%back, scale %one : tensor<3x2x!pm1>, tensor<f32>) outs(%ef : tensor<3x2xf32>) -> tensor<3x2xf32>
  %u4 = tensor.cast %p : tensor<3x2xi64> to tensor<*xi64>
  call @printMemrefI64(%u4) : (tensor<*xi64>) -> ()

  // CHECK: data =
  // CHECK-NEXT: [1, -1]
  // CHECK-NEXT: [-1, 1]
  // CHECK-NEXT: [1, 1]
  %u5 = tensor.cast %f : tensor<3x2xf32> to tensor<*xf32>
  call @printMemrefF32(%u5) : (tensor<*xf32>) -> ()
  return
}
