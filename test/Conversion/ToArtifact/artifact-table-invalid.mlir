// RUN: lowbit-opt %s --lowbit-emit-artifact-table --split-input-file --verify-diagnostics

// expected-error @+1 {{expected a function that convert-to-lowbit-entry made}}
module {}

// -----

// An encoder and a decoder of different widths.
// expected-error @+1 {{output 'encoded' of 'encoder' is float32 [batch, 128], but input 'encoded' of 'step', which it feeds, is float32 [?, 96]}}
module {
  llvm.func @a() attributes {lowbit.entry = "encoder", lowbit.signature = {
    inputs = [], outputs = [{dims = array<i64: -2, 128>, dtype = 6 : i32, name = "encoded"}], symbols = ["batch"]}}
  llvm.func @b() attributes {lowbit.entry = "step", lowbit.signature = {
    inputs = [{dims = array<i64: -1, 96>, dtype = 6 : i32, name = "encoded"}], outputs = [], symbols = []}}
}

// -----

// expected-error @+1 {{outputs 'past_k' and 'present_k' of 'step' both become the input 'past_k'}}
module {
  llvm.func @a() attributes {lowbit.entry = "step", lowbit.signature = {
    inputs = [{dims = array<i64: 2>, dtype = 6 : i32, name = "past_k"}],
    outputs = [{dims = array<i64: 2>, dtype = 6 : i32, name = "past_k"},
               {dims = array<i64: 2>, dtype = 6 : i32, name = "present_k"}], symbols = []}}
}

// -----

// expected-error @+1 {{state 'memory=next': no model has an input 'memory'}}
module attributes {lowbit.states = [["memory", "next"]]} {
  llvm.func @a() attributes {lowbit.entry = "step", lowbit.signature = {inputs = [], outputs = [], symbols = []}}
}

// -----

// expected-error @+1 {{state 'memory=next': no model has an output 'next'}}
module attributes {lowbit.states = [["memory", "next"]]} {
  llvm.func @a() attributes {lowbit.entry = "step", lowbit.signature = {
    inputs = [{dims = array<i64: 2>, dtype = 6 : i32, name = "memory"}], outputs = [], symbols = []}}
}
