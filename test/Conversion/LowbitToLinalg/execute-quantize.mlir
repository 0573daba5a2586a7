// RUN: %execute | FileCheck %s

!tern = !lowbit.levels<-1, 0, 1>
!pm1 = !lowbit.levels<-1, 1>
!bits2 = !lowbit.levels<-2, -1, 0, 1>
!u8 = !lowbit.levels<0, 51, 102, 153, 204, 255>

func.func private @printMemrefF32(tensor<*xf32>)

// Levels as numbers, by a scale of one.
func.func @print(%y: tensor<2x4xf32>) {
  %u = tensor.cast %y : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %one = arith.constant dense<1.0> : tensor<f32>
  %e = tensor.empty() : tensor<2x4xf32>
  %x = arith.constant dense<[[-0.0, 0.0, 1.0e-40, -1.0e-40], [0x7FC00000, 0x7F800000, -2.5, 0.75]]> : tensor<2x4xf32>

  // sign: both zeros and NaN give 0, denormals do not.
  // CHECK: data =
  // CHECK-NEXT: [0, 0, 1, -1]
  // CHECK-NEXT: [0, 1, -1, 1]
  %i3 = tensor.empty() : tensor<2x4x!tern>
  %sign = lowbit.quantize ins(%x : tensor<2x4xf32>) outs(%i3 : tensor<2x4x!tern>) {rounding = #lowbit.rounding<sign>} -> tensor<2x4x!tern>
  %y0 = lowbit.dequantize ins(%sign, scale %one : tensor<2x4x!tern>, tensor<f32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  call @print(%y0) : (tensor<2x4xf32>) -> ()

  // step: both zeros give 1, NaN gives -1.
  // CHECK: data =
  // CHECK-NEXT: [1, 1, 1, -1]
  // CHECK-NEXT: [-1, 1, -1, 1]
  %i2 = tensor.empty() : tensor<2x4x!pm1>
  %step = lowbit.quantize ins(%x : tensor<2x4xf32>) outs(%i2 : tensor<2x4x!pm1>) {rounding = #lowbit.rounding<step>} -> tensor<2x4x!pm1>
  %y1 = lowbit.dequantize ins(%step, scale %one : tensor<2x4x!pm1>, tensor<f32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  call @print(%y1) : (tensor<2x4xf32>) -> ()

  // half_even with a shift per column: (x + shift) / 0.5 is
  // -1.5 -0.5 0.5 1.5 and -5 2.5 3 -2.5, rounded -2 0 0 2 and -5 2 3 -2.
  // CHECK: data =
  // CHECK-NEXT: [-2, 0, 0, 1]
  // CHECK-NEXT: [-2, 1, 1, -2]
  %z = arith.constant dense<[[-1.0, 0.0, 0.5, 1.0], [-2.75, 1.5, 1.75, -1.0]]> : tensor<2x4xf32>
  %shift = arith.constant dense<[0.25, -0.25, -0.25, -0.25]> : tensor<4xf32>
  %half = arith.constant dense<0.5> : tensor<f32>
  %i4 = tensor.empty() : tensor<2x4x!bits2>
  %even = lowbit.quantize ins(%z, scale %half, shift %shift : tensor<2x4xf32>, tensor<f32>, tensor<4xf32>) outs(%i4 : tensor<2x4x!bits2>)
            {rounding = #lowbit.rounding<half_even>} -> tensor<2x4x!bits2>
  %y2 = lowbit.dequantize ins(%even, scale %one : tensor<2x4x!bits2>, tensor<f32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  call @print(%y2) : (tensor<2x4xf32>) -> ()

  // A scale for each token and an offset, there and back: levels of the rows are
  // (z + 1) / 1 = 0 1 1.5 2 and (z + 1) / 0.25 = -7 10 11 0.
  // CHECK: data =
  // CHECK-NEXT: [-1, 0, 0, 0]
  // CHECK-NEXT: [-1.5, -0.75, -0.75, -1]
  %token = arith.constant dense<[1.0, 0.25]> : tensor<2xf32>
  %offset = arith.constant dense<-1.0> : tensor<f32>
  %per = lowbit.quantize ins(%z, scale %token, offset %offset : tensor<2x4xf32>, tensor<2xf32>, tensor<f32>) outs(%i4 : tensor<2x4x!bits2>)
           {rounding = #lowbit.rounding<half_even>, granularity = #lowbit.granularity<token>} -> tensor<2x4x!bits2>
  %y3 = lowbit.dequantize ins(%per, scale %token, offset %offset : tensor<2x4x!bits2>, tensor<2xf32>, tensor<f32>) outs(%e : tensor<2x4xf32>)
          {granularity = #lowbit.granularity<token>} -> tensor<2x4xf32>
  call @print(%y3) : (tensor<2x4xf32>) -> ()

  // Thresholds of a channel: the level climbs by one step for each one reached;
  // levels above 127 are stored unsigned. A scale for each row.
  // CHECK: data =
  // CHECK-NEXT: [0, 51, 255, 255]
  // CHECK-NEXT: [510, 306, 0, 306]
  %acc = arith.constant dense<[[-9, -5, 100, 4], [4, 0, -8, 1]]> : tensor<2x4xi32>
  %t = arith.constant dense<[[-8, -4, 0, 2, 4], [-5, -4, 0, 3, 4], [-7, -4, 0, 3, 4], [-8, -4, 0, 2, 4]]> : tensor<4x5xi32>
  %i6 = tensor.empty() : tensor<2x4x!u8>
  %th = lowbit.threshold ins(%acc, %t : tensor<2x4xi32>, tensor<4x5xi32>) outs(%i6 : tensor<2x4x!u8>) -> tensor<2x4x!u8>
  %rows = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y4 = lowbit.dequantize ins(%th, scale %rows : tensor<2x4x!u8>, tensor<2xf32>) outs(%e : tensor<2x4xf32>)
          {granularity = #lowbit.granularity<row>} -> tensor<2x4xf32>
  call @print(%y4) : (tensor<2x4xf32>) -> ()
  return
}
