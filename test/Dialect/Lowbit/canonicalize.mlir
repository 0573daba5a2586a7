// RUN: lowbit-opt %s --canonicalize | FileCheck %s

!pm1 = !lowbit.levels<-1, 1>
!tern = !lowbit.levels<-1, 0, 1>
!bits2 = !lowbit.levels<-2, -1, 0, 1>

// CHECK-LABEL: @quantize_of_dequantize
// CHECK-SAME: (%[[Q:.*]]: tensor<4x?x!lowbit.levels<-2, -1, 0, 1>>
// CHECK-NOT: lowbit.quantize
// CHECK: return %[[Q]]
func.func @quantize_of_dequantize(%q: tensor<4x?x!bits2>, %e: tensor<4x?xf32>) -> tensor<4x?x!bits2> {
  %s = arith.constant dense<0.1> : tensor<f32>
  %x = lowbit.dequantize ins(%q, scale %s : tensor<4x?x!bits2>, tensor<f32>) outs(%e : tensor<4x?xf32>) -> tensor<4x?xf32>
  %r = lowbit.quantize ins(%x, scale %s : tensor<4x?xf32>, tensor<f32>) outs(%q : tensor<4x?x!bits2>)
         {rounding = #lowbit.rounding<half_even>} -> tensor<4x?x!bits2>
  return %r : tensor<4x?x!bits2>
}

// CHECK-LABEL: @sign_of_dequantize
// CHECK-SAME: (%[[Q:.*]]: tensor<4x8x!lowbit.levels<-1, 0, 1>>
// CHECK: return %[[Q]]
func.func @sign_of_dequantize(%q: tensor<4x8x!tern>) -> tensor<4x8x!tern> {
  %s = arith.constant dense<[1.0, 0.1, 3.0, 4.0]> : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %x = lowbit.dequantize ins(%q, scale %s : tensor<4x8x!tern>, tensor<4xf32>) outs(%e : tensor<4x8xf32>)
         {granularity = #lowbit.granularity<row>} -> tensor<4x8xf32>
  %r = lowbit.quantize ins(%x : tensor<4x8xf32>) outs(%q : tensor<4x8x!tern>)
         {rounding = #lowbit.rounding<sign>} -> tensor<4x8x!tern>
  return %r : tensor<4x8x!tern>
}

// A scale that is not known may be zero, negative or not a number; one so small
// that a product underflows is no better.
// CHECK-LABEL: @quantize_of_dequantize_stays
// CHECK-COUNT-2: lowbit.quantize
func.func @quantize_of_dequantize_stays(%q: tensor<4x8x!tern>, %s: tensor<f32>) -> (tensor<4x8x!tern>, tensor<4x8x!tern>) {
  %tiny = arith.constant dense<1.0e-40> : tensor<f32>
  %e = tensor.empty() : tensor<4x8xf32>
  %x = lowbit.dequantize ins(%q, scale %s : tensor<4x8x!tern>, tensor<f32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %0 = lowbit.quantize ins(%x : tensor<4x8xf32>) outs(%q : tensor<4x8x!tern>)
         {rounding = #lowbit.rounding<sign>} -> tensor<4x8x!tern>
  %y = lowbit.dequantize ins(%q, scale %tiny : tensor<4x8x!tern>, tensor<f32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = lowbit.quantize ins(%y, scale %tiny : tensor<4x8xf32>, tensor<f32>) outs(%q : tensor<4x8x!tern>)
         {rounding = #lowbit.rounding<half_even>} -> tensor<4x8x!tern>
  return %0, %1 : tensor<4x8x!tern>, tensor<4x8x!tern>
}

// CHECK-LABEL: @zeros
// CHECK: lowbit.quantize ins(%{{.*}}, scale %{{.*}} : tensor<4x8xf32>, tensor<f32>) outs
// CHECK: lowbit.dequantize ins(%{{.*}}, scale %{{.*}} : tensor<4x8x!lowbit.levels<-1, 0, 1>>, tensor<f32>) outs
func.func @zeros(%x: tensor<4x8xf32>, %i: tensor<4x8x!tern>, %e: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<0.0> : tensor<f32>
  %zs = arith.constant dense<-0.0> : tensor<8xf32>
  %0 = lowbit.quantize ins(%x, scale %s, shift %zs, offset %z : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>, tensor<f32>)
         outs(%i : tensor<4x8x!tern>) {rounding = #lowbit.rounding<half_even>} -> tensor<4x8x!tern>
  %1 = lowbit.dequantize ins(%0, scale %s, offset %z : tensor<4x8x!tern>, tensor<f32>, tensor<f32>)
         outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// Halves round to even, the rest is clamped: -5, -1.5, -0.5, 0.5, 1.5 in units of 0.5.
// CHECK-LABEL: @quantize_constant
// CHECK: lowbit.constant dense<[-2, -2, 0, 0, 1]> : tensor<5xi8> -> tensor<5x!lowbit.levels<-2, -1, 0, 1>>
func.func @quantize_constant(%i: tensor<5x!bits2>) -> tensor<5x!bits2> {
  %x = arith.constant dense<[-2.5, -0.75, -0.25, 0.25, 0.75]> : tensor<5xf32>
  %s = arith.constant dense<0.5> : tensor<f32>
  %0 = lowbit.quantize ins(%x, scale %s : tensor<5xf32>, tensor<f32>) outs(%i : tensor<5x!bits2>)
         {rounding = #lowbit.rounding<half_even>} -> tensor<5x!bits2>
  return %0 : tensor<5x!bits2>
}

// A zero has no level in <-1, 1>, NaN none at all.
// CHECK-LABEL: @quantize_constant_stays
// CHECK-COUNT-2: lowbit.quantize
func.func @quantize_constant_stays(%i: tensor<2x!pm1>) -> (tensor<2x!pm1>, tensor<2x!pm1>) {
  %x = arith.constant dense<[-2.5, 0.0]> : tensor<2xf32>
  %n = arith.constant dense<[-2.5, 0x7FC00000]> : tensor<2xf32>
  %0 = lowbit.quantize ins(%x : tensor<2xf32>) outs(%i : tensor<2x!pm1>) {rounding = #lowbit.rounding<sign>} -> tensor<2x!pm1>
  %1 = lowbit.quantize ins(%n : tensor<2xf32>) outs(%i : tensor<2x!pm1>) {rounding = #lowbit.rounding<step>} -> tensor<2x!pm1>
  return %0, %1 : tensor<2x!pm1>, tensor<2x!pm1>
}

// CHECK-LABEL: @level_sum
// CHECK-DAG: arith.constant dense<[2, -3]> : tensor<2xi32>
// CHECK-DAG: arith.constant dense<[0, -2, 1]> : tensor<3xi32>
// CHECK-DAG: arith.constant dense<510> : tensor<1xi32>
func.func @level_sum() -> (tensor<2xi32>, tensor<3xi32>, tensor<1xi32>) {
  %q = lowbit.constant dense<[[1, -1, 2], [-1, -1, -1]]> : tensor<2x3xi8> -> tensor<2x3x!lowbit.levels<-1, 0, 1, 2>>
  %u = lowbit.constant dense<-1> : tensor<1x2xi8> -> tensor<1x2x!lowbit.levels<0, 255>>
  %e2 = tensor.empty() : tensor<2xi32>
  %e3 = tensor.empty() : tensor<3xi32>
  %e1 = tensor.empty() : tensor<1xi32>
  %0 = lowbit.level_sum ins(%q : tensor<2x3x!lowbit.levels<-1, 0, 1, 2>>) outs(%e2 : tensor<2xi32>) {axis = 1 : i64} -> tensor<2xi32>
  %1 = lowbit.level_sum ins(%q : tensor<2x3x!lowbit.levels<-1, 0, 1, 2>>) outs(%e3 : tensor<3xi32>) {axis = 0 : i64} -> tensor<3xi32>
  %2 = lowbit.level_sum ins(%u : tensor<1x2x!lowbit.levels<0, 255>>) outs(%e1 : tensor<1xi32>) {axis = 1 : i64} -> tensor<1xi32>
  return %0, %1, %2 : tensor<2xi32>, tensor<3xi32>, tensor<1xi32>
}

// CHECK-LABEL: @pack_unpack
// CHECK-SAME: (%[[Q:.*]]: tensor<4x96x!lowbit.levels<-1, 1>>, %[[P:.*]]: tensor<4x3xi64>)
// CHECK: return %[[Q]], %[[P]]
func.func @pack_unpack(%q: tensor<4x96x!pm1>, %p: tensor<4x3xi64>) -> (tensor<4x96x!pm1>, tensor<4x3xi64>) {
  %0 = lowbit.pack ins(%q : tensor<4x96x!pm1>) outs(%p : tensor<4x3xi64>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x3xi64>
  %1 = lowbit.unpack ins(%0 : tensor<4x3xi64>) outs(%q : tensor<4x96x!pm1>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x96x!pm1>
  %2 = lowbit.unpack ins(%p : tensor<4x3xi64>) outs(%q : tensor<4x96x!pm1>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x96x!pm1>
  %3 = lowbit.pack ins(%2 : tensor<4x96x!pm1>) outs(%p : tensor<4x3xi64>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x3xi64>
  return %1, %3 : tensor<4x96x!pm1>, tensor<4x3xi64>
}

// The extents of results come from the destination; what is unused vanishes.
// CHECK-LABEL: @shapes
// CHECK-SAME: %{{.*}}: tensor<?x8xf32>, %[[D:.*]]: index)
// CHECK-NOT: lowbit
// CHECK: return %[[D]]
func.func @shapes(%x: tensor<?x8xf32>, %d: index) -> index {
  %c0 = arith.constant 0 : index
  %e = tensor.empty(%d) : tensor<?x8x!tern>
  %0 = lowbit.quantize ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8x!tern>) {rounding = #lowbit.rounding<sign>} -> tensor<?x8x!tern>
  %1 = tensor.dim %0, %c0 : tensor<?x8x!tern>
  return %1 : index
}
