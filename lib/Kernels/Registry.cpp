//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rows of the kernel table and the choice among them.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Kernels/Kernels.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"
#include <string_view>

using namespace mlir;
using namespace mlir::lowbit;

static constexpr llvm::StringLiteral kVPopcntDQ[] = {"avx512f", "avx512vl",
                                                     "avx512vpopcntdq"};
static constexpr llvm::StringLiteral kAVX512BW[] = {"avx512f", "avx512bw"};
static constexpr llvm::StringLiteral kAVX512F[] = {"avx512f", "avx512bw",
                                                   "avx512dq", "fma"};
static constexpr llvm::StringLiteral kAVX512VNNI[] = {"avx512f", "avx512bw",
                                                      "avx512vnni"};
static constexpr llvm::StringLiteral kAMXBits[] = {
    "amx-int8", "avx512vbmi", "avx512f", "avx512vl", "avx512vpopcntdq"};
static constexpr llvm::StringLiteral kAMXBytes[] = {"amx-int8", "avx512f",
                                                    "avx512bw", "avx512vnni"};
static constexpr llvm::StringLiteral kAVX512VBMI[] = {"avx512f", "avx512bw",
                                                      "avx512vbmi"};
static constexpr llvm::StringLiteral kAVXVNNI[] = {"avx2", "avxvnni"};
static constexpr llvm::StringLiteral kAVX2[] = {"avx2"};
static constexpr llvm::StringLiteral kSSSE3[] = {"ssse3"};
static constexpr llvm::StringLiteral kAVX2FMA[] = {"avx2", "fma"};

/// The cost of a row on a machine that does not have it.
static constexpr int64_t kNotMeasured = 0;

/// The costs of a row as measured; a row without does not compile.
static constexpr KernelCost measured(std::string_view name) {
#define KERNEL_COST(NAME, WITH_POPCOUNT, WITH_AMX, WITHOUT_POPCOUNT)           \
  if (name == NAME)                                                            \
    return {WITH_POPCOUNT, WITH_AMX, WITHOUT_POPCOUNT};
#include "KernelCosts.def"
  llvm_unreachable("no cost in KernelCosts.def");
}

static constexpr KernelRow kTable[] = {
    {"x86-amx-bits", kAMXBits, false, Order::dwords, 64, 4, 16,
     PopcountForm::Words, measured("x86-amx-bits"), "x86-avx512-vpopcntd"},
    {"x86-amx-bytes", kAMXBytes, false, Order::quads, 32, 8, 16,
     PopcountForm::Bytes, measured("x86-amx-bytes"), "x86-avx512-vnni"},
    {"x86-avx512-vpopcntd", kVPopcntDQ, false, Order::dwords, 64, 4, 16,
     PopcountForm::Words, measured("x86-avx512-vpopcntd")},
    {"x86-avx512bw-carrysave", kAVX512BW, false, Order::dwords, 64, 4, 16,
     PopcountForm::Bytes, measured("x86-avx512bw-carrysave")},
    {"x86-avx512-vpopcntdq", kVPopcntDQ, false, Order::panels, 32, 4, 8,
     PopcountForm::Words, measured("x86-avx512-vpopcntdq")},
    {"x86-avx512-vnni", kAVX512VNNI, false, Order::quads, 32, 8, 16,
     PopcountForm::Bytes, measured("x86-avx512-vnni")},
    {"x86-avxvnni", kAVXVNNI, false, Order::quads, 16, 4, 8,
     PopcountForm::Bytes, measured("x86-avxvnni")},
    {"x86-avx512vbmi-lookup", kAVX512VBMI, false, Order::sextets, 128, 4, 8,
     PopcountForm::Bytes, measured("x86-avx512vbmi-lookup")},
    {"x86-avx512bw-lookup", kAVX512BW, false, Order::nibbles, 128, 4, 8,
     PopcountForm::Bytes, measured("x86-avx512bw-lookup")},
    {"x86-avx2-lookup", kAVX2, false, Order::nibbles, 64, 4, 4,
     PopcountForm::Bytes, measured("x86-avx2-lookup")},
    {"x86-ssse3-lookup", kSSSE3, false, Order::nibbles, 32, 4, 2,
     PopcountForm::Bytes, measured("x86-ssse3-lookup")},
    {"x86-avx512bw-popcount", kAVX512BW, false, Order::panels, 16, 4, 8,
     PopcountForm::Bytes, measured("x86-avx512bw-popcount")},
    {"x86-avx2-popcount", kAVX2, false, Order::panels, 8, 4, 4,
     PopcountForm::Bytes, measured("x86-avx2-popcount")},
    {"generic-popcount",
     {},
     false,
     Order::panels,
     8,
     2,
     2,
     PopcountForm::Words,
     measured("generic-popcount")},
    {"x86-avx512-float", kAVX512F, true, Order::lanes, 32, 12, 16,
     PopcountForm::Words, measured("x86-avx512-float")},
    {"x86-avx2-float", kAVX2FMA, true, Order::lanes, 16, 4, 8,
     PopcountForm::Words, measured("x86-avx2-float")},
    {"generic-float",
     {},
     true,
     Order::lanes,
     8,
     2,
     4,
     PopcountForm::Words,
     measured("generic-float")},
};

