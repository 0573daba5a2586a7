//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table of operators; see OperatorTable.h.
//
//===----------------------------------------------------------------------===//

#include "OperatorTable.h"
#include <algorithm>

using namespace mlir;
using namespace mlir::lowbit;

using A = proto::AttributeProto;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

static constexpr AttributeRule kAttention[] = {
    {"is_causal", A::INT},
    {"kv_num_heads", A::INT},
    {"left_window_size", A::INT, false, 25},
    {"q_num_heads", A::INT},
    {"qk_matmul_output_mode", A::INT},
    {"right_window_size", A::INT, false, 25},
    {"scale", A::FLOAT},
    {"softcap", A::FLOAT},
    {"softmax_precision", A::INT},
};
static constexpr AttributeRule kAxis[] = {{"axis", A::INT}};
static constexpr AttributeRule kCast[] = {
    {"to", A::INT, true},
    {"saturate", A::INT, false, 19},
    {"round_mode", A::STRING, false, 24},
};
static constexpr AttributeRule kCastLike[] = {
    {"saturate", A::INT, false, 19},
    {"round_mode", A::STRING, false, 24},
};
static constexpr AttributeRule kConcat[] = {{"axis", A::INT, true}};
static constexpr AttributeRule kConstant[] = {
    {"value", A::TENSOR},
    {"sparse_value", A::SPARSE_TENSOR},
    {"value_float", A::FLOAT, false, 12},
    {"value_floats", A::FLOATS, false, 12},
    {"value_int", A::INT, false, 12},
    {"value_ints", A::INTS, false, 12},
    {"value_string", A::STRING, false, 12},
    {"value_strings", A::STRINGS, false, 12},
};
static constexpr AttributeRule kConstantOfShape[] = {{"value", A::TENSOR}};
static constexpr AttributeRule kCumSum[] = {
    {"exclusive", A::INT},
    {"reverse", A::INT},
};
static constexpr AttributeRule kDropout[] = {
    {"ratio", A::FLOAT, false, 1, 11},
    {"seed", A::INT, false, 12},
};
static constexpr AttributeRule kEinsum[] = {{"equation", A::STRING, true}};
static constexpr AttributeRule kFusedGemm[] = {
    {"activation", A::STRING},
    {"activation_alpha", A::FLOAT},
    {"activation_beta", A::FLOAT},
    {"activation_gamma", A::FLOAT},
    {"alpha", A::FLOAT},
    {"beta", A::FLOAT},
    {"transA", A::INT},
    {"transB", A::INT},
};
static constexpr AttributeRule kFusedMatMul[] = {
    {"alpha", A::FLOAT},     {"transA", A::INT},      {"transB", A::INT},
    {"transBatchA", A::INT}, {"transBatchB", A::INT},
};
static constexpr AttributeRule kGatherND[] = {
    {"batch_dims", A::INT, false, 12}};
static constexpr AttributeRule kGelu[] = {{"approximate", A::STRING}};
static constexpr AttributeRule kGemm[] = {
    {"alpha", A::FLOAT},
    {"beta", A::FLOAT},
    {"transA", A::INT},
    {"transB", A::INT},
};
static constexpr AttributeRule kNormalization[] = {
    {"axis", A::INT},
    {"epsilon", A::FLOAT},
    {"stash_type", A::INT},
};
static constexpr AttributeRule kPad[] = {{"mode", A::STRING}};
static constexpr AttributeRule kQuickGelu[] = {{"alpha", A::FLOAT}};
static constexpr AttributeRule kRange[] = {{"stash_type", A::INT, false, 27}};
static constexpr AttributeRule kReduce[] = {
    {"axes", A::INTS, false, 1, 17},
    {"keepdims", A::INT},
    {"noop_with_empty_axes", A::INT, false, 18},
};
static constexpr AttributeRule kReduceSum[] = {
    {"axes", A::INTS, false, 1, 12},
    {"keepdims", A::INT},
    {"noop_with_empty_axes", A::INT, false, 13},
};
static constexpr AttributeRule kReshape[] = {{"allowzero", A::INT, false, 14}};
static constexpr AttributeRule kScatterElements[] = {
    {"axis", A::INT}, {"reduction", A::STRING, false, 16}};
static constexpr AttributeRule kScatterND[] = {
    {"reduction", A::STRING, false, 16}};
