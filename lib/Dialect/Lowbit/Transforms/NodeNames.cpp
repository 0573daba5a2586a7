//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The importer names locations after nodes; passes fuse them.
//
//===----------------------------------------------------------------------===//

#include "NodeNames.h"

using namespace mlir;
using namespace mlir::lowbit;

void mlir::lowbit::addNodeNames(Location loc, NodeNames &names) {
  if (auto name = dyn_cast<NameLoc>(loc))
    names.insert(name.getName().getValue());
  else if (auto call = dyn_cast<CallSiteLoc>(loc))
    addNodeNames(call.getCallee(), names);
  else if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      addNodeNames(part, names);
}

std::string mlir::lowbit::getFirstNodeName(Operation *op) {
  NodeNames names;
  addNodeNames(op->getLoc(), names);
  return names.empty() ? op->getName().getStringRef().str()
                       : names.front().str();
}
