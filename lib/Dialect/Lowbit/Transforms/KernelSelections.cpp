//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Asks every row of the kernel table about a product.
//
//===----------------------------------------------------------------------===//

#include "KernelSelections.h"
#include "ReportParts.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

int64_t KernelSelections::add(const KernelQuery &query) {
  llvm::json::Object selection{{"lhs", toString(query.lhs)},
                               {"rhs", toString(query.rhs)},
                               {"constant_rhs", query.constantRhs},
                               {"k", toJSON(query.size)},
                               {"n", toJSON(query.columns)}};
  std::string key;
  llvm::raw_string_ostream(key)
      << llvm::json::Value(llvm::json::Object(selection));
  auto [position, isNew] = positions.try_emplace(key, selections.size());
  if (!isNew)
    return position->second;
  llvm::json::Array rows;
  for (const KernelRow &row : getKernelTable()) {
    std::string reason = whyNotApplicable(row, target, query);
    llvm::json::Object entry{
        {"kernel", row.name}, {"cost", nullptr}, {"reason", nullptr}};
    if (reason.empty())
      entry["cost"] = std::llround(estimateCost(row, target, query));
    else
      entry["reason"] = std::move(reason);
    rows.push_back(std::move(entry));
  }
  selection["rows"] = std::move(rows);
  selections.push_back(std::move(selection));
  return position->second;
}