static constexpr AttributeRule kShape[] = {
    {"end", A::INT, false, 15},
    {"start", A::INT, false, 15},
};
static constexpr AttributeRule kSkipNormalization[] = {{"epsilon", A::FLOAT}};
static constexpr AttributeRule kSplit[] = {
    {"axis", A::INT},
    {"num_outputs", A::INT, false, 18},
    {"split", A::INTS, false, 1, 12},
};
static constexpr AttributeRule kSqueeze[] = {{"axes", A::INTS, false, 1, 12}};
static constexpr AttributeRule kTranspose[] = {{"perm", A::INTS}};
static constexpr AttributeRule kTrilu[] = {{"upper", A::INT}};
static constexpr AttributeRule kUnsqueeze[] = {{"axes", A::INTS, true, 1, 12}};

//===----------------------------------------------------------------------===//
// Operators: name, first opset, inputs, outputs, attributes, builder, opset of
// the last input. Operators whose older opsets mean something else start at the
// oldest opset that is read.
//===----------------------------------------------------------------------===//

static constexpr OperatorRule kOperators[] = {
    // clang-format off
    {"Abs", 6, 1, 1, 1, {}},
    {"Add", 7, 2, 2, 1, {}},
    {"And", 7, 2, 2, 1, {}},
    {"Attention", 23, 3, 7, 4, kAttention, buildAttention, 24},
    {"Cast", 9, 1, 1, 1, kCast, buildCast},
    {"CastLike", 15, 2, 2, 1, kCastLike, buildCastLike},
    {"Ceil", 6, 1, 1, 1, {}},
    {"Clip", 11, 1, 3, 1, {}, buildClip},
    {"Concat", 11, 1, kAnyNumber, 1, kConcat},
    {"Constant", 11, 0, 0, 1, kConstant, buildConstant},
    {"ConstantOfShape", 9, 1, 1, 1, kConstantOfShape},
    {"Cos", 7, 1, 1, 1, {}},
    {"CumSum", 11, 2, 2, 1, kCumSum, buildCumSum},
    {"Div", 7, 2, 2, 1, {}},
    {"Dropout", 10, 1, 3, 2, kDropout, buildDropout},
    {"Einsum", 12, 1, kAnyNumber, 1, kEinsum},
    {"Equal", 7, 2, 2, 1, {}},
    {"Erf", 9, 1, 1, 1, {}},
    {"Exp", 6, 1, 1, 1, {}},
    {"Expand", 8, 2, 2, 1, {}},
    {"Flatten", 9, 1, 1, 1, kAxis},
    {"Floor", 6, 1, 1, 1, {}},
    {"Gather", 11, 2, 2, 1, kAxis},
    {"GatherND", 11, 2, 2, 1, kGatherND},
    {"Gelu", 20, 1, 1, 1, kGelu},
    {"Gemm", 11, 2, 3, 1, kGemm},
    {"Greater", 7, 2, 2, 1, {}},
    {"GreaterOrEqual", 12, 2, 2, 1, {}},
    {"Identity", 1, 1, 1, 1, {}, buildIdentity},
    {"IsNaN", 9, 1, 1, 1, {}, buildIsNaN},
    // ONNX Runtime writes it into files of older opsets.
    {"LayerNormalization", 11, 2, 3, 3, kNormalization, buildNormalization},
    {"Less", 7, 2, 2, 1, {}},
    {"LessOrEqual", 12, 2, 2, 1, {}},
    {"Log", 6, 1, 1, 1, {}},
    {"MatMul", 1, 2, 2, 1, {}},
    {"Max", 8, 1, kAnyNumber, 1, {}, buildVariadic},
    {"Mean", 8, 1, kAnyNumber, 1, {}, buildMean},
    {"Min", 8, 1, kAnyNumber, 1, {}, buildVariadic},
    {"Mul", 7, 2, 2, 1, {}},
    {"Neg", 6, 1, 1, 1, {}},
    {"Not", 1, 1, 1, 1, {}},
    {"Or", 7, 2, 2, 1, {}},
    {"Pad", 11, 2, 4, 1, kPad, buildPad, 18},
    {"Pow", 7, 2, 2, 1, {}},
    {"RMSNormalization", 23, 2, 2, 1, kNormalization, buildNormalization},
    {"Range", 11, 3, 3, 1, kRange, buildRange},
    {"Reciprocal", 6, 1, 1, 1, {}},
    {"ReduceL1", 11, 1, 2, 1, kReduce, buildReduce, 18},
    {"ReduceL2", 11, 1, 2, 1, kReduce, buildReduce, 18},
    {"ReduceMax", 11, 1, 2, 1, kReduce, buildReduce, 18},
    {"ReduceMean", 11, 1, 2, 1, kReduce, buildReduce, 18},
    {"ReduceMin", 11, 1, 2, 1, kReduce, buildReduce, 18},
    {"ReduceProd", 11, 1, 2, 1, kReduce, buildReduce, 18},
    {"ReduceSum", 11, 1, 2, 1, kReduceSum, buildReduce, 13},
    {"Relu", 6, 1, 1, 1, {}},
    {"Reshape", 5, 2, 2, 1, kReshape},
    {"Round", 11, 1, 1, 1, {}},
    {"ScatterElements", 11, 3, 3, 1, kScatterElements, buildScatter},
    {"ScatterND", 11, 3, 3, 1, kScatterND, buildScatter},
    {"Shape", 1, 1, 1, 1, kShape},
    {"Sigmoid", 6, 1, 1, 1, {}},
    {"Sign", 9, 1, 1, 1, {}},
    {"Sin", 7, 1, 1, 1, {}},
    {"Size", 1, 1, 1, 1, {}},
    {"Slice", 10, 3, 5, 1, {}, buildSlice},
    {"Softmax", 11, 1, 1, 1, kAxis, buildSoftmax},
    {"Split", 11, 1, 2, kAnyNumber, kSplit, buildSplit, 13},
    {"Sqrt", 6, 1, 1, 1, {}},
    {"Squeeze", 11, 1, 2, 1, kSqueeze, buildSqueeze, 13},
    {"Sub", 7, 2, 2, 1, {}},
    {"Sum", 8, 1, kAnyNumber, 1, {}, buildVariadic},
    {"Tanh", 6, 1, 1, 1, {}},
    {"Transpose", 1, 1, 1, 1, kTranspose},
    {"Trilu", 14, 1, 2, 1, kTrilu},
    {"Unsqueeze", 11, 1, 2, 1, kUnsqueeze, buildUnsqueeze, 13},
    {"Where", 9, 3, 3, 1, {}},
    {"Xor", 7, 2, 2, 1, {}},
    // clang-format on
};

