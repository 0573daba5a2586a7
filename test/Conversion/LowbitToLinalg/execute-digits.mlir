// RUN: %execute | FileCheck %s

!ternary = !lowbit.levels<-1, 0, 1>

func.func private @printMemrefI32(tensor<*xi32>)
func.func private @printMemrefF32(tensor<*xf32>)

// Five ternary digits in a byte, of seven elements in two bytes. The first byte of the
// first row has the codes 2 0 1 2 0 of the elements 0, 2, 4, 6 and none: 256 / 243 * 177,
// rounded up; the second 1 2 0 0 0.
func.func @main() {
  // CHECK: data =
  // CHECK-NEXT: [187, 143]
  // CHECK-NEXT: [0, 0]
  // CHECK-NEXT: [253, 247]
  %w = lowbit.constant dense<[
    [1, 0, -1, 1, 0, -1, 1], [-1, -1, -1, -1, -1, -1, -1], [1, 1, 1, 1, 1, 1, 1]]> : tensor<3x7xi8> -> tensor<3x7x!ternary>
  %ew = tensor.empty() : tensor<3x2xi8>
  %digits = lowbit.pack ins(%w : tensor<3x7x!ternary>) outs(%ew : tensor<3x2xi8>) {packing = #lowbit.packing<<-1, 0, 1>, digits>} -> tensor<3x2xi8>
  %e0 = tensor.empty() : tensor<3x2xi32>
  %wide = linalg.map ins(%digits : tensor<3x2xi8>) outs(%e0 : tensor<3x2xi32>)
    (%in: i8, %out: i32) {
      %x = arith.extui %in : i8 to i32
      linalg.yield %x : i32
    }
  %u0 = tensor.cast %wide : tensor<3x2xi32> to tensor<*xi32>

  // CHECK: data =
  // CHECK-NEXT: [-0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5]
  // CHECK-NEXT: [0.5, 0, -0.5, 0.5, 0, -0.5, 0.5]
  // CHECK-NEXT: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
  %ids = arith.constant dense<[1, 0, 2]> : tensor<3xi32>
  %scale = arith.constant dense<0.5> : tensor<f32>
  %el = tensor.empty() : tensor<3x7xf32>
  %rows = lowbit.packed_lookup ins(%digits, %ids, %scale : tensor<3x2xi8>, tensor<3xi32>, tensor<f32>) outs(%el : tensor<3x7xf32>)
         {packing = #lowbit.packing<<-1, 0, 1>, digits>} -> tensor<3x7xf32>
  %u1 = tensor.cast %rows : tensor<3x7xf32> to tensor<*xf32>
  // Called functions may write what they get, so the prints come last.
  call @printMemrefI32(%u0) : (tensor<*xi32>) -> ()
  call @printMemrefF32(%u1) : (tensor<*xf32>) -> ()
  return
}
