//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/ONNX/IR/EinsumEquation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace mlir;
using namespace mlir::onnx;

namespace {

constexpr llvm::StringLiteral kEllipsis = "...";

/// The letters before and after the ellipsis of a term.
struct Term {
  StringRef before, after;
  bool hasEllipsis = false;

  int64_t getNumLetters() const {
    return static_cast<int64_t>(before.size() + after.size());
  }
  SmallVector<EinsumLabel> getLabels(int64_t numUnderEllipsis) const {
    SmallVector<EinsumLabel> labels(before.begin(), before.end());
    for (int64_t i = numUnderEllipsis; i > 0; --i)
      labels.push_back(static_cast<EinsumLabel>(-i));
    labels.append(after.begin(), after.end());
    return labels;
  }
};

class Parser {
public:
  Parser(StringRef equation, function_ref<InFlightDiagnostic()> emitError)
      : emitError(emitError) {
    for (char c : equation)
      if (c != ' ')
        text.push_back(c);
  }

  FailureOr<EinsumEquation> parse(ArrayRef<int64_t> ranks);

private:
  FailureOr<Term> parseTerm(StringRef term);
  LogicalResult checkDistinct(StringRef term, ArrayRef<EinsumLabel> labels);
  /// Labels that occur once, in alphabetical order, after the ellipsis.
  void makeImplicitResult(EinsumEquation &equation);
  LogicalResult parseResult(StringRef term, int64_t numUnderEllipsis,
                            EinsumEquation &equation);

  std::string text;
  function_ref<InFlightDiagnostic()> emitError;
};

} // namespace

std::string onnx::getLabelName(EinsumLabel label) {
  return label < 0 ? kEllipsis.str() : std::string(1, static_cast<char>(label));
}

FailureOr<Term> Parser::parseTerm(StringRef term) {
  Term result;
  size_t at = term.find(kEllipsis);
  result.hasEllipsis = at != StringRef::npos;
  result.before = term.take_front(at);
  if (result.hasEllipsis)
    result.after = term.drop_front(at + kEllipsis.size());
  for (StringRef letters : {result.before, result.after})
    for (char c : letters)
      if (!llvm::isAlpha(c))
        return emitError() << "the equation '" << text
                           << "' may hold letters, ',', '->' and '...'";
  return result;
}

LogicalResult Parser::checkDistinct(StringRef term,
                                    ArrayRef<EinsumLabel> labels) {
  for (auto [i, label] : llvm::enumerate(labels))
    if (llvm::is_contained(labels.drop_front(i + 1), label))
      return emitError() << "label '" << getLabelName(label)
                         << "' is repeated in '" << term
                         << "'; diagonals are not supported";
  return success();
}

void Parser::makeImplicitResult(EinsumEquation &equation) {
  std::map<EinsumLabel, int> counts;
  for (ArrayRef<EinsumLabel> labels : equation.operands)
    for (EinsumLabel label : labels)
      ++counts[label];
  // Negative labels, which are those of the ellipsis, come first.
  for (auto [label, count] : counts)
    if (label < 0 || count == 1)
      equation.result.push_back(label);
}

LogicalResult Parser::parseResult(StringRef text, int64_t numUnderEllipsis,
                                  EinsumEquation &equation) {
  FailureOr<Term> term = parseTerm(text);
  if (failed(term))
    return failure();
  equation.result = term->getLabels(term->hasEllipsis ? numUnderEllipsis : 0);
  for (EinsumLabel label : equation.result)
    if (llvm::none_of(equation.operands, [&](ArrayRef<EinsumLabel> labels) {
          return llvm::is_contained(labels, label);
        }))
      return emitError() << "label '" << getLabelName(label)
                         << "' of the result is in no operand";
  return checkDistinct(text, equation.result);
}

FailureOr<EinsumEquation> Parser::parse(ArrayRef<int64_t> ranks) {
  auto [left, right] = StringRef(text).split("->");
  bool isExplicit = left.size() != text.size();
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != ranks.size())
    return emitError() << "the equation '" << text << "' has " << terms.size()
                       << " terms for " << ranks.size() << " operands";
  EinsumEquation equation;
  int64_t most = 0;
  for (auto [i, text, rank] : llvm::enumerate(terms, ranks)) {
    FailureOr<Term> term = parseTerm(text);
    if (failed(term))
      return failure();
    int64_t rest = rank - term->getNumLetters();
    if (rest < 0 || (rest > 0 && !term->hasEllipsis))
      return emitError() << "term '" << text << "' names "
                         << term->getNumLetters() << " dimensions, operand #"
                         << i << " has rank " << rank;
    most = std::max(most, rest);
    equation.operands.push_back(term->getLabels(rest));
    if (failed(checkDistinct(text, equation.operands.back())))
      return failure();
  }
  if (!isExplicit)
    makeImplicitResult(equation);
  else if (failed(parseResult(right, most, equation)))
    return failure();
  return equation;
}

FailureOr<EinsumEquation>
onnx::parseEinsumEquation(StringRef equation, ArrayRef<int64_t> ranks,
                          function_ref<InFlightDiagnostic()> emitError) {
  return Parser(equation, emitError).parse(ranks);
}
