//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Collects what passes say while one compilation runs.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_COMPILER_DIAGNOSTICS_H
#define LOWBIT_LIB_COMPILER_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include <string>

namespace mlir::lowbit {

/// Writes each diagnostic on a line of its own, notes indented below it:
/// `file:3:5: error: message`, `error: 'node name': message`; with `nameModels`
/// the model stands in front, `model: error: ...`.
class DiagnosticCollector {
public:
  DiagnosticCollector(MLIRContext *context, bool remarks, bool nameModels);

  /// All of them, without a line end behind the last.
  std::string getText() const;

private:
  std::string text;
  ScopedDiagnosticHandler handler;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_COMPILER_DIAGNOSTICS_H
