// TfIdfVectorizer on integers: how often each n-gram of a pool occurs in a row.
//
//   pool_int64s     the n-grams, all of length 1 first, then length 2, ...; ngram_counts says where each length begins
//   ngram_indexes   the output column of each n-gram
//   An n-gram of length n matches x[p], x[p + s], ..., x[p + (n − 1)·s] for every skip s from 1 to max_skip_count + 1 (single items once),
//   for the lengths from min_gram_length to max_gram_length.
//   mode            TF: the count; IDF: the weight if it occurs at all; TFIDF: count times weight. `weights` are by column, 1 when absent.
#include <algorithm>
#include <map>

#include "graph/operator.h"
#include "ops/dispatch.h"

namespace octet::ops {

namespace {

int64_t columns_of(const Attributes& attributes) {
  int64_t columns = 0;
  for (int64_t column : attributes.integers("ngram_indexes")) {
    require(column >= 0 && column < int64_t{1} << 31, ErrorCode::kInvalidModel, "the column ", column, " is impossible");
    columns = std::max(columns, column + 1);
  }
  require(columns > 0, ErrorCode::kInvalidModel, "there are no n-grams");
  return columns;
}

void infer(InferContext& context) {
  require(!context.attributes().has("pool_strings"), ErrorCode::kUnsupported, "unsupported: n-grams of strings");
  int64_t columns = columns_of(context.attributes());
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, DType::kFloat32);
  const Shape& x = context.shape(0);
  require(x.rank() == 1 || x.rank() == 2, ErrorCode::kShapeMismatch, "one row or a batch of rows is expected, not ", x);
  context.set_output(0, DType::kFloat32, x.rank() == 2 ? Shape{x[0], columns} : Shape{columns});
}

using Pool = std::map<std::vector<int64_t>, int64_t>;   // n-gram → column

Pool pool_of(const Attributes& attributes) {
  auto items = attributes.integers("pool_int64s"), counts = attributes.integers("ngram_counts"), columns = attributes.integers("ngram_indexes");
  Pool pool;
  size_t next = 0;
  for (size_t n = 1; n <= counts.size(); ++n) {
    int64_t begin = counts[n - 1], end = n < counts.size() ? counts[n] : static_cast<int64_t>(items.size());
    require(begin >= 0 && begin <= end && end <= static_cast<int64_t>(items.size()) && (end - begin) % static_cast<int64_t>(n) == 0,
            ErrorCode::kInvalidModel, "the n-grams of length ", n, " are not whole");
    for (int64_t i = begin; i < end; i += static_cast<int64_t>(n), ++next) {
      require(next < columns.size(), ErrorCode::kInvalidModel, "there are more n-grams than columns");
      pool.emplace(std::vector<int64_t>(items.begin() + i, items.begin() + i + static_cast<int64_t>(n)), columns[next]);
    }
  }
  return pool;
}

void count_row(std::span<const int64_t> row, const Pool& pool, int64_t shortest, int64_t longest, int64_t skips, float* out) {
  auto length = static_cast<int64_t>(row.size());
  std::vector<int64_t> gram;
  for (int64_t n = shortest; n <= std::min(longest, length); ++n)
    for (int64_t skip = 1; skip <= (n == 1 ? 1 : skips + 1) && (n - 1) * skip < length; ++skip)
      for (int64_t start = 0; start + (n - 1) * skip < length; ++start) {
        gram.clear();
        for (int64_t i = 0; i < n; ++i) gram.push_back(row[static_cast<size_t>(start + i * skip)]);
        if (auto found = pool.find(gram); found != pool.end()) out[found->second] += 1;
      }
}

void evaluate(EvaluateContext& context) {
  const Attributes& attributes = context.attributes();
  const Shape& shape = context.input(0).shape();
  require(shape.rank() == 1 || shape.rank() == 2, ErrorCode::kShapeMismatch, "one row or a batch of rows is expected, not ", shape);
  int64_t columns = columns_of(attributes), rows = shape.rank() == 2 ? shape[0] : 1, length = shape[shape.rank() - 1];
  int64_t shortest = attributes.integer("min_gram_length"), longest = attributes.integer("max_gram_length");
  int64_t skips = attributes.integer("max_skip_count");
  require(shortest > 0 && shortest <= longest && skips >= 0, ErrorCode::kInvalidModel, "n-grams of ", shortest, " to ", longest,
          " items with up to ", skips, " skipped are impossible");
  const std::string& mode = attributes.string("mode");
  require(mode == "TF" || mode == "IDF" || mode == "TFIDF", ErrorCode::kInvalidModel, "the mode '", mode, "' is none of TF, IDF and TFIDF");
  auto weights = attributes.reals("weights");
  require(weights.empty() || static_cast<int64_t>(weights.size()) >= columns, ErrorCode::kInvalidModel, "there are fewer weights than columns");

  Pool pool = pool_of(attributes);
  std::vector<int64_t> items = integers_of(context.input(0));
  float* out = context.output(0, DType::kFloat32, shape.rank() == 2 ? Shape{rows, columns} : Shape{columns}).data<float>();
  std::fill(out, out + rows * columns, 0.0f);
  for (int64_t r = 0; r < rows; ++r) {
    float* row = out + r * columns;
    count_row(std::span(items).subspan(static_cast<size_t>(r * length), static_cast<size_t>(length)), pool, shortest, longest, skips, row);
    for (int64_t c = 0; c < columns && mode != "TF"; ++c) {
      float weight = weights.empty() ? 1.0f : weights[static_cast<size_t>(c)];
      row[c] = mode == "IDF" ? (row[c] > 0 ? weight : 0) : row[c] * weight;
    }
  }
}

constexpr OperatorDef definitions[] = {
    {.name = "TfIdfVectorizer", .since_version = 9, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> tf_idf_vectorizer_operators() { return definitions; }

}  // namespace octet::ops
