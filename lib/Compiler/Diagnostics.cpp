//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns locations into text: a place in a file where there is one, else the
// name of the ONNX node.
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::lowbit;

/// The first place in a file and the first node name in a location.
static void describe(Location loc, FileLineColLoc &file, StringRef &node) {
  loc->walk([&](Location part) {
    if (!file)
      file = dyn_cast<FileLineColLoc>(part);
    if (auto name = dyn_cast<NameLoc>(part); name && node.empty())
      node = name.getName().getValue();
    return WalkResult::advance();
  });
}

static void print(raw_ostream &os, StringRef severity, Location loc,
                  const std::string &message) {
  FileLineColLoc file;
  StringRef node;
  describe(loc, file, node);
  if (file)
    os << file.getFilename().getValue() << ":" << file.getLine() << ":"
       << file.getColumn() << ": ";
  os << severity << ": ";
  if (!file && !node.empty() && !StringRef(message).contains(node))
    os << "'" << node << "': ";
  os << message << "\n";
}

static StringRef getName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  return "error";
}

DiagnosticCollector::DiagnosticCollector(MLIRContext *context, bool remarks)
    : handler(context, [this, remarks](Diagnostic &diagnostic) {
        DiagnosticSeverity severity = diagnostic.getSeverity();
        if (severity == DiagnosticSeverity::Remark && !remarks)
          return success();
        llvm::raw_string_ostream os(text);
        print(os, getName(severity), diagnostic.getLocation(),
              diagnostic.str());
        for (Diagnostic &note : diagnostic.getNotes()) {
          os << "  ";
          print(os, getName(note.getSeverity()), note.getLocation(),
                note.str());
        }
        return success();
      }) {}

std::string DiagnosticCollector::getText() const {
  return StringRef(text).rtrim('\n').str();
}