static constexpr size_t kCosts = 0
#define KERNEL_COST(NAME, WITH_POPCOUNT, WITH_AMX, WITHOUT_POPCOUNT) +1
#include "KernelCosts.def"
    ;
static_assert(kCosts == std::size(kTable), "a cost has no row, or two");

ArrayRef<KernelRow> mlir::lowbit::getKernelTable() { return kTable; }

const KernelRow *mlir::lowbit::findKernel(StringRef name) {
  for (const KernelRow &row : kTable)
    if (row.name == name)
      return &row;
  return nullptr;
}

int64_t mlir::lowbit::getLeastTileRows(LevelsType lhs, LevelsType rhs) {
  // Popcounts multiply pairs of planes, which takes longer the more there are.
  return std::max<int64_t>(16 / (lhs.getPlanes() * rhs.getPlanes()), 4);
}

std::string mlir::lowbit::whyNotApplicable(const KernelRow &row,
                                           const Target &target,
                                           const KernelQuery &query) {
  for (llvm::StringLiteral feature : row.features)
    if (!target.has(feature))
      return "the target lacks " + feature.str();
  if (row.floatLhs && query.lhs)
    return "the left side is not float";
  if (!row.floatLhs && !query.lhs)
    return "the left side is float";
  bool packedByCompilerOnly =
      row.rhsOrder == Order::lanes || PackingAttr::isLookedUp(row.rhsOrder);
  if (packedByCompilerOnly && !query.constantRhs)
    return "the right side is not constant";
  if (!row.fewRows.empty() && !query.constantRhs &&
      row.rhsOrder != Order::quads)
    return "the right side is not constant";
  if (row.rhsOrder == Order::dwords && row.form == PopcountForm::Bytes &&
      target.has("avx512vpopcntdq"))
    return "the target has a popcount instruction";
  if (row.name == "x86-amx-bits" &&
      std::max(query.lhs.getPlanes(), query.rhs.getPlanes()) > 4)
    return "a side has more than 4 bit planes";
  if (PackingAttr::isLookedUp(row.rhsOrder)) {
    if (query.rhs.getPlanes() != 1)
      return "the right side has more than one bit plane";
    if (row.rhsOrder == Order::nibbles && query.lhs.getCount() > 16)
      return "the left side has more than 16 levels";
    // Longer codes are looked up in digits of four bits.
    if (query.size * std::min<int64_t>(query.lhs.getCount() - 1, 15) > 65535)
      return "sums of codes could leave 16 bits";
  }
  return "";
}

