// RUN: lowbit-opt %s --lowbit-pack-globals | FileCheck %s

// CHECK: llvm.mlir.global private constant @weights(dense_resource<w> : tensor<16xi8>) {{.*}}alignment = 64 : i64{{.*}} : !llvm.array<16 x i8>
llvm.mlir.global private constant @weights(dense_resource<w> : tensor<2x2xi32>) : !llvm.array<2 x array<2 x i32>>
// CHECK: llvm.mlir.global private constant @small(dense<1>
llvm.mlir.global private constant @small(dense<1> : tensor<2xi32>) : !llvm.array<2 x i32>

{-#
  dialect_resources: {
    builtin: {
      w: "0x0400000001000000020000000300000004000000"
    }
  }
#-}
