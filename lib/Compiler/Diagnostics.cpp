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

namespace {
/// What a location tells.
struct Place {
  explicit Place(Location loc) {
    loc->walk([&](Location part) {
      if (!file)
        file = dyn_cast<FileLineColLoc>(part);
      auto name = dyn_cast<NameLoc>(part);
      if (!name)
        return WalkResult::advance();
      if (node.empty())
        node = name.getName().getValue();
      // The importer names the model outside of its nodes.
      if (model.empty() && isa<UnknownLoc>(name.getChildLoc()))
        model = name.getName().getValue();
      return WalkResult::advance();
    });
  }

  FileLineColLoc file; // the first
  StringRef node;      // the first
  StringRef model;
};
} // namespace

static void print(raw_ostream &os, StringRef severity, Location loc,
                  const std::string &message, bool nameModel) {
  Place place(loc);
  if (place.file)
    os << place.file.getFilename().getValue() << ":" << place.file.getLine()
       << ":" << place.file.getColumn() << ": ";
  else if (nameModel && !place.model.empty())
    os << place.model << ": ";
  os << severity << ": ";
  bool isModel = nameModel && place.node == place.model;
  if (!place.file && !place.node.empty() && !isModel &&
      !StringRef(message).contains(place.node))
    os << "'" << place.node << "': ";
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

DiagnosticCollector::DiagnosticCollector(MLIRContext *context, bool remarks,
                                         bool nameModels)
    : handler(context, [this, remarks, nameModels](Diagnostic &diagnostic) {
        DiagnosticSeverity severity = diagnostic.getSeverity();
        if (severity == DiagnosticSeverity::Remark && !remarks)
          return success();
        llvm::raw_string_ostream os(text);
        print(os, getName(severity), diagnostic.getLocation(), diagnostic.str(),
              nameModels);
        for (Diagnostic &note : diagnostic.getNotes()) {
          os << "  ";
          print(os, getName(note.getSeverity()), note.getLocation(), note.str(),
                nameModels);
        }
        return success();
      }) {}

std::string DiagnosticCollector::getText() const {
  return StringRef(text).rtrim('\n').str();
}
