// Functions and operations that only move levels are converted too.
//
// RUN: lowbit-opt %s --convert-lowbit-to-linalg | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: lowbit-opt %s --convert-lowbit-to-linalg=keep-kernels | FileCheck %s --check-prefixes=CHECK,KEEP

!pm1 = !lowbit.levels<-1, 1>

// CHECK-LABEL: func.func private @callee(tensor<?x4xi8>) -> tensor<4x?xi8>
func.func private @callee(tensor<?x4x!pm1>) -> tensor<4x?x!pm1>

// CHECK-LABEL: @movement
// CHECK-SAME: (%{{.*}}: tensor<?x2x2xi8>, %{{.*}}: i1, %{{.*}}: tensor<2xi64>) -> tensor<?x?xi8>
func.func @movement(%q: tensor<?x2x2x!pm1>, %c: i1, %shape: tensor<2xi64>) -> tensor<?x?x!pm1> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %q, %c0 : tensor<?x2x2x!pm1>
  // CHECK: tensor.collapse_shape %{{.*}} : tensor<?x2x2xi8> into tensor<?x4xi8>
  %0 = tensor.collapse_shape %q [[0], [1, 2]] : tensor<?x2x2x!pm1> into tensor<?x4x!pm1>
  %e = tensor.empty(%n) : tensor<4x?x!pm1>
  // CHECK: linalg.transpose ins(%{{.*}} : tensor<?x4xi8>) outs(%{{.*}} : tensor<4x?xi8>)
  %1 = linalg.transpose ins(%0 : tensor<?x4x!pm1>) outs(%e : tensor<4x?x!pm1>) permutation = [1, 0]
  // CHECK: linalg.generic
  // CHECK: ^bb0(%{{.*}}: i8, %{{.*}}: i8):
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
         ins(%0 : tensor<?x4x!pm1>) outs(%e : tensor<4x?x!pm1>) {
    ^bb0(%in: !pm1, %out: !pm1):
      linalg.yield %in : !pm1
  } -> tensor<4x?x!pm1>
  // CHECK: call @callee(%{{.*}}) : (tensor<?x4xi8>) -> tensor<4x?xi8>
  %3 = call @callee(%0) : (tensor<?x4x!pm1>) -> tensor<4x?x!pm1>
  // CHECK: scf.if %{{.*}} -> (tensor<4x?xi8>)
  %4 = scf.if %c -> (tensor<4x?x!pm1>) {
    scf.yield %1 : tensor<4x?x!pm1>
  } else {
    scf.yield %2 : tensor<4x?x!pm1>
  }
  // CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x?xi8>
  %5 = arith.select %c, %3, %4 : tensor<4x?x!pm1>
  // CHECK: tensor.reshape %{{.*}} : (tensor<4x?xi8>, tensor<2xi64>) -> tensor<?x?xi8>
  %6 = tensor.reshape %5(%shape) : (tensor<4x?x!pm1>, tensor<2xi64>) -> tensor<?x?x!pm1>
  return %6 : tensor<?x?x!pm1>
}

// CHECK-LABEL: @kernels
// ALL-NOT: lowbit
// KEEP: lowbit.quantize_pack
// KEEP: lowbit.packed_matmul
// KEEP: lowbit.yield
// KEEP: lowbit.softmax
func.func @kernels(%x: tensor<4x96xf32>, %w: tensor<4x3x8xi64>) -> tensor<4x32xf32> {
  %p = tensor.empty() : tensor<4x3xi64>
  %0 = lowbit.quantize_pack ins(%x : tensor<4x96xf32>) outs(%p : tensor<4x3xi64>)
         {packing = #lowbit.packing<<-1, 1>, rows>, rounding = #lowbit.rounding<step>} -> tensor<4x3xi64>
  %e = tensor.empty() : tensor<4x32xf32>
  %1 = lowbit.packed_matmul ins(%0, %w : tensor<4x3xi64>, tensor<4x3x8xi64>) outs(%e : tensor<4x32xf32>)
         attributes {kernel = "portable", size = 96 : i64, columns = 32 : i64,
           lhs_packing = #lowbit.packing<<-1, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
    ^bb0(%acc: i32):
      %f = arith.sitofp %acc : i32 to f32
      lowbit.yield %f : f32
  } -> tensor<4x32xf32>
  %2 = lowbit.softmax ins(%1 : tensor<4x32xf32>) outs(%e : tensor<4x32xf32>) -> tensor<4x32xf32>
  return %2 : tensor<4x32xf32>
}

// Operations on buffers are left to their kernels.
// CHECK-LABEL: @buffers
// CHECK: lowbit.softmax
func.func @buffers(%x: memref<4x32xf32>) {
  lowbit.softmax ins(%x : memref<4x32xf32>) outs(%x : memref<4x32xf32>)
  return
}
