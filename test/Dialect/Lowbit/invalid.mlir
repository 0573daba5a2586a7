// RUN: lowbit-opt %s --split-input-file --verify-diagnostics
//
// One case for each diagnostic; the constraints are numbered in the descriptions
// of the operations.

// expected-error @below {{expected 1 to 256 levels, got 257}}
func.func private @f(!lowbit.levels<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 174, 175, 176, 177, 178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215, 216, 217, 218, 219, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256>)

// -----

// expected-error @below {{expected levels between -128 and 127 or between 0 and 255, got -1 to 128}}
func.func private @f(!lowbit.levels<-1, 128>)

// -----

// expected-error @below {{expected ascending levels, got 0 after 0}}
func.func private @f(!lowbit.levels<0, 0, 1>)

// -----

// expected-error @below {{expected levels with one common distance, got 1 and 2}}
func.func private @f(!lowbit.levels<-1, 0, 2>)

// -----

// expected-error @below {{expected at least 1 lane in the order panels, got 0}}
func.func private @f() attributes {p = #lowbit.packing<<-1, 1>, panels, lanes = 0>}

// -----

// expected-error @below {{expected 1 lane in the order rows, got 8}}
func.func private @f() attributes {p = #lowbit.packing<<-1, 1>, rows, lanes = 8>}

// -----

// expected-error @below {{expected a multiple of 8 lanes in the order lanes, got 4}}
func.func private @f() attributes {p = #lowbit.packing<<-1, 1>, lanes, lanes = 4>}

// -----

// expected-error @below {{expected one plane and a multiple of 32 lanes in the order sextets, got 2 and 32}}
func.func private @f() attributes {p = #lowbit.packing<<0, 1, 2>, sextets, lanes = 32>}

// -----

// expected-error @below {{expected bits to be 8 in the order quads, or none, got 4}}
func.func private @f() attributes {p = #lowbit.packing<<0, 1, 2>, quads, lanes = 32, bits = 4>}

// -----

// expected-error @below {{expected bits to be 8 in the order quads, or none, got 8}}
func.func private @f() attributes {p = #lowbit.packing<<0, 1, 2>, dwords, lanes = 32, bits = 8>}

// -----

// expected-error @below {{expected 'lanes', 'bits' or 'sums'}}
func.func private @f() attributes {p = #lowbit.packing<<0, 1, 2>, rows, planes = 2>}

// -----

// expected-error @below {{expected 'false' after 'sums ='}}
func.func private @f() attributes {p = #lowbit.packing<<0, 1, 2>, dwords, lanes = 32, sums = 3>}

// -----

// expected-error @below {{expected sums in the order panels; only rows and dwords can be without}}
func.func private @f() attributes {p = #lowbit.packing<<0, 1, 2>, panels, lanes = 32, sums = false>}

// -----

// expected-error @below {{expected 1 lane in the order digits, got 8}}
func.func private @f() attributes {p = #lowbit.packing<<0, 1, 2>, digits, lanes = 8>}

// -----

// constant (C1)
func.func @f() {
  // expected-error @below {{expected a value of i8, got one of 'i32'}}
  %0 = lowbit.constant dense<1> : tensor<2xi32> -> tensor<2x!lowbit.levels<-1, 1>>
  return
}

// -----

// constant (C2)
func.func @f() {
  // expected-error @below {{expected a value of shape [2], got [3]}}
  %0 = lowbit.constant dense<1> : tensor<3xi8> -> tensor<2x!lowbit.levels<-1, 1>>
  return
}

// -----

// constant (C3)
func.func @f() {
  // expected-error @below {{expected elements of '!lowbit.levels<-1, 1>', got 0}}
  %0 = lowbit.constant dense<[1, 0]> : tensor<2xi8> -> tensor<2x!lowbit.levels<-1, 1>>
  return
}

// -----

// constant, value
func.func @f() {
  // expected-error @below {{expected a dense or dense_resource value}}
  %0 = lowbit.constant sparse<0, 1> : tensor<2xi8> -> tensor<2x!lowbit.levels<-1, 1>>
  return
}

// -----

// constant (C4)
func.func @f() {
  // expected-error @below {{expected a resource of 2 bytes, got 3}}
  %0 = lowbit.constant dense_resource<three> : tensor<2xi8> -> tensor<2x!lowbit.levels<-1, 1>>
  return
}
{-#
  dialect_resources: {
    builtin: {
      three: "0x01000000FF01FF"
    }
  }
#-}

// -----

// quantize (C1)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x9x!lowbit.levels<-1, 0, 1>>) {
  // expected-error @below {{expected a destination of shape [4, 8], got [4, 9]}}
  %0 = lowbit.quantize ins(%x : tensor<4x8xf32>) outs(%i : tensor<4x9x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<4x9x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C2)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>) {
  // expected-error @below {{expected a scale with the rounding half_even}}
  %0 = lowbit.quantize ins(%x : tensor<4x8xf32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<half_even>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C2)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 1>>, %scale: tensor<f32>) {
  // expected-error @below {{expected consecutive levels with the rounding half_even, got '!lowbit.levels<-1, 1>'}}
  %0 = lowbit.quantize ins(%x, scale %scale : tensor<4x8xf32>, tensor<f32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 1>>) {rounding = #lowbit.rounding<half_even>} -> tensor<4x8x!lowbit.levels<-1, 1>>
  return
}

// -----

// quantize (C2)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>, %scale: tensor<f32>) {
  // expected-error @below {{expected no scale with the rounding sign}}
  %0 = lowbit.quantize ins(%x, scale %scale : tensor<4x8xf32>, tensor<f32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C2)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 1>>, %offset: tensor<f32>) {
  // expected-error @below {{expected no offset with the rounding step}}
  %0 = lowbit.quantize ins(%x, offset %offset : tensor<4x8xf32>, tensor<f32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 1>>) {rounding = #lowbit.rounding<step>} -> tensor<4x8x!lowbit.levels<-1, 1>>
  return
}

// -----

// quantize (C3)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<0, 1>>) {
  // expected-error @below {{expected the levels -1, 1 or -1, 0, 1 with the rounding sign, got '!lowbit.levels<0, 1>'}}
  %0 = lowbit.quantize ins(%x : tensor<4x8xf32>) outs(%i : tensor<4x8x!lowbit.levels<0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<4x8x!lowbit.levels<0, 1>>
  return
}

// -----

// quantize (C3)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>) {
  // expected-error @below {{expected the levels -1, 1 with the rounding step, got '!lowbit.levels<-1, 0, 1>'}}
  %0 = lowbit.quantize ins(%x : tensor<4x8xf32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<step>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C4)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>, %scale: tensor<4xf32>) {
  // expected-error @below {{expected the granularity tensor or token, got row}}
  %0 = lowbit.quantize ins(%x, scale %scale : tensor<4x8xf32>, tensor<4xf32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<half_even>, granularity = #lowbit.granularity<row>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C4)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>, %scale: tensor<1xf32>) {
  // expected-error @below {{expected a scale of shape [], got [1]}}
  %0 = lowbit.quantize ins(%x, scale %scale : tensor<4x8xf32>, tensor<1xf32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<half_even>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C4)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>, %scale: tensor<8xf32>) {
  // expected-error @below {{expected a scale of shape [4], got [8]}}
  %0 = lowbit.quantize ins(%x, scale %scale : tensor<4x8xf32>, tensor<8xf32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<half_even>, granularity = #lowbit.granularity<token>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C4)
func.func @f(%x: tensor<f32>, %i: tensor<!lowbit.levels<-1, 0, 1>>, %scale: tensor<f32>) {
  // expected-error @below {{expected rank 1 or more for a scale per token, got 0}}
  %0 = lowbit.quantize ins(%x, scale %scale : tensor<f32>, tensor<f32>) outs(%i : tensor<!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<half_even>, granularity = #lowbit.granularity<token>} -> tensor<!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C5)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>, %shift: tensor<4xf32>) {
  // expected-error @below {{expected a shift of shape [8], got [4]}}
  %0 = lowbit.quantize ins(%x, shift %shift : tensor<4x8xf32>, tensor<4xf32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C5)
func.func @f(%x: tensor<f32>, %i: tensor<!lowbit.levels<-1, 0, 1>>, %shift: tensor<1xf32>) {
  // expected-error @below {{expected rank 1 or more for a shift, got 0}}
  %0 = lowbit.quantize ins(%x, shift %shift : tensor<f32>, tensor<1xf32>) outs(%i : tensor<!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// quantize (C6)
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>, %scale: tensor<f32>, %offset: tensor<8xf32>) {
  // expected-error @below {{expected an offset of shape [], got [8]}}
  %0 = lowbit.quantize ins(%x, scale %scale, offset %offset : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<half_even>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// keywords of quantize
func.func @f(%x: tensor<4x8xf32>, %i: tensor<4x8x!lowbit.levels<-1, 0, 1>>) {
  // expected-error @below {{expected one of the keywords 'scale', 'shift', 'offset'}}
  %0 = lowbit.quantize ins(%x, bias %x : tensor<4x8xf32>, tensor<4x8xf32>) outs(%i : tensor<4x8x!lowbit.levels<-1, 0, 1>>) {rounding = #lowbit.rounding<sign>} -> tensor<4x8x!lowbit.levels<-1, 0, 1>>
  return
}

// -----

// dequantize (C1)
func.func @f(%x: tensor<4x8x!lowbit.levels<-1, 1>>, %s: tensor<f32>, %e: tensor<4xf32>) {
  // expected-error @below {{expected a destination of shape [4, 8], got [4]}}
  %0 = lowbit.dequantize ins(%x, scale %s : tensor<4x8x!lowbit.levels<-1, 1>>, tensor<f32>) outs(%e : tensor<4xf32>) {} -> tensor<4xf32>
  return
}

// -----

// dequantize (C2)
func.func @f(%x: tensor<4x8x!lowbit.levels<-1, 1>>, %s: tensor<8xf32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{expected a scale of shape [4], got [8]}}
  %0 = lowbit.dequantize ins(%x, scale %s : tensor<4x8x!lowbit.levels<-1, 1>>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {granularity = #lowbit.granularity<row>} -> tensor<4x8xf32>
  return
}

// -----

// dequantize (C2)
func.func @f(%x: tensor<8x!lowbit.levels<-1, 1>>, %s: tensor<8xf32>, %e: tensor<8xf32>) {
  // expected-error @below {{expected rank 2 or more for a scale per row, got 1}}
  %0 = lowbit.dequantize ins(%x, scale %s : tensor<8x!lowbit.levels<-1, 1>>, tensor<8xf32>) outs(%e : tensor<8xf32>) {granularity = #lowbit.granularity<row>} -> tensor<8xf32>
  return
}

// -----

// dequantize (C3)
func.func @f(%x: tensor<4x8x!lowbit.levels<-1, 1>>, %s: tensor<f32>, %e: tensor<4x8xf32>, %o: tensor<4xf32>) {
  // expected-error @below {{expected an offset of shape [], got [4]}}
  %0 = lowbit.dequantize ins(%x, scale %s, offset %o : tensor<4x8x!lowbit.levels<-1, 1>>, tensor<f32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {} -> tensor<4x8xf32>
  return
}

// -----

// threshold (C1)
func.func @f(%a0: tensor<4x8xi32>, %a1: tensor<8x1xi32>, %e: tensor<4x9x!lowbit.levels<-1, 1>>) {
  // expected-error @below {{expected a destination of shape [4, 8], got [4, 9]}}
  %0 = lowbit.threshold ins(%a0, %a1 : tensor<4x8xi32>, tensor<8x1xi32>) outs(%e : tensor<4x9x!lowbit.levels<-1, 1>>) {} -> tensor<4x9x!lowbit.levels<-1, 1>>
  return
}

// -----

// threshold (C2)
func.func @f(%a0: tensor<i32>, %a1: tensor<1x1xi32>, %e: tensor<!lowbit.levels<-1, 1>>) {
  // expected-error @below {{expected an input of rank 1 or more, got 0}}
  %0 = lowbit.threshold ins(%a0, %a1 : tensor<i32>, tensor<1x1xi32>) outs(%e : tensor<!lowbit.levels<-1, 1>>) {} -> tensor<!lowbit.levels<-1, 1>>
  return
}

// -----

// threshold (C2)
func.func @f(%a0: tensor<4x8xi32>, %a1: tensor<8x2xi32>, %e: tensor<4x8x!lowbit.levels<-1, 1>>) {
  // expected-error @below {{expected thresholds of shape [8, 1], got [8, 2]}}
  %0 = lowbit.threshold ins(%a0, %a1 : tensor<4x8xi32>, tensor<8x2xi32>) outs(%e : tensor<4x8x!lowbit.levels<-1, 1>>) {} -> tensor<4x8x!lowbit.levels<-1, 1>>
  return
}

// -----

// matmul (C1)
func.func @f(%a0: tensor<8x!lowbit.levels<-1, 1>>, %a1: tensor<8x4x!lowbit.levels<-1, 1>>, %e: tensor<4xi32>) {
  // expected-error @below {{expected a left side of rank 2 or more, got 1}}
  %0 = lowbit.matmul ins(%a0, %a1 : tensor<8x!lowbit.levels<-1, 1>>, tensor<8x4x!lowbit.levels<-1, 1>>) outs(%e : tensor<4xi32>) {} -> tensor<4xi32>
  return
}

// -----

// matmul (C1)
func.func @f(%a0: tensor<2x4x8x!lowbit.levels<-1, 1>>, %a1: tensor<1x2x8x4x!lowbit.levels<-1, 1>>, %e: tensor<2x4x4xi32>) {
  // expected-error @below {{expected a right side of rank 2 or 3, got 4}}
  %0 = lowbit.matmul ins(%a0, %a1 : tensor<2x4x8x!lowbit.levels<-1, 1>>, tensor<1x2x8x4x!lowbit.levels<-1, 1>>) outs(%e : tensor<2x4x4xi32>) {} -> tensor<2x4x4xi32>
  return
}

// -----

// matmul (C2)
func.func @f(%a0: tensor<4x8x!lowbit.levels<-1, 1>>, %a1: tensor<7x6x!lowbit.levels<-1, 1>>, %e: tensor<4x6xi32>) {
  // expected-error @below {{expected a right side of shape [8, 6], got [7, 6]}}
  %0 = lowbit.matmul ins(%a0, %a1 : tensor<4x8x!lowbit.levels<-1, 1>>, tensor<7x6x!lowbit.levels<-1, 1>>) outs(%e : tensor<4x6xi32>) {} -> tensor<4x6xi32>
  return
}

// -----

// matmul (C2)
func.func @f(%a0: tensor<2x4x8x!lowbit.levels<-1, 1>>, %a1: tensor<3x6x8x!lowbit.levels<-1, 1>>, %e: tensor<2x4x6xi32>) {
  // expected-error @below {{expected a right side of shape [2, 6, 8], got [3, 6, 8]}}
  %0 = lowbit.matmul ins(%a0, %a1 : tensor<2x4x8x!lowbit.levels<-1, 1>>, tensor<3x6x8x!lowbit.levels<-1, 1>>) outs(%e : tensor<2x4x6xi32>) {transpose_rhs} -> tensor<2x4x6xi32>
  return
}

// -----

// matmul (C3)
func.func @f(%a0: tensor<4x8x!lowbit.levels<-1, 1>>, %a1: tensor<8x6x!lowbit.levels<-1, 1>>, %e: tensor<4x8xi32>) {
  // expected-error @below {{expected a destination of shape [4, 6], got [4, 8]}}
  %0 = lowbit.matmul ins(%a0, %a1 : tensor<4x8x!lowbit.levels<-1, 1>>, tensor<8x6x!lowbit.levels<-1, 1>>) outs(%e : tensor<4x8xi32>) {} -> tensor<4x8xi32>
  return
}

// -----

// matmul (C4)
func.func @f(%a0: tensor<4x8x!lowbit.levels<-1, 1>>, %a1: tensor<8x6x!lowbit.levels<-1, 1>>, %e: tensor<4x6xf32>) {
  // expected-error @below {{expected sums of i32, got 'f32'}}
  %0 = lowbit.matmul ins(%a0, %a1 : tensor<4x8x!lowbit.levels<-1, 1>>, tensor<8x6x!lowbit.levels<-1, 1>>) outs(%e : tensor<4x6xf32>) {} -> tensor<4x6xf32>
  return
}

// -----

// matmul (C4)
func.func @f(%a0: tensor<4x8xf32>, %a1: tensor<8x6x!lowbit.levels<-1, 1>>, %e: tensor<4x6xi32>) {
  // expected-error @below {{expected sums of f32, got 'i32'}}
  %0 = lowbit.matmul ins(%a0, %a1 : tensor<4x8xf32>, tensor<8x6x!lowbit.levels<-1, 1>>) outs(%e : tensor<4x6xi32>) {} -> tensor<4x6xi32>
  return
}

// -----

// matmul (C5)
func.func @f(%a0: tensor<1x40000x!lowbit.levels<0, 255>>, %a1: tensor<40000x1x!lowbit.levels<0, 255>>, %e: tensor<1x1xi32>) {
  // expected-error @below {{sums of 40000 terms of magnitude 65025 may leave the range of i32}}
  %0 = lowbit.matmul ins(%a0, %a1 : tensor<1x40000x!lowbit.levels<0, 255>>, tensor<40000x1x!lowbit.levels<0, 255>>) outs(%e : tensor<1x1xi32>) {} -> tensor<1x1xi32>
  return
}

// -----

// level_sum (C1)
func.func @f(%a0: tensor<4x8x!lowbit.levels<-1, 1>>, %e: tensor<4xi32>) {
  // expected-error @below {{expected an axis between 0 and 1, got 2}}
  %0 = lowbit.level_sum ins(%a0 : tensor<4x8x!lowbit.levels<-1, 1>>) outs(%e : tensor<4xi32>) {axis = 2 : i64} -> tensor<4xi32>
  return
}

// -----

// level_sum (C2)
func.func @f(%a0: tensor<4x8x!lowbit.levels<-1, 1>>, %e: tensor<4xi32>) {
  // expected-error @below {{expected a destination of shape [8], got [4]}}
  %0 = lowbit.level_sum ins(%a0 : tensor<4x8x!lowbit.levels<-1, 1>>) outs(%e : tensor<4xi32>) {axis = 0 : i64} -> tensor<4xi32>
  return
}

// -----

// level_sum (C3)
func.func @f(%a0: tensor<9000000x!lowbit.levels<0, 255>>, %e: tensor<i32>) {
  // expected-error @below {{sums of 9000000 terms of magnitude 255 may leave the range of i32}}
  %0 = lowbit.level_sum ins(%a0 : tensor<9000000x!lowbit.levels<0, 255>>) outs(%e : tensor<i32>) {axis = 0 : i64} -> tensor<i32>
  return
}

// -----

// lookup (C1)
func.func @f(%a0: tensor<8x!lowbit.levels<-1, 1>>, %a1: tensor<4xi32>, %a2: tensor<8xf32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{expected a table of rank 2, got 1}}
  %0 = lowbit.lookup ins(%a0, %a1, %a2 : tensor<8x!lowbit.levels<-1, 1>>, tensor<4xi32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {} -> tensor<4x8xf32>
  return
}

// -----

// lookup (C2)
func.func @f(%a0: tensor<100x8x!lowbit.levels<-1, 1>>, %a1: tensor<4xi32>, %a2: tensor<8xf32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{expected a scale of shape [100], got [8]}}
  %0 = lowbit.lookup ins(%a0, %a1, %a2 : tensor<100x8x!lowbit.levels<-1, 1>>, tensor<4xi32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {} -> tensor<4x8xf32>
  return
}

// -----

// lookup (C3)
func.func @f(%a0: tensor<100x8x!lowbit.levels<-1, 1>>, %a1: tensor<4xi32>, %a2: tensor<f32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{expected a destination of shape [4, 8], got [4, 9]}}
  %0 = lowbit.lookup ins(%a0, %a1, %a2 : tensor<100x8x!lowbit.levels<-1, 1>>, tensor<4xi32>, tensor<f32>) outs(%e : tensor<4x9xf32>) {} -> tensor<4x9xf32>
  return
}

// -----

// layer_norm (C1)
func.func @f(%x: tensor<f32>, %s: tensor<1xf32>, %e: tensor<f32>) {
  // expected-error @below {{expected an input of rank 1 or more, got 0}}
  %0 = lowbit.layer_norm ins(%x, %s : tensor<f32>, tensor<1xf32>) outs(%e : tensor<f32>) {epsilon = 1.0e-5 : f32} -> tensor<f32>
  return
}

// -----

// layer_norm (C1)
func.func @f(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{expected a destination of shape [4, 8], got [4, 9]}}
  %0 = lowbit.layer_norm ins(%x, %s : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x9xf32>) {epsilon = 1.0e-5 : f32} -> tensor<4x9xf32>
  return
}

// -----

// layer_norm (C2)
func.func @f(%x: tensor<4x8xf32>, %s: tensor<4xf32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{expected a scale of shape [8], got [4]}}
  %0 = lowbit.layer_norm ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {epsilon = 1.0e-5 : f32} -> tensor<4x8xf32>
  return
}

// -----

// layer_norm (C2)
func.func @f(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %e: tensor<4x8xf32>, %bias: tensor<4xf32>) {
  // expected-error @below {{expected a bias of shape [8], got [4]}}
  %0 = lowbit.layer_norm ins(%x, %s, bias %bias : tensor<4x8xf32>, tensor<8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {epsilon = 1.0e-5 : f32} -> tensor<4x8xf32>
  return
}

// -----

// layer_norm (C3)
func.func @f(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %e: tensor<4x8xf32>, %residual: tensor<8xf32>) {
  // expected-error @below {{expected a residual of shape [4, 8], got [8]}}
  %0 = lowbit.layer_norm ins(%x, %s, residual %residual : tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {epsilon = 1.0e-5 : f32} -> tensor<4x8xf32>
  return
}

// -----

// layer_norm (C4)
func.func @f(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{expected an epsilon of 0 or more, got -1.000000e+00}}
  %0 = lowbit.layer_norm ins(%x, %s : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {epsilon = -1.0 : f32} -> tensor<4x8xf32>
  return
}

// -----

// softmax (C1)
func.func @f(%a0: tensor<f32>, %e: tensor<f32>) {
  // expected-error @below {{expected an input of rank 1 or more, got 0}}
  %0 = lowbit.softmax ins(%a0 : tensor<f32>) outs(%e : tensor<f32>) {} -> tensor<f32>
  return
}

// -----

// softmax (C1)
func.func @f(%a0: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{expected a destination of shape [4, 8], got [4, 9]}}
  %0 = lowbit.softmax ins(%a0 : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>) {} -> tensor<4x9xf32>
  return
}

// -----

// pack (C1)
func.func @f(%a0: tensor<8x!lowbit.levels<-1, 1>>, %e: tensor<2xi64>) {
  // expected-error @below {{expected rank 2 or more, got 1}}
  %0 = lowbit.pack ins(%a0 : tensor<8x!lowbit.levels<-1, 1>>) outs(%e : tensor<2xi64>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<2xi64>
  return
}

// -----

// pack (C1)
func.func @f(%a0: tensor<4x8x!lowbit.levels<-1, 0, 1>>, %e: tensor<4x2xi64>) {
  // expected-error @below {{expected a packing of '!lowbit.levels<-1, 0, 1>', got one of '!lowbit.levels<-1, 1>'}}
  %0 = lowbit.pack ins(%a0 : tensor<4x8x!lowbit.levels<-1, 0, 1>>) outs(%e : tensor<4x2xi64>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x2xi64>
  return
}

// -----

// pack (C2)
func.func @f(%a0: tensor<4x96x!lowbit.levels<-1, 1>>, %e: tensor<4x2xi64>) {
  // expected-error @below {{expected a destination of shape [4, 3], got [4, 2]}}
  %0 = lowbit.pack ins(%a0 : tensor<4x96x!lowbit.levels<-1, 1>>) outs(%e : tensor<4x2xi64>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x2xi64>
  return
}

// -----

// pack (C2)
func.func @f(%a0: tensor<4x96x!lowbit.levels<-1, 1>>, %e: tensor<4x3xi8>) {
  // expected-error @below {{expected a destination of 'i64', got 'i8'}}
  %0 = lowbit.pack ins(%a0 : tensor<4x96x!lowbit.levels<-1, 1>>) outs(%e : tensor<4x3xi8>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x3xi8>
  return
}

// -----

// unpack (C1)
func.func @f(%a0: tensor<1x3x8xi64>, %e: tensor<4x96x!lowbit.levels<-1, 1>>) {
  // expected-error @below {{expected the order rows, got panels}}
  %0 = lowbit.unpack ins(%a0 : tensor<1x3x8xi64>) outs(%e : tensor<4x96x!lowbit.levels<-1, 1>>) {packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} -> tensor<4x96x!lowbit.levels<-1, 1>>
  return
}

// -----

// unpack (C2)
func.func @f(%a0: tensor<4x4xi64>, %e: tensor<4x96x!lowbit.levels<-1, 1>>) {
  // expected-error @below {{expected an input of shape [4, 3], got [4, 4]}}
  %0 = lowbit.unpack ins(%a0 : tensor<4x4xi64>) outs(%e : tensor<4x96x!lowbit.levels<-1, 1>>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x96x!lowbit.levels<-1, 1>>
  return
}

// -----

// quantize_pack (C1)
func.func @f(%a0: tensor<4x96xf32>, %e: tensor<4x2xi64>) {
  // expected-error @below {{expected a destination of shape [4, 3], got [4, 2]}}
  %0 = lowbit.quantize_pack ins(%a0 : tensor<4x96xf32>) outs(%e : tensor<4x2xi64>) {packing = #lowbit.packing<<-1, 1>, rows>, rounding = #lowbit.rounding<sign>} -> tensor<4x2xi64>
  return
}

// -----

// quantize_pack (C3)
func.func @f(%a0: tensor<4x96xf32>, %e: tensor<4x3xi64>) {
  // expected-error @below {{expected the levels -1, 1 or -1, 0, 1 with the rounding sign, got '!lowbit.levels<0, 1>'}}
  %0 = lowbit.quantize_pack ins(%a0 : tensor<4x96xf32>) outs(%e : tensor<4x3xi64>) {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<sign>} -> tensor<4x3xi64>
  return
}

// -----

// quantize_pack (C7)
func.func @f(%a0: tensor<4x96xf32>, %e: tensor<4x3xi64>) {
  // expected-error @below {{expected a permutation of 2 dimensions, got [0, 0]}}
  %0 = lowbit.quantize_pack ins(%a0 : tensor<4x96xf32>) outs(%e : tensor<4x3xi64>) {packing = #lowbit.packing<<-1, 1>, rows>, rounding = #lowbit.rounding<sign>, permutation = array<i64: 0, 0>} -> tensor<4x3xi64>
  return
}

// -----

// packed_matmul (C9)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<1x4x64xi32>, %e: tensor<4x64xi32>, %s: memref<?xi8>) {
  // expected-error @below {{expected no scratch buffer on tensors}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<1x4x64xi32>) scratch(%s : memref<?xi8>) outs(%e : tensor<4x64xi32>)
    attributes {kernel = "x86-amx-bits", size = 96 : i64, columns = 64 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, dwords, lanes = 64>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x64xi32>
  return
}

// -----

// packed_matmul (C3): bytes go with quads
func.func @f(%a: tensor<2x3xi32>, %w: tensor<1x2x2xi64>, %o: tensor<2x2xi32>) -> tensor<2x2xi32> {
  // expected-error @below {{expected a left side of bytes with a right side of quads, and only there}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<2x3xi32>, tensor<1x2x2xi64>) outs(%o : tensor<2x2xi32>)
         attributes {kernel = "portable", size = 5 : i64, columns = 2 : i64,
           lhs_packing = #lowbit.packing<<-1, 1>, bytes>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 2>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

// packed_lookup (C1)
func.func @f(%a0: tensor<10x12x8xi8>, %a1: tensor<4xi32>, %a2: tensor<f32>, %e: tensor<4x96xf32>) {
  // expected-error @below {{expected a table of rank 2, got 3}}
  %0 = lowbit.packed_lookup ins(%a0, %a1, %a2 : tensor<10x12x8xi8>, tensor<4xi32>, tensor<f32>) outs(%e : tensor<4x96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<4x96xf32>
  return
}

// -----

// packed_lookup (C1)
func.func @f(%a0: tensor<10x12xi8>, %a1: tensor<4xi32>, %a2: tensor<f32>, %e: tensor<4x96xf32>) {
  // expected-error @below {{expected the order digits, got panels}}
  %0 = lowbit.packed_lookup ins(%a0, %a1, %a2 : tensor<10x12xi8>, tensor<4xi32>, tensor<f32>) outs(%e : tensor<4x96xf32>) {packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} -> tensor<4x96xf32>
  return
}

// -----

// packed_lookup (C2)
func.func @f(%a0: tensor<10x12xi8>, %a1: tensor<4xi32>, %a2: tensor<4xf32>, %e: tensor<4x96xf32>) {
  // expected-error @below {{expected a scale of shape [10], got [4]}}
  %0 = lowbit.packed_lookup ins(%a0, %a1, %a2 : tensor<10x12xi8>, tensor<4xi32>, tensor<4xf32>) outs(%e : tensor<4x96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<4x96xf32>
  return
}

// -----

// packed_lookup (C3)
func.func @f(%a0: tensor<10x12xi8>, %a1: tensor<4xi32>, %a2: tensor<f32>, %e: tensor<96xf32>) {
  // expected-error @below {{expected a destination of rank 2, got 1}}
  %0 = lowbit.packed_lookup ins(%a0, %a1, %a2 : tensor<10x12xi8>, tensor<4xi32>, tensor<f32>) outs(%e : tensor<96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<96xf32>
  return
}

// -----

// packed_lookup (C3)
func.func @f(%a0: tensor<10x12xi8>, %a1: tensor<4xi32>, %a2: tensor<f32>, %e: tensor<5x96xf32>) {
  // expected-error @below {{expected a destination of shape [4, 96], got [5, 96]}}
  %0 = lowbit.packed_lookup ins(%a0, %a1, %a2 : tensor<10x12xi8>, tensor<4xi32>, tensor<f32>) outs(%e : tensor<5x96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<5x96xf32>
  return
}

// -----

// packed_lookup (C4)
func.func @f(%a0: tensor<10x11xi8>, %a1: tensor<4xi32>, %a2: tensor<f32>, %e: tensor<4x96xf32>) {
  // expected-error @below {{expected a table of shape [10, 12], got [10, 11]}}
  %0 = lowbit.packed_lookup ins(%a0, %a1, %a2 : tensor<10x11xi8>, tensor<4xi32>, tensor<f32>) outs(%e : tensor<4x96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<4x96xf32>
  return
}

// -----

// packed_lookup (C5)
func.func @f(%a0: tensor<10x12xi8>, %a1: tensor<4xi32>, %a2: tensor<f32>, %e: tensor<4x96xf32>, %z: tensor<3xi32>) {
  // expected-error @below {{expected zeros of pairs, of shape [?, 2]}}
  %0 = lowbit.packed_lookup ins(%a0, %a1, %a2 : tensor<10x12xi8>, tensor<4xi32>, tensor<f32>) zeros(%z : tensor<3xi32>) outs(%e : tensor<4x96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<4x96xf32>
  return
}

// -----

// packed_matmul (C1)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{expected the size as an attribute that is not negative or as an operand, got neither}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = -1 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C1)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{expected the columns as an attribute that is not negative or as an operand, got both}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) columns %k outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C2)
func.func @f(%a: tensor<3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{expected rank 2 or more, got 1}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<3xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C2)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{expected the order rows, got panels}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C2)
func.func @f(%a: tensor<4x4xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{expected a left side of shape [4, 3], got [4, 4]}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x4xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C2)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xf32>, %k: index) {
  // expected-error @below {{expected a packing of the left side, or a left side of f32}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xf32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: f32):
      lowbit.yield %acc : f32
  } -> tensor<4x32xf32>
  return
}

// -----

// packed_matmul (C2)
func.func @f(%a: tensor<4x95xf32>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xf32>, %k: index) {
  // expected-error @below {{expected a left side of shape [4, 96], got [4, 95]}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x95xf32>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xf32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: f32):
      lowbit.yield %acc : f32
  } -> tensor<4x32xf32>
  return
}

// -----

// packed_matmul (C3)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<5x3x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{expected a right side of shape [4, 3, 8], got [5, 3, 8]}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<5x3x8xi64>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C4)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x31xi32>, %k: index) {
  // expected-error @below {{expected a destination of shape [4, 32], got [4, 31]}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x31xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x31xi32>
  return
}

// -----

// packed_matmul (C5)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index, %p0: tensor<4xf32>) {
  // expected-error @below {{expected an operand of the epilogue that broadcasts to [4, 32], got [4]}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) epilogue(%p0 : tensor<4xf32>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32, %b: f32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C6)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index, %p0: tensor<32xf32>) {
  // expected-error @below {{expected the epilogue to take 'i32', 'f32', got 'i32'}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) epilogue(%p0 : tensor<32xf32>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C7)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{expected the epilogue to yield 'i32', got 'f32'}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C7)
func.func @f(%a: tensor<4x3xi64>, %w: tensor<4x3x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{expected the epilogue to end with lowbit.yield}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      llvm.unreachable
  } -> tensor<4x32xi32>
  return
}

// -----

// packed_matmul (C8)
func.func @f(%a: tensor<4x626xi64>, %w: tensor<4x626x8xi64>, %e: tensor<4x32xi32>, %k: index) {
  // expected-error @below {{sums of 40000 terms of magnitude 65025 may leave the range of i32}}
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x626xi64>, tensor<4x626x8xi64>) outs(%e : tensor<4x32xi32>)
    attributes {kernel = "portable", size = 40000 : i64, columns = 32 : i64,
      lhs_packing = #lowbit.packing<<0, 255>, rows>, rhs_packing = #lowbit.packing<<0, 255>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      lowbit.yield %acc : i32
  } -> tensor<4x32xi32>
  return
}

// -----

// top_product (C1)
func.func @f(%x: tensor<8xf32>, %t: tensor<20x8xf32>, %e0: tensor<5xf32>, %e1: tensor<5xi64>) {
  // expected-error @below {{expected an input of rank 2 or more, got 1}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<8xf32>, tensor<20x8xf32>)
    outs(%e0, %e1 : tensor<5xf32>, tensor<5xi64>) -> tensor<5xf32>, tensor<5xi64>
  return
}

// -----

// top_product (C1)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<?x8xf32>, %e0: tensor<4x5xf32>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected a table of known shape [N, K], got [?, 8]}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<?x8xf32>)
    outs(%e0, %e1 : tensor<4x5xf32>, tensor<4x5xi64>) -> tensor<4x5xf32>, tensor<4x5xi64>
  return
}

// -----

// top_product (C1)
func.func @f(%x: tensor<4x9xf32>, %t: tensor<20x8xf32>, %e0: tensor<4x5xf32>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected an input of shape [4, 8], got [4, 9]}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x9xf32>, tensor<20x8xf32>)
    outs(%e0, %e1 : tensor<4x5xf32>, tensor<4x5xi64>) -> tensor<4x5xf32>, tensor<4x5xi64>
  return
}

// -----

// top_product (C2)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %b: tensor<8xf32>, %e0: tensor<4x5xf32>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected a bias of shape [20], got [8]}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>) bias(%b : tensor<8xf32>)
    outs(%e0, %e1 : tensor<4x5xf32>, tensor<4x5xi64>) -> tensor<4x5xf32>, tensor<4x5xi64>
  return
}

// -----

// top_product (C3)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %e0: tensor<4x5xf32>) {
  // expected-error @below {{expected two destinations, got 1}}
  %0 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>)
    outs(%e0 : tensor<4x5xf32>) -> tensor<4x5xf32>
  return
}

// -----

// top_product (C3)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %e0: tensor<4x21xf32>, %e1: tensor<4x21xi64>) {
  // expected-error @below {{expected a last extent of destinations from 1 to 20, got [4, 21]}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>)
    outs(%e0, %e1 : tensor<4x21xf32>, tensor<4x21xi64>) -> tensor<4x21xf32>, tensor<4x21xi64>
  return
}

// -----

// top_product (C3)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %e0: tensor<4x5xf64>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected a first destination of 'f32', got 'f64'}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>)
    outs(%e0, %e1 : tensor<4x5xf64>, tensor<4x5xi64>) -> tensor<4x5xf64>, tensor<4x5xi64>
  return
}

// -----

// top_product (C3)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %e0: tensor<4x5xf32>, %e1: tensor<4x5xi32>) {
  // expected-error @below {{expected a second destination of 'i64', got 'i32'}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>)
    outs(%e0, %e1 : tensor<4x5xf32>, tensor<4x5xi32>) -> tensor<4x5xf32>, tensor<4x5xi32>
  return
}

// -----

// top_product (C4)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %s0: tensor<1x2x256xi8>, %e0: tensor<4x5xf32>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected codes and bounds as screen, got 1 operands}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>) screen(%s0 : tensor<1x2x256xi8>)
    outs(%e0, %e1 : tensor<4x5xf32>, tensor<4x5xi64>) -> tensor<4x5xf32>, tensor<4x5xi64>
  return
}

// -----

// top_product (C4)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %s0: tensor<2x2x256xi8>, %s1: tensor<4x64xf32>, %e0: tensor<4x5xf32>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected codes of shape [1, 2, 256], got [2, 2, 256]}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>) screen(%s0, %s1 : tensor<2x2x256xi8>, tensor<4x64xf32>)
    outs(%e0, %e1 : tensor<4x5xf32>, tensor<4x5xi64>) -> tensor<4x5xf32>, tensor<4x5xi64>
  return
}

// -----

// top_product (C4)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %s0: tensor<1x2x256xi8>, %s1: tensor<3x64xf32>, %e0: tensor<4x5xf32>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected bounds of shape [4, 64], got [3, 64]}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>) screen(%s0, %s1 : tensor<1x2x256xi8>, tensor<3x64xf32>)
    outs(%e0, %e1 : tensor<4x5xf32>, tensor<4x5xi64>) -> tensor<4x5xf32>, tensor<4x5xi64>
  return
}

// -----

// top_product (C5)
func.func @f(%x: tensor<4x8xf32>, %t: tensor<20x8xf32>, %m: memref<4xi32>, %e0: tensor<4x5xf32>, %e1: tensor<4x5xi64>) {
  // expected-error @below {{expected no scratch on tensors}}
  %0:2 = lowbit.top_product ins(%x, %t : tensor<4x8xf32>, tensor<20x8xf32>) scratch(%m : memref<4xi32>)
    outs(%e0, %e1 : tensor<4x5xf32>, tensor<4x5xi64>) -> tensor<4x5xf32>, tensor<4x5xi64>
  return
}
