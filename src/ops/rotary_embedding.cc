// RotaryEmbedding of ONNX 23 and of ONNX Runtime: pairs of features turned by an angle that depends on the position.
#include "ops/numeric.h"

namespace octet::ops {

namespace {

struct Form { size_t cosine, sine, positions; };
constexpr Form kOnnx{1, 2, 3};
constexpr Form kMicrosoft{2, 3, 1};

void infer(InferContext& context) {
  context.same_as_input(0, 0);
  if (context.has_rank(0))
    require(context.shape(0).rank() == 3 || context.shape(0).rank() == 4, ErrorCode::kShapeMismatch, "an input of shape ", context.shape(0),
            ": three or four axes are needed");
}

template <const Form& form>
void evaluate(EvaluateContext& context) {
  const Attributes& attributes = context.attributes();
  const Shape& shape = context.input(0).shape();
  require(shape.rank() == 3 || shape.rank() == 4, ErrorCode::kShapeMismatch, "an input of shape ", shape, ": three or four axes are needed");
  const Shape& cache = context.input(form.cosine).shape();
  require(cache.rank() == 2 || cache.rank() == 3, ErrorCode::kShapeMismatch, "a cosine table of shape ", cache);
  require(context.input(form.sine).shape() == cache, ErrorCode::kShapeMismatch, "the sine table has another shape than the cosine table");
  int64_t half = cache[cache.rank() - 1];   // pairs
  int64_t rotated = checked_integer(attributes, "rotary_embedding_dim", 0, 0, int64_t{1} << 30), heads = checked_integer(attributes, "num_heads", 0, 0, 1 << 20);
  bool interleaved = attributes.integer("interleaved", 0) != 0, flat = shape.rank() == 3;
  int64_t batch = shape[0], length = shape[flat ? 1 : 2], size;
  if (flat) {
    if (heads == 0) {
      require(half > 0 && rotated == 0 && shape[2] % (2 * half) == 0, ErrorCode::kInvalidModel, "attribute 'num_heads' is missing");
      heads = shape[2] / (2 * half);
    }
    require(heads > 0 && shape[2] % heads == 0, ErrorCode::kShapeMismatch, shape[2], " features cannot be divided among ", heads, " heads");
    size = shape[2] / heads;
  } else {
    heads = shape[1];
    size = shape[3];
  }
  if (rotated == 0) rotated = size;
  require(rotated <= size && rotated == 2 * half, ErrorCode::kShapeMismatch, "tables of ", half, " angles for ", rotated, " of ", size, " features");
  Reader<int64_t> positions(context, form.positions);
  int64_t rows = cache.elements(0, cache.rank() - 1);
  require(positions || rows == batch * length, ErrorCode::kShapeMismatch, "tables of shape ", cache, " without positions");
  require(!positions || positions.size() == 1 || positions.size() == batch * length, ErrorCode::kShapeMismatch, "there are ", positions.size(), " positions");
  auto row_of = [&](int64_t n, int64_t i) {
    int64_t row = !positions ? n * length + i : positions.size() == batch * length && !(positions.size() == 1 && length > 1) ? positions[n * length + i] : positions[0] + i;
    require(row >= 0 && row < rows, ErrorCode::kShapeMismatch, "position ", row, " is outside tables of ", rows, " rows");
    return row;
  };
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0)), cosine(context.input(form.cosine)), sine(context.input(form.sine));
    Writer<T> y(context, 0, context.input(0).dtype(), shape);
    T scale = static_cast<T>(attributes.real("scale", 1.0f));
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t i = 0; i < length; ++i) {
        const T *c = cosine.data() + row_of(n, i) * half, *s = sine.data() + row_of(n, i) * half;
        for (int64_t head = 0; head < heads; ++head) {
          int64_t at = (flat ? (n * length + i) * heads + head : (n * heads + head) * length + i) * size;
          for (int64_t pair = 0; pair < half; ++pair) {
            int64_t a = at + (interleaved ? 2 * pair : pair), b = interleaved ? a + 1 : a + half;
            T real = x[a], imaginary = x[b];
            y[a] = (real * c[pair] - imaginary * s[pair]) * scale;
            y[b] = (real * s[pair] + imaginary * c[pair]) * scale;
          }
          for (int64_t d = rotated; d < size; ++d) y[at + d] = x[at + d];
        }
      }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "RotaryEmbedding", .since_version = 23, .min_inputs = 3, .max_inputs = 4, .infer = infer, .evaluate = evaluate<kOnnx>},
    {.domain = "com.microsoft", .name = "RotaryEmbedding", .min_inputs = 4, .max_inputs = 4, .infer = infer, .evaluate = evaluate<kMicrosoft>},
};

}  // namespace

std::span<const OperatorDef> rotary_embedding_operators() { return definitions; }

}  // namespace octet::ops
