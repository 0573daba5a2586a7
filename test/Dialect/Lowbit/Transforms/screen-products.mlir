// RUN: lowbit-opt %s --lowbit-screen-products | FileCheck %s

// Two rows of a panel of 64; what is beyond them has codes of 0.

// CHECK-LABEL: func @constant
// CHECK-DAG: %[[C:.*]] = arith.constant dense_resource<{{.*}}> : tensor<1x1x256xi8>
// CHECK-DAG: %[[B:.*]] = arith.constant dense_resource<{{.*}}> : tensor<4x64xf32>
// CHECK: lowbit.top_product ins({{.*}}) screen(%[[C]], %[[B]] : tensor<1x1x256xi8>, tensor<4x64xf32>)
func.func @constant(%x: tensor<?x3xf32>, %e: tensor<?x1xf32>, %f: tensor<?x1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>) {
  %t = arith.constant dense<[[1.0, 0.5, -1.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf32>
  %0:2 = lowbit.top_product ins(%x, %t : tensor<?x3xf32>, tensor<2x3xf32>)
         outs(%e, %f : tensor<?x1xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>, tensor<?x1xi64>
  return %0#0, %0#1 : tensor<?x1xf32>, tensor<?x1xi64>
}

// A table that is not known when compiling has no screen.

// CHECK-LABEL: func @argument
// CHECK-NOT: screen(
// CHECK: return
func.func @argument(%x: tensor<?x3xf32>, %t: tensor<2x3xf32>, %e: tensor<?x1xf32>, %f: tensor<?x1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>) {
  %0:2 = lowbit.top_product ins(%x, %t : tensor<?x3xf32>, tensor<2x3xf32>)
         outs(%e, %f : tensor<?x1xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>, tensor<?x1xi64>
  return %0#0, %0#1 : tensor<?x1xf32>, tensor<?x1xi64>
}

// Codes 127, 64 and -127 are stored as 255, 192 and 1.
// CHECK: dialect_resources
// CHECK: "0x{{[0-9A-F]*}}FFC00180808080
