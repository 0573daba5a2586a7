// RUN: lowbit-opt %s --lowbit-link-entries --split-input-file --verify-diagnostics | FileCheck %s

// CHECK: module attributes {lowbit.report = "{\22entries\22:[{\22matmuls\22:[],\22name\22:\22first\22,\22summary\22:{\22matmuls\22:2}},
// CHECK-SAME: \22summary\22:{{{.*}}\22matmuls\22:5,{{.*}}\22quantized\22:0,{{.*}}\22weight_bytes\22:0}}"}
// CHECK-NOT: module
module {
  module @first attributes {lowbit.report = "{\22matmuls\22:[],\22summary\22:{\22matmuls\22:2}}"} {
    // CHECK: llvm.mlir.global internal constant @table(1 : i32)
    llvm.mlir.global internal constant @table(1 : i32) : i32
    // CHECK: llvm.func @expf(f32) -> f32
    llvm.func @expf(f32) -> f32
    // CHECK: llvm.func internal @lowbit_entry()
    llvm.func internal @lowbit_entry() {
      // CHECK: llvm.mlir.addressof @table :
      %0 = llvm.mlir.addressof @table : !llvm.ptr
      llvm.return
    }
  }
  module @second attributes {lowbit.report = "{\22matmuls\22:[],\22summary\22:{\22matmuls\22:3}}"} {
    // CHECK: llvm.mlir.global internal constant @table_1(2 : i32)
    llvm.mlir.global internal constant @table(2 : i32) : i32
    // CHECK-NOT: @expf(f32) -> f32
    llvm.func @expf(f32) -> f32
    // CHECK: llvm.func internal @lowbit_entry_1(%[[X:.*]]: f32)
    llvm.func internal @lowbit_entry(%x: f32) {
      // CHECK: llvm.mlir.addressof @table_1 :
      %0 = llvm.mlir.addressof @table : !llvm.ptr
      // CHECK: llvm.call @expf(%[[X]])
      %1 = llvm.call @expf(%x) : (f32) -> f32
      llvm.return
    }
  }
}

// -----

module {
  // expected-error @+1 {{expected a name: it becomes that of the entry}}
  module {}
}