//===----------------------------------------------------------------------===//
// Operators of `com.microsoft`, version 1, that ONNX Runtime's optimizer fuses.
//===----------------------------------------------------------------------===//

static constexpr OperatorRule kMicrosoftOperators[] = {
    // clang-format off
    {"BiasGelu", 1, 2, 2, 1, {}, buildFusedGelu},
    {"FastGelu", 1, 1, 2, 1, {}, buildFusedGelu},
    {"FusedGemm", 1, 2, 3, 1, kFusedGemm, buildFusedGemm},
    {"FusedMatMul", 1, 2, 2, 1, kFusedMatMul, buildFusedMatMul},
    {"Gelu", 1, 1, 1, 1, {}, buildFusedGelu},
    {"QuickGelu", 1, 1, 1, 1, kQuickGelu, buildQuickGelu},
    {"SkipLayerNormalization", 1, 3, 5, 4, kSkipNormalization, buildSkipNormalization},
    // clang-format on
};

static constexpr llvm::StringLiteral kMicrosoft = "com.microsoft";

bool lowbit::isDefaultDomain(llvm::StringRef domain) {
  return domain.empty() || domain == "ai.onnx";
}

const OperatorRule *lowbit::lookupOperator(llvm::StringRef domain,
                                           llvm::StringRef name) {
  llvm::ArrayRef<OperatorRule> rules;
  if (isDefaultDomain(domain))
    rules = kOperators;
  else if (domain == kMicrosoft)
    rules = kMicrosoftOperators;
  const OperatorRule *rule =
      std::lower_bound(rules.begin(), rules.end(), name,
                       [](const OperatorRule &row, llvm::StringRef key) {
                         return row.name < key;
                       });
  return rule != rules.end() && rule->name == name ? rule : nullptr;
}
