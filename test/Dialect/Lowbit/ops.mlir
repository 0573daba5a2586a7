// RUN: lowbit-opt %s | lowbit-opt | FileCheck %s
// RUN: lowbit-opt %s --emit-bytecode | lowbit-opt | FileCheck %s

!pm1 = !lowbit.levels<-1, 1>
!tern = !lowbit.levels<-1, 0, 1>
!bit = !lowbit.levels<0, 1>

// CHECK-LABEL: @constant
func.func @constant() -> tensor<2x2x!pm1> {
  // CHECK: lowbit.constant dense<{{.*}}> : tensor<2x2xi8> -> tensor<2x2x!lowbit.levels<-1, 1>>
  %0 = lowbit.constant dense<[[-1, 1], [1, 1]]> : tensor<2x2xi8> -> tensor<2x2x!pm1>
  return %0 : tensor<2x2x!pm1>
}

// CHECK-LABEL: @quantize
func.func @quantize(%x: tensor<4x96xf32>, %s: tensor<f32>, %t: tensor<4xf32>,
                    %m: tensor<96xf32>, %o: tensor<f32>) {
  %b = tensor.empty() : tensor<4x96x!bit>
  %t3 = tensor.empty() : tensor<4x96x!tern>
  // CHECK: lowbit.quantize ins(%{{.*}}, scale %{{.*}} : tensor<4x96xf32>, tensor<f32>) outs(
  // CHECK-SAME: {rounding = #lowbit.rounding<half_even>} -> tensor<4x96x!lowbit.levels<0, 1>>
  %0 = lowbit.quantize ins(%x, scale %s : tensor<4x96xf32>, tensor<f32>)
         outs(%b : tensor<4x96x!bit>) {rounding = #lowbit.rounding<half_even>} -> tensor<4x96x!bit>
  // CHECK: lowbit.quantize ins(%{{.*}}, shift %{{.*}} : tensor<4x96xf32>, tensor<96xf32>)
  %1 = lowbit.quantize ins(%x, shift %m : tensor<4x96xf32>, tensor<96xf32>)
         outs(%t3 : tensor<4x96x!tern>) {rounding = #lowbit.rounding<sign>} -> tensor<4x96x!tern>
  // CHECK: lowbit.quantize ins(%{{.*}}, scale %{{.*}}, shift %{{.*}}, offset %{{.*}} : tensor<4x96xf32>, tensor<4xf32>, tensor<96xf32>, tensor<f32>)
  // CHECK-SAME: granularity = #lowbit.granularity<token>
  %2 = lowbit.quantize ins(%x, scale %t, shift %m, offset %o : tensor<4x96xf32>, tensor<4xf32>, tensor<96xf32>, tensor<f32>)
         outs(%b : tensor<4x96x!bit>) {rounding = #lowbit.rounding<half_even>, granularity = #lowbit.granularity<token>} -> tensor<4x96x!bit>
  // CHECK: lowbit.quantize ins(%{{.*}}, offset
  %3 = lowbit.quantize ins(%x, scale %s, offset %o : tensor<4x96xf32>, tensor<f32>, tensor<f32>)
         outs(%b : tensor<4x96x!bit>) {rounding = #lowbit.rounding<half_even>} -> tensor<4x96x!bit>
  return
}
