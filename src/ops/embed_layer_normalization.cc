// EmbedLayerNormalization of ONNX Runtime: word, position and segment embeddings, summed and normalized.
#include <cmath>

#include "ops/numeric.h"

namespace octet::ops {

namespace {

enum Input : size_t { kIds, kSegments, kWords, kPlaces, kKinds, kGamma, kBeta, kMask, kPositions };

void infer(InferContext& context) {
  for (size_t i : {kWords, kPlaces, kGamma, kBeta}) require(context.has_input(i), ErrorCode::kInvalidModel, "input ", i, " is missing");
  DType dtype = context.dtype(kWords);
  if (!context.has_rank(kIds) || !context.has_rank(kWords)) {
    for (size_t i : {size_t{0}, size_t{2}}) context.set_output_rank_unknown(i, dtype);
    return context.set_output_rank_unknown(1, DType::kInt32);
  }
  const Shape &ids = context.shape(kIds), &words = context.shape(kWords);
  require(ids.rank() == 2 && words.rank() == 2, ErrorCode::kShapeMismatch, "ids of shape ", ids, " and embeddings of shape ", words);
  for (size_t i : {size_t{0}, size_t{2}}) context.set_output(i, dtype, Shape{ids[0], ids[1], words[1]});
  context.set_output(1, DType::kInt32, Shape{ids[0]});
}

void evaluate(EvaluateContext& context) {
  const Shape& ids_shape = context.input(kIds).shape();
  require(ids_shape.rank() == 2, ErrorCode::kShapeMismatch, "ids of shape ", ids_shape);
  int64_t batch = ids_shape[0], length = ids_shape[1];
  const Shape& words_shape = context.input(kWords).shape();
  int64_t hidden = words_shape.rank() == 2 ? words_shape[1] : 0;
  require(hidden > 0, ErrorCode::kShapeMismatch, "embeddings of shape ", words_shape);
  Reader<int64_t> ids(context, kIds), segments(context, kSegments), mask(context, kMask), positions(context, kPositions);
  double epsilon = static_cast<double>(context.attributes().real("epsilon", 1e-12f));
  require(!positions || positions.size() == batch * length || positions.size() == length, ErrorCode::kShapeMismatch, "position ids of another shape");
  require(!segments || segments.size() == ids.size(), ErrorCode::kShapeMismatch, "segment ids of another shape");
  require(!segments || context.has_input(kKinds), ErrorCode::kInvalidModel, "segment ids without segment embeddings");
  require(!mask || mask.size() == ids.size(), ErrorCode::kShapeMismatch, "a mask of another shape");
  with_float_type(context.input(kWords).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> words(context, kWords), places(context, kPlaces), kinds(context, kKinds), gamma(context, kGamma), beta(context, kBeta);
    require(gamma.size() == hidden && beta.size() == hidden, ErrorCode::kShapeMismatch, "gamma and beta do not have ", hidden, " values");
    Shape shape{batch, length, hidden};
    Writer<T> y(context, 0, context.input(kWords).dtype(), shape), sums(context, 2, context.input(kWords).dtype(), shape);
    auto row = [&](const Reader<T>& table, int64_t i, std::string_view what) {
      require(i >= 0 && i < table.size() / hidden, ErrorCode::kShapeMismatch, what, " ", i, " is outside the table");
      return table.data() + i * hidden;
    };
    for (int64_t token = 0; token < batch * length; ++token) {
      const T* word = row(words, ids[token], "word id");
      int64_t position = !positions ? token % length : positions[positions.size() == length ? token % length : token];
      const T* place = row(places, position, "position id");
      const T* kind = segments ? row(kinds, segments[token], "segment id") : nullptr;
      T* sum = sums.data() + token * hidden;
      double mean = 0, squares = 0;
      for (int64_t i = 0; i < hidden; ++i) {
        sum[i] = word[i] + place[i];
        if (kind != nullptr) sum[i] += kind[i];
        mean += static_cast<double>(sum[i]);
      }
      mean /= static_cast<double>(hidden);
      for (int64_t i = 0; i < hidden; ++i) squares += (static_cast<double>(sum[i]) - mean) * (static_cast<double>(sum[i]) - mean);
      double inverse = 1.0 / std::sqrt(squares / static_cast<double>(hidden) + epsilon);
      for (int64_t i = 0; i < hidden; ++i)
        y[token * hidden + i] = static_cast<T>((static_cast<double>(sum[i]) - mean) * inverse) * gamma[i] + beta[i];
    }
  });
  int32_t* mask_index = context.output(1, DType::kInt32, Shape{batch}).data<int32_t>();
  for (int64_t n = 0; n < batch; ++n) {
    mask_index[n] = 0;
    for (int64_t i = 0; mask && i < length; ++i) mask_index[n] += mask[n * length + i] == 1;
  }
}

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "EmbedLayerNormalization", .min_inputs = 1, .max_inputs = 9, .max_outputs = 3, .infer = infer,
     .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> embed_layer_normalization_operators() { return definitions; }

}  // namespace octet::ops
