// RUN: lowbit-opt %s --lowbit-pack=kernel=x86-avx3 --verify-diagnostics

// expected-error @below {{unknown kernel 'x86-avx3'}}
// expected-note @below {{known kernels: x86-amx-bits}}
module {
}
