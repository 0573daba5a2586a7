// RUN: lowbit-opt %s --lowbit-split-reductions --canonicalize --split-input-file | FileCheck %s

// The minimum of a tensor, with a producer in its body: rows, then all of them.
// CHECK-DAG:   #[[XYZ:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG:   #[[Z:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-DAG:   #[[XY:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func @minimum
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x3072xf32>, %[[SHIFT:.*]]: tensor<3072xf32>, %[[INIT:.*]]: tensor<f32>
// CHECK-DAG:     %[[INF:.*]] = arith.constant 0x7F800000 : f32
// CHECK:         %[[EMPTY:.*]] = tensor.empty(%{{.*}}, %{{.*}}) : tensor<?x?xf32>
// CHECK:         %[[START:.*]] = linalg.fill ins(%[[INF]] : f32) outs(%[[EMPTY]]
// CHECK:         %[[ROWS:.*]] = linalg.generic {indexing_maps = [#[[XYZ]], #[[Z]], #[[XY]]], iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[X]], %[[SHIFT]] : {{.*}}) outs(%[[START]]
// CHECK:           arith.addf
// CHECK:           arith.minimumf
// CHECK:         %[[ALL:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "reduction"]} ins(%[[ROWS]] : tensor<?x?xf32>) outs(%[[INIT]]
// CHECK-NOT:       arith.addf
// CHECK:           arith.minimumf
// CHECK:         return %[[ALL]]
func.func @minimum(%x: tensor<?x?x3072xf32>, %shift: tensor<3072xf32>, %init: tensor<f32>) -> tensor<f32> {
  %r = linalg.generic {
      indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (k)>, affine_map<(i, j, k) -> ()>],
      iterator_types = ["reduction", "reduction", "reduction"]}
      ins(%x, %shift : tensor<?x?x3072xf32>, tensor<3072xf32>) outs(%init : tensor<f32>) {
  ^bb0(%a: f32, %s: f32, %acc: f32):
    %sum = arith.addf %a, %s : f32
    %m = arith.minimumf %acc, %sum : f32
    linalg.yield %m : f32
  } -> tensor<f32>
  return %r : tensor<f32>
}

// -----

// Trailing dimensions; the neutral element of a float sum is -0.0.
// CHECK-LABEL: func @trailing_sum
// CHECK:         arith.constant -0.000000e+00 : f32
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%{{.*}} : tensor<8x?xf32>) outs(%{{.*}} : tensor<8xf32>)
func.func @trailing_sum(%x: tensor<8x?x100xf32>, %init: tensor<8xf32>) -> tensor<8xf32> {
  %r = linalg.generic {
      indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i)>],
      iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%x : tensor<8x?x100xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %s = arith.addf %a, %acc : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

// The position of a maximum depends on the maximum: two accumulators together.
// CHECK-LABEL: func @position
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
func.func @position(%x: tensor<?x64xf32>, %value: tensor<f32>, %at: tensor<i64>) -> (tensor<f32>, tensor<i64>) {
  %r:2 = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>, affine_map<(i, j) -> ()>],
      iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<?x64xf32>) outs(%value, %at : tensor<f32>, tensor<i64>) {
  ^bb0(%a: f32, %best: f32, %where: i64):
    %j = linalg.index 1 : index
    %here = arith.index_cast %j : index to i64
    %more = arith.cmpf ogt, %a, %best : f32
    %v = arith.select %more, %a, %best : f32
    %p = arith.select %more, %here, %where : i64
    linalg.yield %v, %p : f32, i64
  } -> (tensor<f32>, tensor<i64>)
  return %r#0, %r#1 : tensor<f32>, tensor<i64>
}

// -----

// Few elements, one dimension, a product (its order counts), a predicate.
// CHECK-LABEL: func @stay
// CHECK-COUNT-4: linalg.generic
// CHECK-NOT:     linalg.generic
func.func @stay(%few: tensor<8x8xf32>, %row: tensor<?xf32>, %x: tensor<?x?xf32>, %ids: tensor<?x?xi64>,
                %f: tensor<f32>, %t: tensor<i1>) -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<i1>) {
  %0 = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%few : tensor<8x8xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %acc: f32):
    %s = arith.maximumf %a, %acc : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%row : tensor<?xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %acc: f32):
    %s = arith.maximumf %a, %acc : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  %2 = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %acc: f32):
    %s = arith.mulf %a, %acc : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  %3 = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%ids : tensor<?x?xi64>) outs(%t : tensor<i1>) {
  ^bb0(%a: i64, %acc: i1):
    %zero = arith.constant 0 : i64
    %ok = arith.cmpi sge, %a, %zero : i64
    %s = arith.andi %ok, %acc : i1
    linalg.yield %s : i1
  } -> tensor<i1>
  return %0, %1, %2, %3 : tensor<f32>, tensor<f32>, tensor<f32>, tensor<i1>
}
