// RUN: lowbit-opt %s --split-input-file --lowbit-fuse-quantizers --lowbit-fuse-thresholds --lowbit-report | FileCheck %s

#signs = #lowbit.packing<<-1, 1>, rows>
#ternary = #lowbit.packing<<-1, 0, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// The nodes of what became thresholds are not forgotten, and quantizers that
// stay say why. Rows of the kernel table have a cost or a reason.

// CHECK: lowbit.report = "{\22attentions\22:[],\22matmuls\22:[
// CHECK-SAME: \22attention\22:null
// CHECK-SAME: \22cost\22:[[COST:[0-9]+]],\22epilogue\22:[\22extsi\22,\22cmpi\22,\22extsi\22,\22cmpi\22,\22xori\22]
// CHECK-SAME: \22estimated_ns\22:{{[1-9]}}
// CHECK-SAME: \22kernel\22:\22generic-popcount\22
// CHECK-SAME: \22nodes\22:[\22product\22,\22bias\22,\22sign\22]
// CHECK-SAME: \22result\22:\22thresholds\22,\22result_levels\22:\22-1, 0, 1\22,\22result_order\22:\22rows\22,\22result_reason\22:null
// CHECK-SAME: \22selection\22:0
// CHECK-SAME: \22norms\22:[],\22quantizers\22:[],\22selections\22:[{
// CHECK-SAME: \22k\22:40,\22lhs\22:\22-1, 1\22,\22n\22:16,\22rhs\22:\22-1, 1\22,\22rows\22:[
// CHECK-SAME: {\22cost\22:null,\22kernel\22:\22x86-avx512-vpopcntd\22,\22reason\22:\22the target lacks avx512f\22}
// CHECK-SAME: {\22cost\22:[[COST]],\22kernel\22:\22generic-popcount\22,\22reason\22:null}
// CHECK-SAME: {\22cost\22:null,\22kernel\22:\22generic-float\22,\22reason\22:\22the left side is not float\22}
// CHECK-SAME: \22thresholds\22:1
func.func @thresholds(%a: tensor<4x2xi64>, %w: tensor<2x2x8xi64>) -> tensor<4x3xi64> {
  %bias = arith.constant dense<0.5> : tensor<16xf32>
  %e = tensor.empty() : tensor<4x16xf32>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<2x2x8xi64>) epilogue(%bias : tensor<16xf32>) outs(%e : tensor<4x16xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 16 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32 loc("product"), %b: f32 loc("bias")):
    %f = arith.sitofp %acc : i32 to f32 loc("product")
    %r = arith.addf %f, %b : f32 loc("bias")
    lowbit.yield %r : f32 loc("bias")
  } -> tensor<4x16xf32> loc("product")
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%y : tensor<4x16xf32>) outs(%p : tensor<4x3xi64>)
    {packing = #ternary, rounding = #lowbit.rounding<sign>} -> tensor<4x3xi64> loc("sign")
  return %q : tensor<4x3xi64>
}

// -----

#signs = #lowbit.packing<<-1, 1>, rows>
#ternary = #lowbit.packing<<-1, 0, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// A bias that is not known leaves codes.

// CHECK: \22epilogue\22:[\22sitofp\22,\22addf\22,\22cmpf\22,\22cmpf\22]
// CHECK-SAME: \22result\22:\22codes\22
// CHECK-SAME: \22result_reason\22:\22it depends on more than the sum and constants of a column\22
func.func @codes(%a: tensor<4x2xi64>, %w: tensor<2x2x8xi64>, %bias: tensor<16xf32>) -> tensor<4x3xi64> {
  %e = tensor.empty() : tensor<4x16xf32>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<2x2x8xi64>) epilogue(%bias : tensor<16xf32>) outs(%e : tensor<4x16xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 16 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32, %b: f32):
    %f = arith.sitofp %acc : i32 to f32
    %r = arith.addf %f, %b : f32
    lowbit.yield %r : f32
  } -> tensor<4x16xf32>
  %p = tensor.empty() : tensor<4x3xi64>
  %q = lowbit.quantize_pack ins(%y : tensor<4x16xf32>) outs(%p : tensor<4x3xi64>)
    {packing = #ternary, rounding = #lowbit.rounding<sign>} -> tensor<4x3xi64>
  return %q : tensor<4x3xi64>
}

// -----

#signs = #lowbit.packing<<-1, 1>, rows>
#weights = #lowbit.packing<<-1, 1>, panels, lanes = 8>

// The residual is also read by others: numbers, and a quantizer by itself.

// CHECK: \22result\22:\22numbers\22
// CHECK-SAME: \22result_reason\22:\22what it reads is also read by others\22
// CHECK-SAME: \22quantizers\22:[{\22elements\22:64,\22levels\22:\22-1, 1\22,\22name\22:\22sign\22,\22nodes\22:[\22sign\22],\22order\22:\22rows\22,\22reason\22:\22what it reads is also read by others\22}]
func.func @numbers(%a: tensor<4x2xi64>, %w: tensor<2x2x8xi64>) -> (tensor<4x16xf32>, tensor<4x2xi64>) {
  %e = tensor.empty() : tensor<4x16xf32>
  %y = lowbit.packed_matmul ins(%a, %w : tensor<4x2xi64>, tensor<2x2x8xi64>) outs(%e : tensor<4x16xf32>)
    attributes {kernel = "generic-popcount", size = 40 : i64, columns = 16 : i64, lhs_packing = #signs, rhs_packing = #weights} {
  ^bb0(%acc: i32):
    %f = arith.sitofp %acc : i32 to f32
    lowbit.yield %f : f32
  } -> tensor<4x16xf32>
  %p = tensor.empty() : tensor<4x2xi64>
  %q = lowbit.quantize_pack ins(%y : tensor<4x16xf32>) outs(%p : tensor<4x2xi64>)
    {packing = #signs, rounding = #lowbit.rounding<step>} -> tensor<4x2xi64> loc("sign")
  return %y, %q : tensor<4x16xf32>, tensor<4x2xi64>
}
