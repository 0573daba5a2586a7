// RUN: lowbit-opt %s --lowbit-widen-truths | FileCheck %s

// CHECK-LABEL: llvm.func @copy(
// CHECK-SAME: %[[FROM:.*]]: !llvm.ptr, %[[TO:.*]]: !llvm.ptr
// CHECK: %[[BYTE:.*]] = llvm.load %[[FROM]] {{.*}} -> i8
// CHECK: %[[ZERO:.*]] = llvm.mlir.constant(0 : i8) : i8
// CHECK: %[[TRUTH:.*]] = llvm.icmp "ne" %[[BYTE]], %[[ZERO]] : i8
// CHECK: %[[WIDE:.*]] = llvm.zext %[[TRUTH]] : i1 to i8
// CHECK: llvm.store %[[WIDE]], %[[TO]] {{.*}} : i8
llvm.func @copy(%from: !llvm.ptr, %to: !llvm.ptr) {
  %0 = llvm.load %from : !llvm.ptr -> i1
  llvm.store %0, %to : i1, !llvm.ptr
  llvm.return
}

// Vectors of bits, other types and what others may see at any time stay.
// CHECK-LABEL: llvm.func @others
// CHECK: llvm.load %{{.*}} -> vector<8xi1>
// CHECK: llvm.load %{{.*}} -> i8
// CHECK: llvm.load volatile %{{.*}} -> i1
// CHECK-NOT: llvm.icmp
llvm.func @others(%from: !llvm.ptr) {
  %0 = llvm.load %from : !llvm.ptr -> vector<8xi1>
  %1 = llvm.load %from : !llvm.ptr -> i8
  %2 = llvm.load volatile %from : !llvm.ptr -> i1
  llvm.return
}
