//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compile report (see lowbit-report) as a table: one row per matmul, one
// line per reason to stay float or to keep a quantizer apart, and the sums.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Compiler/Compiler.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <vector>

using llvm::StringRef;
using Row = std::vector<std::string>;

/// A number, "?" when it depends on the inputs, or a string.
static std::string getCell(const llvm::json::Object &entry, StringRef key,
                           StringRef missing) {
  const llvm::json::Value *value = entry.get(key);
  if (!value)
    return missing.str();
  if (std::optional<int64_t> number = value->getAsInteger())
    return std::to_string(*number);
  if (std::optional<StringRef> text = value->getAsString())
    return text->str();
  return missing.str();
}

/// Columns as wide as their widest cell; the first is left-aligned.
static void printTable(llvm::raw_ostream &os, llvm::ArrayRef<Row> rows) {
  llvm::SmallVector<size_t> widths(rows.front().size());
  for (const Row &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  for (const Row &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string gap(widths[i] - row[i].size(), ' ');
      line += i == 0 ? row[i] + gap : "  " + gap + row[i];
    }
    os << StringRef(line).rtrim() << "\n";
  }
}

/// One row per matmul, then the reasons.
static void printMatmuls(llvm::raw_ostream &os,
                         const llvm::json::Array &matmuls) {
  std::vector<Row> rows = {{"matmul", "batch", "m", "k", "n", "left", "right",
                            "kernel", "bytes", "result"}};
  llvm::SmallVector<std::string> reasons;
  for (const llvm::json::Value &value : matmuls) {
    const llvm::json::Object *entry = value.getAsObject();
    if (!entry)
      continue;
    rows.push_back({getCell(*entry, "name", "-"), getCell(*entry, "batch", "?"),
                    getCell(*entry, "m", "?"), getCell(*entry, "k", "?"),
                    getCell(*entry, "n", "?"), getCell(*entry, "lhs", "-"),
                    getCell(*entry, "rhs", "-"), getCell(*entry, "kernel", "-"),
                    getCell(*entry, "weight_bytes", "-"),
                    getCell(*entry, "result", "-")});
    auto explain = [&](StringRef key, StringRef what) {
      std::string reason = getCell(*entry, key, "");
      if (!reason.empty())
        reasons.push_back((rows.back().front() + what + reason).str());
    };
    bool isFloat = getCell(*entry, "kernel", "") == "float";
    explain("reason", isFloat ? " stays float: " : " has no kernel: ");
    if (rows.back().back() == "codes")
      explain("result_reason", " finds its codes without thresholds: ");
  }
  printTable(os, rows);
  for (const std::string &reason : reasons)
    os << reason << "\n";
}

/// One line per quantizer that no product, attention or normalisation took in.
static void printQuantizers(llvm::raw_ostream &os,
                            const llvm::json::Array &quantizers) {
  for (const llvm::json::Value &value : quantizers)
    if (const llvm::json::Object *entry = value.getAsObject();
        entry && entry->getString("reason"))
      os << "quantizer " << getCell(*entry, "name", "-")
         << " stays by itself: " << getCell(*entry, "reason", "-") << "\n";
}

static void printSummary(llvm::raw_ostream &os,
                         const llvm::json::Object &report) {
  const llvm::json::Object *summary = report.getObject("summary");
  if (!summary)
    return;
  auto get = [&](StringRef key) { return getCell(*summary, key, "?"); };
  os << llvm::formatv("{0} matmuls, {1} quantized, {2} float, {3} bytes of "
                      "weights\n",
                      get("matmuls"), get("quantized"), get("float"),
                      get("weight_bytes"));
  if (summary->get("thresholds"))
    os << llvm::formatv("{0} results by thresholds, {1} as other codes; {2} "
                        "fused attentions, {3} norms, {4} quantizers by "
                        "themselves\n",
                        get("thresholds"), get("codes"), get("attentions"),
                        get("norms"), get("quantizers"));
}

std::string mlir::lowbit::formatReport(StringRef json) {
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(json);
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return "";
  }
  const llvm::json::Object *report = parsed->getAsObject();
  if (!report)
    return "";
  std::string result;
  llvm::raw_string_ostream os(result);
  auto printModel = [&](const llvm::json::Object &model) {
    if (const llvm::json::Array *matmuls = model.getArray("matmuls")) {
      printMatmuls(os, *matmuls);
      if (const llvm::json::Array *quantizers = model.getArray("quantizers"))
        printQuantizers(os, *quantizers);
      printSummary(os, model);
    }
  };
  printModel(*report);
  if (const llvm::json::Array *entries = report->getArray("entries")) {
    for (const llvm::json::Value &value : *entries)
      if (const llvm::json::Object *entry = value.getAsObject()) {
        os << "entry " << getCell(*entry, "name", "-") << "\n";
        printModel(*entry);
      }
    os << "all entries: ";
    printSummary(os, *report);
  }
  return result;
}
