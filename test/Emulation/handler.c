/*===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes instructions on CPUs without them, so that kernels are tested
// everywhere. Loaded with LD_PRELOAD this library catches the invalid-opcode
// signal, decodes the instruction and does in C what Intel's manual says. The
// registers are those of the signal frame, which the return from the handler
// loads. An instruction that no part knows ends the process.
//
//===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include "emulation.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fail(const uint8_t *code, const char *what) {
  /* The bytes behind an instruction may lie on a page that is not there. */
  enum { kLongest = 15, kPage = 4096 };
  size_t count = kPage - (uintptr_t)code % kPage;
  char text[3 * kLongest + 1] = "";
  for (size_t i = 0; code != NULL && i < count && i < kLongest; ++i)
    snprintf(text + 3 * i, 4, " %02x", code[i]);
  dprintf(STDERR_FILENO, "lowbit emulation: %s; instruction:%s\n", what, text);
  abort();
}

/* Executes the instruction that is next, if any part knows it. */
static bool execute(ucontext_t *context) {
  greg_t *next = &context->uc_mcontext.gregs[REG_RIP];
  const uint8_t *code = (const uint8_t *)*next;
  struct Instruction instruction;
  if (!decode(context, code, &instruction) ||
      !(execute_tile(code, &instruction) ||
        execute_vector(context, code, &instruction)))
    return false;
  *next += (greg_t)instruction.length;
  return true;
}

static void on_invalid_opcode(int number, siginfo_t *info, void *argument) {
  (void)number;
  (void)info;
  ucontext_t *context = argument;
  if (!execute(context))
    fail((const uint8_t *)context->uc_mcontext.gregs[REG_RIP],
         "unknown instruction");
  /* A signal takes longer than an instruction, and they come in groups. */
  while (execute(context))
    ;
}

__attribute__((constructor)) static void install(void) {
  locate_registers();
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = on_invalid_opcode;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (sigaction(SIGILL, &action, NULL) != 0)
    fail(NULL, "cannot install the handler");
}
