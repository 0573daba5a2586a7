// RUN: lowbit-opt %s --split-input-file --lowbit-report | FileCheck %s
// RUN: lowbit-opt %s --split-input-file --lowbit-pack --convert-lowbit-to-linalg=keep-kernels --lowbit-fuse-epilogue --lowbit-report | FileCheck %s --check-prefix=PACKED

// Sizes that depend on the input are null; 32 x 96 binary weights are 384 bytes.

// CHECK: module attributes {lowbit.report = "{\22attentions\22:[],\22matmuls\22:[
// CHECK-SAME: {\22attention\22:null,\22batch\22:null,\22cost\22:null
// CHECK-SAME: \22k\22:96,\22kernel\22:null,\22lhs\22:\22-1, 0, 1\22,\22m\22:4,\22macs\22:null,\22n\22:32,\22name\22:\22query\22,\22nodes\22:[\22query\22],\22reason\22:null
// CHECK-SAME: \22rhs\22:\22-1, 1\22,\22selection\22:null,\22weight_bytes\22:384}
// CHECK-SAME: \22batch\22:1
// CHECK-SAME: \22k\22:8,\22kernel\22:\22float\22,\22lhs\22:\22f32\22,\22m\22:4,\22macs\22:64,\22n\22:2,\22name\22:\22classifier\22,{{.*}}\22reason\22:\22neither side is quantized\22
// CHECK-SAME: \22rhs\22:\22f32\22,\22selection\22:null,\22weight_bytes\22:0}
// CHECK-SAME: \22float\22:1,\22matmuls\22:2
// CHECK-SAME: \22quantized\22:1,{{.*}}\22weight_bytes\22:384}

// PACKED: \22kernel\22:\22{{[a-z]}}
// PACKED-SAME: \22name\22:\22query\22
// PACKED-SAME: \22selection\22:0
// PACKED-SAME: \22quantized\22:1

#id = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
func.func @main(%x: tensor<?x4x96xf32>, %a: tensor<4x8xf32>, %b: tensor<8x2xf32>) -> (tensor<?x4x32xi32>, tensor<4x2xf32>) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x4x96xf32>
  %e = tensor.empty(%batch) : tensor<?x4x96x!lowbit.levels<-1, 0, 1>>
  %q = lowbit.quantize ins(%x : tensor<?x4x96xf32>) outs(%e : tensor<?x4x96x!lowbit.levels<-1, 0, 1>>)
    {rounding = #lowbit.rounding<sign>} -> tensor<?x4x96x!lowbit.levels<-1, 0, 1>>
  %w = lowbit.constant dense<1> : tensor<32x96xi8> -> tensor<32x96x!lowbit.levels<-1, 1>>
  %i = tensor.empty(%batch) : tensor<?x4x32xi32>
  %y = lowbit.matmul ins(%q, %w : tensor<?x4x96x!lowbit.levels<-1, 0, 1>>, tensor<32x96x!lowbit.levels<-1, 1>>)
    outs(%i : tensor<?x4x32xi32>) {transpose_rhs} -> tensor<?x4x32xi32> loc("query")
  %zero = arith.constant 0.0 : f32
  %f = tensor.empty() : tensor<4x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%f : tensor<4x2xf32>) -> tensor<4x2xf32>
  %z = linalg.generic {indexing_maps = [#id, #rhs, #result], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : tensor<4x8xf32>, tensor<8x2xf32>) outs(%init : tensor<4x2xf32>)
    attrs = {lowbit.float_matmul, lowbit.float_reason = "neither side is quantized"} {
  ^bb0(%p: f32, %r: f32, %acc: f32):
    %m = arith.mulf %p, %r : f32
    %s = arith.addf %acc, %m : f32
    linalg.yield %s : f32
  } -> tensor<4x2xf32> loc("classifier")
  return %y, %z : tensor<?x4x32xi32>, tensor<4x2xf32>
}

// -----

// Loops that define a product without a kernel keep its levels, and what is
// fused into them does not hide them.

// PACKED: \22kernel\22:null,\22lhs\22:\22f32\22
// PACKED-SAME: \22nodes\22:[\22context\22,\22relu\22]
// PACKED-SAME: \22reason\22:\22no kernel takes it\22
// PACKED-SAME: \22rhs\22:\22-1, 0, 1\22,\22selection\22:0
// PACKED-SAME: {\22cost\22:null,\22kernel\22:\22generic-popcount\22,\22reason\22:\22the left side is float\22}
// PACKED-SAME: {\22cost\22:null,\22kernel\22:\22generic-float\22,\22reason\22:\22the right side is not constant\22}
#id = affine_map<(m, n) -> (m, n)>
func.func @no_kernel(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>) -> tensor<4x2xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%a : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%x: f32, %o: f32):
    %y = arith.maximumf %x, %zero : f32 loc("relu")
    linalg.yield %y : f32 loc("relu")
  } -> tensor<4x8xf32> loc("relu")
  %w = tensor.empty() : tensor<8x2x!lowbit.levels<-1, 0, 1>>
  %q = lowbit.quantize ins(%b : tensor<8x2xf32>) outs(%w : tensor<8x2x!lowbit.levels<-1, 0, 1>>)
    {rounding = #lowbit.rounding<sign>} -> tensor<8x2x!lowbit.levels<-1, 0, 1>>
  %i = tensor.empty() : tensor<4x2xf32>
  %z = lowbit.matmul ins(%r, %q : tensor<4x8xf32>, tensor<8x2x!lowbit.levels<-1, 0, 1>>)
    outs(%i : tensor<4x2xf32>) -> tensor<4x2xf32> loc("context")
  return %z : tensor<4x2xf32>
}
