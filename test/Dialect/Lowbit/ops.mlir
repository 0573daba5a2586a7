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

// CHECK-LABEL: @dequantize
func.func @dequantize(%q: tensor<4x96x!pm1>, %r: tensor<4xf32>, %o: tensor<f32>) -> tensor<4x96xf32> {
  %e = tensor.empty() : tensor<4x96xf32>
  // CHECK: lowbit.dequantize ins(%{{.*}}, scale %{{.*}}, offset %{{.*}} : tensor<4x96x!lowbit.levels<-1, 1>>, tensor<4xf32>, tensor<f32>)
  // CHECK-SAME: {granularity = #lowbit.granularity<row>}
  %0 = lowbit.dequantize ins(%q, scale %r, offset %o : tensor<4x96x!pm1>, tensor<4xf32>, tensor<f32>)
         outs(%e : tensor<4x96xf32>) {granularity = #lowbit.granularity<row>} -> tensor<4x96xf32>
  return %0 : tensor<4x96xf32>
}

// CHECK-LABEL: @threshold
func.func @threshold(%a: tensor<4x96xi32>, %t: tensor<96x1xi32>) -> tensor<4x96x!pm1> {
  %e = tensor.empty() : tensor<4x96x!pm1>
  // CHECK: lowbit.threshold ins(%{{.*}}, %{{.*}} : tensor<4x96xi32>, tensor<96x1xi32>)
  %0 = lowbit.threshold ins(%a, %t : tensor<4x96xi32>, tensor<96x1xi32>)
         outs(%e : tensor<4x96x!pm1>) -> tensor<4x96x!pm1>
  return %0 : tensor<4x96x!pm1>
}

// CHECK-LABEL: @contractions
func.func @contractions(%a: tensor<?x4x96x!tern>, %w: tensor<32x96x!pm1>, %x: tensor<?x4x96xf32>,
                        %ei: tensor<?x4x32xi32>, %ef: tensor<?x4x32xf32>) {
  // CHECK: lowbit.matmul ins(%{{.*}}, %{{.*}} : tensor<?x4x96x!lowbit.levels<-1, 0, 1>>, tensor<32x96x!lowbit.levels<-1, 1>>)
  // CHECK-SAME: {transpose_rhs} -> tensor<?x4x32xi32>
  %0 = lowbit.matmul ins(%a, %w : tensor<?x4x96x!tern>, tensor<32x96x!pm1>)
         outs(%ei : tensor<?x4x32xi32>) {transpose_rhs} -> tensor<?x4x32xi32>
  // CHECK: lowbit.matmul ins(%{{.*}}, %{{.*}} : tensor<?x4x96xf32>, tensor<32x96x!lowbit.levels<-1, 1>>)
  %1 = lowbit.matmul ins(%x, %w : tensor<?x4x96xf32>, tensor<32x96x!pm1>)
         outs(%ef : tensor<?x4x32xf32>) {transpose_rhs} -> tensor<?x4x32xf32>
  %e = tensor.empty() : tensor<32xi32>
  // CHECK: lowbit.level_sum ins(%{{.*}} : tensor<32x96x!lowbit.levels<-1, 1>>) outs(%{{.*}} : tensor<32xi32>) {axis = 1 : i64}
  %2 = lowbit.level_sum ins(%w : tensor<32x96x!pm1>) outs(%e : tensor<32xi32>) {axis = 1 : i64} -> tensor<32xi32>
  return
}

// CHECK-LABEL: @lookup
func.func @lookup(%t: tensor<100x96x!pm1>, %ids: tensor<?x?xi64>, %s: tensor<100xf32>,
                  %e: tensor<?x?x96xf32>) -> tensor<?x?x96xf32> {
  // CHECK: lowbit.lookup ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<100x96x!lowbit.levels<-1, 1>>, tensor<?x?xi64>, tensor<100xf32>)
  %0 = lowbit.lookup ins(%t, %ids, %s : tensor<100x96x!pm1>, tensor<?x?xi64>, tensor<100xf32>)
         outs(%e : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  return %0 : tensor<?x?x96xf32>
}

// CHECK-LABEL: @normalisations
func.func @normalisations(%x: tensor<?x96xf32>, %s: tensor<96xf32>, %r: tensor<?x96xf32>,
                          %mx: memref<?x96xf32>, %ms: memref<96xf32>) {
  // CHECK: lowbit.layer_norm ins(%{{.*}}, %{{.*}} : tensor<?x96xf32>, tensor<96xf32>) outs(
  %0 = lowbit.layer_norm ins(%x, %s : tensor<?x96xf32>, tensor<96xf32>)
         outs(%x : tensor<?x96xf32>) {epsilon = 0.0 : f32} -> tensor<?x96xf32>
  // CHECK: lowbit.layer_norm ins(%{{.*}}, %{{.*}}, residual %{{.*}} : tensor<?x96xf32>, tensor<96xf32>, tensor<?x96xf32>)
  %1 = lowbit.layer_norm ins(%x, %s, residual %r : tensor<?x96xf32>, tensor<96xf32>, tensor<?x96xf32>)
         outs(%x : tensor<?x96xf32>) {epsilon = 0.0 : f32} -> tensor<?x96xf32>
  // CHECK: lowbit.layer_norm ins(%{{.*}}, %{{.*}}, bias %{{.*}}, residual %{{.*}} : memref<?x96xf32>, memref<96xf32>, memref<96xf32>, memref<?x96xf32>)
  // CHECK-SAME: outs(%{{.*}} : memref<?x96xf32>) {epsilon = 9.99999974E-6 : f32}{{$}}
  lowbit.layer_norm ins(%mx, %ms, bias %ms, residual %mx : memref<?x96xf32>, memref<96xf32>, memref<96xf32>, memref<?x96xf32>)
         outs(%mx : memref<?x96xf32>) {epsilon = 1.0e-5 : f32}
  // CHECK: lowbit.softmax ins(%{{.*}} : tensor<?x96xf32>) outs(%{{.*}} : tensor<?x96xf32>) -> tensor<?x96xf32>
  %2 = lowbit.softmax ins(%x : tensor<?x96xf32>) outs(%x : tensor<?x96xf32>) -> tensor<?x96xf32>
  return
}

// CHECK-LABEL: @packing
func.func @packing(%q: tensor<4x96x!pm1>, %p: tensor<4x3xi64>, %l: tensor<1x96x1xi8>,
                   %x: tensor<2x8x3x96xf32>, %s: tensor<f32>, %h: tensor<2x3x8x5xi64>) {
  // CHECK: lowbit.pack ins(%{{.*}} : tensor<4x96x!lowbit.levels<-1, 1>>) outs(%{{.*}} : tensor<4x3xi64>)
  // CHECK-SAME: {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x3xi64>
  %0 = lowbit.pack ins(%q : tensor<4x96x!pm1>) outs(%p : tensor<4x3xi64>)
         {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x3xi64>
  // CHECK: {packing = #lowbit.packing<<-1, 1>, lanes, lanes = 8>}
  %1 = lowbit.pack ins(%q : tensor<4x96x!pm1>) outs(%l : tensor<1x96x1xi8>)
         {packing = #lowbit.packing<<-1, 1>, lanes, lanes = 8>} -> tensor<1x96x1xi8>
  // CHECK: lowbit.unpack
  %2 = lowbit.unpack ins(%0 : tensor<4x3xi64>) outs(%q : tensor<4x96x!pm1>)
         {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x96x!pm1>
  // CHECK: lowbit.quantize_pack ins(%{{.*}} : tensor<2x8x3x96xf32>) operands(%{{.*}} : tensor<f32>)
  // CHECK-SAME: outs(%{{.*}} : tensor<2x3x8x5xi64>) {packing = #lowbit.packing<<-1, 0, 1, 2>, rows>
  // CHECK-SAME: input {
  // CHECK-NEXT: ^bb0(%[[E:.*]]: f32, %[[F:.*]]: f32):
  // CHECK-NEXT: arith.mulf %[[E]], %[[F]]
  %m = lowbit.quantize_pack ins(%x : tensor<2x8x3x96xf32>) operands(%s : tensor<f32>) outs(%h : tensor<2x3x8x5xi64>)
    {packing = #lowbit.packing<<-1, 0, 1, 2>, rows>, permutation = array<i64: 0, 2, 1, 3>, rounding = #lowbit.rounding<half_even>} input {
  ^bb0(%e: f32, %f: f32):
    %y = arith.mulf %e, %f : f32
    lowbit.yield %y : f32
  } -> tensor<2x3x8x5xi64>
  // CHECK: lowbit.quantize_pack ins(%{{.*}}, scale %{{.*}} : tensor<2x8x3x96xf32>, tensor<f32>)
  // CHECK-SAME: permutation = array<i64: 0, 2, 1, 3>
  %3 = lowbit.quantize_pack ins(%x, scale %s : tensor<2x8x3x96xf32>, tensor<f32>) outs(%h : tensor<2x3x8x5xi64>)
         {packing = #lowbit.packing<<-2, -1, 0, 1>, rows>, permutation = array<i64: 0, 2, 1, 3>,
          rounding = #lowbit.rounding<half_even>} -> tensor<2x3x8x5xi64>
  return
}

// CHECK-LABEL: @packed
func.func @packed(%a: tensor<4x5xi64>, %w: tensor<4x3x8xi64>, %b: tensor<32xf32>, %e: tensor<4x32xf32>,
                  %x: memref<4x?xf32>, %l: memref<?x?x1xi8>, %y: memref<4x?xf32>, %k: index, %n: index,
                  %t: tensor<100x12xi8>, %ids: tensor<4xi32>, %s: tensor<f32>, %h: tensor<4x96xf32>) {
  // CHECK: lowbit.packed_matmul ins(%{{.*}}, %{{.*}} : tensor<4x5xi64>, tensor<4x3x8xi64>) epilogue(%{{.*}} : tensor<32xf32>) outs(%{{.*}} : tensor<4x32xf32>)
  // CHECK: ^bb0(%[[ACC:.*]]: i32, %{{.*}}: f32):
  // CHECK: lowbit.yield %{{.*}} : f32
  %0 = lowbit.packed_matmul ins(%a, %w : tensor<4x5xi64>, tensor<4x3x8xi64>)
         epilogue(%b : tensor<32xf32>) outs(%e : tensor<4x32xf32>)
         attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
           lhs_packing = #lowbit.packing<<-1, 0, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32, %bias: f32):
      %f = arith.sitofp %acc : i32 to f32
      %r = arith.addf %f, %bias : f32
      lowbit.yield %r : f32
  } -> tensor<4x32xf32>
  // CHECK: lowbit.packed_matmul ins(%{{.*}}, %{{.*}} : memref<4x?xf32>, memref<?x?x1xi8>) size %{{.*}} columns %{{.*}} outs(
  lowbit.packed_matmul ins(%x, %l : memref<4x?xf32>, memref<?x?x1xi8>) size %k columns %n outs(%y : memref<4x?xf32>)
         attributes {kernel = "portable", size = -1 : i64, columns = -1 : i64,
           rhs_packing = #lowbit.packing<<-1, 1>, lanes, lanes = 8>} {
    ^bb0(%acc: f32):
      lowbit.yield %acc : f32
  }
  // CHECK: lowbit.packed_lookup ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<100x12xi8>, tensor<4xi32>, tensor<f32>)
  %1 = lowbit.packed_lookup ins(%t, %ids, %s : tensor<100x12xi8>, tensor<4xi32>, tensor<f32>)
         outs(%h : tensor<4x96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<4x96xf32>
  %z = arith.constant dense<[[3, 4], [3, 5]]> : tensor<2x2xi32>
  // CHECK: lowbit.packed_lookup ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<100x12xi8>, tensor<4xi32>, tensor<f32>) zeros(%{{.*}} : tensor<2x2xi32>)
  %2 = lowbit.packed_lookup ins(%t, %ids, %s : tensor<100x12xi8>, tensor<4xi32>, tensor<f32>) zeros(%z : tensor<2x2xi32>)
         outs(%h : tensor<4x96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<4x96xf32>
  return
}

// CHECK-LABEL: func @top_products
func.func @top_products(%x: tensor<?x4x96xf32>, %t: tensor<1000x96xf32>, %b: tensor<1000xf32>,
    %c: tensor<16x24x256xi8>, %s: tensor<4x1024xf32>, %e: tensor<?x4x5xf32>, %f: tensor<?x4x5xi64>) {
  // CHECK: lowbit.top_product ins(%{{.*}}, %{{.*}} : tensor<?x4x96xf32>, tensor<1000x96xf32>) outs(%{{.*}}, %{{.*}} : tensor<?x4x5xf32>, tensor<?x4x5xi64>) -> tensor<?x4x5xf32>, tensor<?x4x5xi64>
  %0:2 = lowbit.top_product ins(%x, %t : tensor<?x4x96xf32>, tensor<1000x96xf32>)
         outs(%e, %f : tensor<?x4x5xf32>, tensor<?x4x5xi64>) -> tensor<?x4x5xf32>, tensor<?x4x5xi64>
  // CHECK: lowbit.top_product {{.*}} bias(%{{.*}} : tensor<1000xf32>) screen(%{{.*}}, %{{.*}} : tensor<16x24x256xi8>, tensor<4x1024xf32>)
  %1:2 = lowbit.top_product ins(%x, %t : tensor<?x4x96xf32>, tensor<1000x96xf32>) bias(%b : tensor<1000xf32>)
         screen(%c, %s : tensor<16x24x256xi8>, tensor<4x1024xf32>)
         outs(%e, %f : tensor<?x4x5xf32>, tensor<?x4x5xi64>) -> tensor<?x4x5xf32>, tensor<?x4x5xi64>
  return
}
