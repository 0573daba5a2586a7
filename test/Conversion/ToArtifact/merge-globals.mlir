// RUN: lowbit-opt %s --lowbit-merge-globals | FileCheck %s

// Equal bytes in two resources: one constant, with the larger alignment.
// CHECK: llvm.mlir.global private constant @a(dense_resource<a> : tensor<4xi8>) {{.*}}alignment = 64 : i64
llvm.mlir.global private constant @a(dense_resource<a> : tensor<4xi8>) : !llvm.array<4 x i8>
// CHECK-NOT: @b
llvm.mlir.global private constant @b(dense_resource<b> : tensor<4xi8>) {alignment = 64 : i64} : !llvm.array<4 x i8>
// CHECK: @c(dense_resource<c>
llvm.mlir.global private constant @c(dense_resource<c> : tensor<4xi8>) : !llvm.array<4 x i8>
// The same bytes, seen from outside or written to.
// CHECK: @outside
llvm.mlir.global external constant @outside(dense_resource<b> : tensor<4xi8>) : !llvm.array<4 x i8>
// CHECK: @written
llvm.mlir.global private @written(dense_resource<b> : tensor<4xi8>) : !llvm.array<4 x i8>
// CHECK: @text("word")
llvm.mlir.global internal constant @text("word")
// CHECK-NOT: @again
llvm.mlir.global internal constant @again("word")

llvm.func @use() {
  // CHECK: llvm.mlir.addressof @a :
  %0 = llvm.mlir.addressof @b : !llvm.ptr
  // CHECK: llvm.mlir.addressof @text :
  %1 = llvm.mlir.addressof @again : !llvm.ptr
  // CHECK: llvm.mlir.addressof @c :
  %2 = llvm.mlir.addressof @c : !llvm.ptr
  llvm.return
}

{-#
  dialect_resources: {
    builtin: {
      a: "0x0100000001020304",
      b: "0x0100000001020304",
      c: "0x0100000001020305"
    }
  }
#-}
