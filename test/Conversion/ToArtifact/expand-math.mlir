// RUN: lowbit-opt %s --lowbit-expand-math --split-input-file | FileCheck %s

// Without instructions for them, rounding and fused operations become arithmetic.
// CHECK-LABEL: func @baseline
// CHECK-NOT:     math.exp
// CHECK-NOT:     math.fma
// CHECK-NOT:     math.roundeven
// CHECK:         return
module attributes {lowbit.target = "x86-64"} {
  func.func @baseline(%x: f32, %v: vector<8xf32>) -> (f32, vector<8xf32>, vector<8xf32>) {
    %a = math.exp %x : f32
    %b = math.roundeven %v : vector<8xf32>
    %c = math.fma %v, %v, %v : vector<8xf32>
    return %a, %b, %c : f32, vector<8xf32>, vector<8xf32>
  }
}

// -----

// CHECK-LABEL: func @v3
// CHECK:         math.roundeven
// CHECK:         math.fma {{.*}} : vector<8xf32>
// CHECK-NOT:     math.erf
// CHECK-NOT:     math.tanh
// CHECK-NOT:     math.log
// CHECK:         return
module attributes {lowbit.target = "x86-64-v3"} {
  func.func @v3(%v: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
    %a = math.roundeven %v : vector<8xf32>
    %b = math.erf %v : vector<8xf32>
    %c = math.tanh %v : vector<8xf32>
    %d = math.log %v : vector<8xf32>
    return %a, %b, %c, %d : vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>
  }
}

// -----

// Other types and rare functions are left to the C library.
// CHECK-LABEL: func @library
// CHECK:         math.exp %{{.*}} : f64
// CHECK:         math.sin
func.func @library(%x: f64, %y: f32) -> (f64, f32) {
  %a = math.exp %x : f64
  %b = math.sin %y : f32
  return %a, %b : f64, f32
}

// -----

// Both orders of the instruction together hand NaN on and find the right zero; a
// constant wins or loses a tie of zeros by its sign.
// CHECK-LABEL: func @extrema
// CHECK-SAME:    %[[A:.*]]: vector<16xf32>, %[[B:.*]]: vector<16xf32>
// CHECK:         arith.cmpf olt, %[[A]], %[[B]]
// CHECK:         arith.cmpf olt, %[[B]], %[[A]]
// CHECK:         arith.ori
// CHECK:         arith.cmpf ogt, %[[A]], %[[B]]
// CHECK:         arith.cmpf ogt, %[[B]], %[[A]]
// CHECK:         arith.cmpf uno, %[[A]], %[[B]]
// CHECK:         arith.andi
// CHECK:         %[[POSITIVE:.*]] = arith.cmpf oge, %[[ZERO:.*]], %[[A]]
// CHECK:         arith.select %[[POSITIVE]], %[[ZERO]], %[[A]]
// CHECK:         arith.cmpf olt, %{{.*}}, %[[A]]
// CHECK-NOT:     arith.minimumf
// CHECK-NOT:     arith.maximumf
func.func @extrema(%a: vector<16xf32>, %b: vector<16xf32>)
    -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  %zero = arith.constant dense<0.0> : vector<16xf32>
  %0 = arith.minimumf %a, %b : vector<16xf32>
  %1 = arith.maximumf %a, %b : vector<16xf32>
  %2 = arith.maximumf %a, %zero : vector<16xf32>
  %3 = arith.minimumf %zero, %a : vector<16xf32>
  return %0, %1, %2, %3 : vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>
}