int64_t mlir::lowbit::getRhsBits(const KernelRow &row,
                                 const KernelQuery &query) {
  return row.rhsOrder == Order::quads && !query.constantRhs ? 8 : 0;
}

bool mlir::lowbit::needsRhsSums(const KernelRow &row, LevelsType lhs,
                                LevelsType rhs) {
  // Tiles multiply codes, whatever the levels.
  if (row.rhsOrder != Order::dwords || !row.fewRows.empty())
    return true;
  // See DwordMatmul.cpp.
  if (lhs.isSigns() && rhs.isSigns() && lhs.getCount() >= rhs.getCount())
    return false;
  if (lhs.getCount() == 3 && rhs.getCount() == 3)
    return true;
  return lhs.getFirst() != 0;
}

/// Popcounts of a word: one for each pair of planes, but see DwordMatmul.cpp.
static double countPopcounts(const KernelRow &row, const KernelQuery &query) {
  // A `sign` takes one where it meets no zero, a ternary side two. With the
  // popcount instruction the costs were compared for two.
  if (row.rhsOrder == Order::dwords && row.form == PopcountForm::Bytes &&
      query.lhs.isSigns() && query.lhs.getCount() == 3 && query.rhs.isSigns() &&
      query.rhs.getCount() == 2)
    return 1.5;
  // Two ternary sides take two counts, which carry-save adders make one after
  // the other and from words that each make anew: a BART encoder with ternary
  // weights took 1.7 times as long with them as with VNNI, 88 and 51 ms.
  if (row.rhsOrder == Order::dwords && query.lhs.getCount() == 3 &&
      query.rhs.getCount() == 3)
    return row.form == PopcountForm::Bytes ? 5 : 2;
  return query.lhs.getPlanes() * query.rhs.getPlanes();
}

/// The figure of the machine that is most like the target; where that one does
/// not have the row, of another that has it.
static int64_t getMeasuredCost(const KernelRow &row, const Target &target) {
  const KernelCost &cost = row.cost;
  int64_t nearest = cost.withPopcount;
  if (target.has("amx-int8"))
    nearest = cost.withAMX;
  else if (target.has("avx512bw") && !target.has("avx512vpopcntdq"))
    nearest = cost.withoutPopcount;
  for (int64_t figure :
       {nearest, cost.withPopcount, cost.withoutPopcount, cost.withAMX})
    if (figure != kNotMeasured)
      return figure;
  llvm_unreachable("a row without any figure in KernelCosts.def");
}

double mlir::lowbit::estimateCost(const KernelRow &row, const Target &target,
                                  const KernelQuery &query) {
  // What is made at run time is multiplied in tiles inside attention only, by
  // the row for few rows elsewhere.
  if (!row.fewRows.empty() && !query.constantRhs)
    return 0.9 * estimateCost(*findKernel(row.fewRows), target, query);
  double cost = getMeasuredCost(row, target);
  bool byPlanes = row.fewRows.empty() && (row.rhsOrder == Order::panels ||
                                          row.rhsOrder == Order::dwords);
  if (byPlanes)
    cost *= countPopcounts(row, query);
  else if (row.rhsOrder == Order::sextets)
    cost *= llvm::divideCeil(query.lhs.getPlanes(), 4);
  if (ShapedType::isDynamic(query.columns) || query.columns == 0)
    return cost;
  int64_t together = row.fewRows.empty() ? row.lanes : kTileColumns;
  double computed = llvm::alignTo(query.columns, together);
  return cost * computed / query.columns;
}

const KernelRow *mlir::lowbit::selectKernel(const Target &target,
                                            const KernelQuery &query,
                                            StringRef preferred) {
  const KernelRow *best = nullptr;
  for (const KernelRow &row : kTable) {
    if (!whyNotApplicable(row, target, query).empty())
      continue;
    if (row.name == preferred)
      return &row;
    if (!best ||
        estimateCost(row, target, query) < estimateCost(*best, target, query))
      best = &row;
  }
  return best;
}
