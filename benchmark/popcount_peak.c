// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The most binary multiply-accumulates a core does in a nanosecond when nothing
// has to be loaded: xor, popcount and addition of whole vectors in registers.
// Prints one number. Build with -O3 -march=native.

#include <stdint.h>
#include <stdio.h>
#include <time.h>

// HIDE keeps a value from being known to the compiler.
#define CHAINS 12
#define STEPS 20000
#define ROUNDS 200

#if defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>
typedef __m512i Vector;
#define BITS 512
#define HIDE(value) __asm__ volatile("" : "+v"(value))
static Vector splat(int value) { return _mm512_set1_epi32(value); }
static Vector step(Vector sum, Vector a, Vector b) {
  return _mm512_add_epi32(sum, _mm512_popcnt_epi32(_mm512_xor_si512(a, b)));
}
#elif defined(__AVX2__)
#include <immintrin.h>
typedef __m256i Vector;
#define BITS 256
#define HIDE(value) __asm__ volatile("" : "+x"(value))
static Vector splat(int value) { return _mm256_set1_epi32(value); }
static Vector step(Vector sum, Vector a, Vector b) {
  const Vector counts =
      _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                       2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const Vector low = _mm256_set1_epi8(15);
  Vector x = _mm256_xor_si256(a, b);
  Vector lower = _mm256_shuffle_epi8(counts, _mm256_and_si256(x, low));
  Vector upper = _mm256_shuffle_epi8(
      counts, _mm256_and_si256(_mm256_srli_epi32(x, 4), low));
  return _mm256_add_epi8(sum, _mm256_add_epi8(lower, upper));
}
#else
typedef uint64_t Vector;
#define BITS 64
#define HIDE(value) __asm__ volatile("" : "+r"(value))
static Vector splat(int value) { return (uint64_t)value * 0x100000001u; }
static Vector step(Vector sum, Vector a, Vector b) {
  return sum + (uint64_t)__builtin_popcountll(a ^ b);
}
#endif

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(void) {
  Vector sums[CHAINS], x[CHAINS], b = splat(STEPS);
  for (int i = 0; i < CHAINS; ++i) {
    sums[i] = splat(i);
    x[i] = splat(i * 77777);
    HIDE(x[i]);
  }
  double best = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    double start = now();
    for (int n = 0; n < STEPS; ++n) {
      HIDE(b);
#pragma unroll
      for (int i = 0; i < CHAINS; ++i)
        sums[i] = step(sums[i], b, x[i]);
    }
    for (int i = 0; i < CHAINS; ++i)
      HIDE(sums[i]);
    double rate = (double)BITS * CHAINS * STEPS / (now() - start);
    if (rate > best)
      best = rate;
  }
  printf("%.0f\n", best);
  return 0;
}
