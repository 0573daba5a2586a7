// A stock mlir-opt runs the dialect's folds and passes from the plugin.
//
// Debian's mlir-opt has no sanitizer runtime for an instrumented plugin.
// UNSUPPORTED: sanitizer
//
// RUN: mlir-opt %s --load-dialect-plugin=%lowbit_libs/LowbitPlugin%shlibext \
// RUN:   --pass-pipeline='builtin.module(canonicalize)' | FileCheck %s --check-prefix=FOLD
// RUN: mlir-opt %s --load-dialect-plugin=%lowbit_libs/LowbitPlugin%shlibext \
// RUN:   --pass-pipeline='builtin.module(convert-lowbit-to-linalg,canonicalize)' \
// RUN:   | FileCheck %s --check-prefix=LINALG
// RUN: mlir-opt %s --load-dialect-plugin=%lowbit_libs/LowbitPlugin%shlibext \
// RUN:   --load-pass-plugin=%lowbit_libs/LowbitPlugin%shlibext \
// RUN:   --pass-pipeline='builtin.module(lowbit-pack,canonicalize)' \
// RUN:   | FileCheck %s --check-prefix=PACK

// It brings no copy of MLIR.
// RUN: llvm-readelf -d %lowbit_libs/LowbitPlugin%shlibext | FileCheck %s --check-prefix=NEEDED
// NEEDED-NOT: libMLIR
// NEEDED-NOT: libLLVM

// FOLD-LABEL: @sum
// FOLD: arith.constant dense<[0, 2]> : tensor<2xi32>
// LINALG-LABEL: @matmul
// LINALG-SAME: tensor<4x96xi8>
// LINALG: linalg.generic
// PACK-LABEL: @matmul
// PACK: lowbit.packed_matmul
func.func @sum() -> tensor<2xi32> {
  %w = lowbit.constant dense<[[1, -1], [1, 1]]> : tensor<2x2xi8> -> tensor<2x2x!lowbit.levels<-1, 1>>
  %e = tensor.empty() : tensor<2xi32>
  %0 = lowbit.level_sum ins(%w : tensor<2x2x!lowbit.levels<-1, 1>>) outs(%e : tensor<2xi32>) {axis = 1 : i64} -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

func.func @matmul(%a: tensor<4x96x!lowbit.levels<-1, 0, 1>>, %w: tensor<8x96x!lowbit.levels<-1, 1>>) -> tensor<4x8xi32> {
  %e = tensor.empty() : tensor<4x8xi32>
  %0 = lowbit.matmul ins(%a, %w : tensor<4x96x!lowbit.levels<-1, 0, 1>>, tensor<8x96x!lowbit.levels<-1, 1>>)
         outs(%e : tensor<4x8xi32>) {transpose_rhs} -> tensor<4x8xi32>
  return %0 : tensor<4x8xi32>
}
