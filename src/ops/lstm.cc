// LSTM, GRU and RNN in floating point, and DynamicQuantizeLSTM of ONNX Runtime.
#include "ops/matrix_product.h"
#include "ops/recurrent.h"
#include "ops/recurrent_step.h"

namespace octet::ops {

namespace {

constexpr std::string_view kLstmFunctions[] = {"Sigmoid", "Tanh", "Tanh"};
constexpr std::string_view kGruFunctions[] = {"Sigmoid", "Tanh"};
constexpr std::string_view kRnnFunctions[] = {"Tanh"};

template <int64_t gates>
void infer(InferContext& context) {
  infer_recurrent(context, gates);
  if (context.has_rank(2) || context.attributes().has("hidden_size")) {
    if (gates == 4) read_recurrent_options(context.node(), 3, kLstmFunctions);
    if (gates == 3) read_recurrent_options(context.node(), 2, kGruFunctions);
    if (gates == 1) read_recurrent_options(context.node(), 1, kRnnFunctions);
  }
}

// x in the order [t · batch + row][inputs].
template <typename T>
std::vector<T> time_major(const Reader<T>& x, const RecurrentPlaces& places) {
  std::vector<T> out(static_cast<size_t>(x.size()));
  const RecurrentExtents& e = places.extents;
  for (int64_t t = 0; t < e.length; ++t)
    for (int64_t row = 0; row < e.batch; ++row)
      std::copy_n(x.data() + places.x(t, row), e.inputs, out.data() + (t * e.batch + row) * e.inputs);
  return out;
}

RecurrentOptions evaluation_options(const EvaluateContext& context, int64_t gates, size_t functions, std::span<const std::string_view> defaults) {
  RecurrentOptions options = read_recurrent_options(context.node(), functions, defaults);
  const Shape &x = context.input(0).shape(), &w = context.input(1).shape(), &r = context.input(2).shape();
  Shape wanted_w{options.directions, gates * options.hidden, x.rank() == 3 ? x[2] : 0}, wanted_r{options.directions, gates * options.hidden, options.hidden};
  require(w == wanted_w && r == wanted_r, ErrorCode::kShapeMismatch, "weights of shapes ", w, " and ", r, ", expected ", wanted_w, " and ", wanted_r);
  return options;
}

void evaluate_lstm_operator(EvaluateContext& context) {
  RecurrentOptions options = evaluation_options(context, 4, 3, kLstmFunctions);
  RecurrentExtents extents = recurrent_extents(context.node(), context.input(0).shape(), options);
  RecurrentPlaces places{extents, options.directions, options.hidden, options.batch_major};
  int64_t columns = 4 * options.hidden;
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x_reader(context.input(0)), w_reader(context.input(1)), r_reader(context.input(2));
    std::vector<T> x = time_major(x_reader, places), w, r;
    evaluate_lstm<T>(context, options, extents, context.input(0).dtype(), [&](int64_t d) {
      w = transposed_weights(w_reader.data() + d * columns * extents.inputs, columns, extents.inputs);
      r = transposed_weights(r_reader.data() + d * columns * options.hidden, columns, options.hidden);
      return RecurrentProducts<T>{
          [&](T* out) { accumulate_product(x.data(), w.data(), out, extents.length * extents.batch, extents.inputs, columns, columns, columns); },
          [&](const T* h, T* out, int64_t first, int64_t count) {
            accumulate_product(h, r.data() + first, out + first, extents.batch, options.hidden, count, columns, columns);
          }};
    });
  });
}

// GRU (three gates: z, r, h) and RNN (one).
template <int64_t kGates>
void evaluate_gated(EvaluateContext& context) {
  RecurrentOptions options = kGates == 3 ? evaluation_options(context, 3, 2, kGruFunctions) : evaluation_options(context, 1, 1, kRnnFunctions);
  RecurrentExtents extents = recurrent_extents(context.node(), context.input(0).shape(), options);
  RecurrentPlaces places{extents, options.directions, options.hidden, options.batch_major};
  int64_t hidden = options.hidden, columns = kGates * hidden, batch = extents.batch, directions = options.directions;
  std::vector<int64_t> lengths = sequence_lengths(context, 4, extents);
  bool reset_after = context.attributes().integer("linear_before_reset", 0) != 0;
  DType dtype = context.input(0).dtype();
  with_float_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x_reader(context.input(0)), w_reader(context.input(1)), r_reader(context.input(2)), bias(context, 3), h0(context, 5);
    require(!bias || bias.size() == directions * 2 * columns, ErrorCode::kShapeMismatch, "the bias has ", bias.size(), " values");
    require(!h0 || h0.size() == directions * batch * hidden, ErrorCode::kShapeMismatch, "the initial state has ", h0.size(), " values");
    std::vector<T> x = time_major(x_reader, places);
    bool major = options.batch_major;
    Writer<T> y(context, 0, dtype, major ? Shape{batch, extents.length, directions, hidden} : Shape{extents.length, directions, batch, hidden});
    Writer<T> y_h(context, 1, dtype, major ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden});
    std::fill_n(y.data(), y.size(), T(0));
    T clip = static_cast<T>(options.clip);
    auto clipped = [&](T v) { return clip > 0 ? (v > clip ? clip : v < -clip ? -clip : v) : v; };
    for (int64_t d = 0; d < directions; ++d) {
      const RecurrentActivation* functions = options.activations.data() + d * (kGates == 3 ? 2 : 1);
      std::vector<T> w = transposed_weights(w_reader.data() + d * columns * extents.inputs, columns, extents.inputs);
      std::vector<T> r = transposed_weights(r_reader.data() + d * columns * hidden, columns, hidden);
      std::vector<T> from_input(static_cast<size_t>(extents.length * batch * columns), T(0)), gates(static_cast<size_t>(batch * columns));
      std::vector<T> h(static_cast<size_t>(batch * hidden), T(0)), reset(h);
      for (int64_t row = 0; h0 && row < batch; ++row) std::copy_n(h0.data() + places.state(d, row), hidden, h.data() + row * hidden);
      accumulate_product(x.data(), w.data(), from_input.data(), extents.length * batch, extents.inputs, columns, columns, columns);
      const T* w_bias = bias ? bias.data() + d * 2 * columns : nullptr;
      const T* r_bias = bias ? w_bias + columns : nullptr;
      walk_time(extents, lengths, d == 1 || options.first_reversed, [&](const std::vector<int64_t>& times) {
        auto input_of = [&](int64_t row, int64_t j) {
          T value = from_input[static_cast<size_t>((times[static_cast<size_t>(row)] * batch + row) * columns + j)];
          return w_bias != nullptr ? value + w_bias[j] : value;
        };
        for (int64_t row = 0; row < batch; ++row)
          for (int64_t j = 0; j < columns; ++j) gates[static_cast<size_t>(row * columns + j)] = r_bias != nullptr ? r_bias[j] : T(0);
        // Everything the state contributes; with reset before the product the last gate waits for r.
        int64_t now = kGates == 3 && !reset_after ? 2 * hidden : columns;
        accumulate_product(h.data(), r.data(), gates.data(), batch, hidden, now, columns, columns);
        if constexpr (kGates == 1) {
          for (int64_t row = 0; row < batch; ++row) {
            int64_t t = times[static_cast<size_t>(row)];
            if (t < 0) continue;
            for (int64_t i = 0; i < hidden; ++i) {
              T value = functions[0](clipped(gates[static_cast<size_t>(row * columns + i)] + input_of(row, i)));
              h[static_cast<size_t>(row * hidden + i)] = y[places.y(t, d, row) + i] = value;
            }
          }
        } else {
          for (int64_t row = 0; row < batch; ++row) {
            if (times[static_cast<size_t>(row)] < 0) continue;
            T* gate = gates.data() + row * columns;
            for (int64_t j = 0; j < 2 * hidden; ++j) gate[j] = functions[0](clipped(gate[j] + input_of(row, j)));
            for (int64_t i = 0; i < hidden; ++i) reset[static_cast<size_t>(row * hidden + i)] = gate[hidden + i] * h[static_cast<size_t>(row * hidden + i)];
          }
          if (!reset_after) accumulate_product(reset.data(), r.data() + 2 * hidden, gates.data() + 2 * hidden, batch, hidden, hidden, columns, columns);
          for (int64_t row = 0; row < batch; ++row) {
            int64_t t = times[static_cast<size_t>(row)];
            if (t < 0) continue;
            const T* gate = gates.data() + row * columns;
            for (int64_t i = 0; i < hidden; ++i) {
              T state = gate[2 * hidden + i];
              if (reset_after) state = gate[hidden + i] * state;
              T candidate = functions[1](clipped(input_of(row, 2 * hidden + i) + state));
              T& value = h[static_cast<size_t>(row * hidden + i)];
              value = (1 - gate[i]) * candidate + gate[i] * value;
              y[places.y(t, d, row) + i] = value;
            }
          }
        }
      });
      for (int64_t row = 0; row < batch; ++row) std::copy_n(h.data() + row * hidden, hidden, y_h.data() + places.state(d, row));
    }
  });
}

enum DynamicInput : size_t { kWScale = 8, kWZero, kRScale, kRZero };

void infer_dynamic(InferContext& context) {
  for (size_t i : {kWScale, kRScale}) require(context.has_input(i), ErrorCode::kInvalidModel, "input ", i, " is missing");
  infer_recurrent(context, 4, false);
  checked_integer(context.attributes(), "hidden_size", 0, 1, int64_t{1} << 30);
}

// x and the state are quantized to uint8 as they come, each product as one matrix; weights are [directions][depth][columns].
void evaluate_dynamic(EvaluateContext& context) {
  RecurrentOptions options = read_recurrent_options(context.node(), 3, kLstmFunctions);
  RecurrentExtents extents = recurrent_extents(context.node(), context.input(0).shape(), options);
  RecurrentPlaces places{extents, options.directions, options.hidden, options.batch_major};
  int64_t columns = 4 * options.hidden;
  Reader<float> x_reader(context.input(0)), w_scale(context, kWScale), r_scale(context, kRScale);
  Reader<int32_t> w(context, 1), r(context, 2), w_zero(context, kWZero), r_zero(context, kRZero);
  require(w.size() == options.directions * columns * extents.inputs && r.size() == options.directions * columns * options.hidden,
          ErrorCode::kShapeMismatch, "the weights do not go with the input and hidden_size");
  for (const Reader<float>* scale : {&w_scale, &r_scale})
    require(scale->size() == options.directions || scale->size() == options.directions * columns, ErrorCode::kShapeMismatch, "there are ",
            scale->size(), " weight scales");
  for (const Reader<int32_t>* zero : {&w_zero, &r_zero})
    require(!*zero || zero->size() == options.directions || zero->size() == options.directions * columns, ErrorCode::kShapeMismatch,
            "there are ", zero->size(), " weight zero points");
  std::vector<float> x = time_major(x_reader, places);
  auto product = [&](const float* a, int64_t rows, int64_t depth, const Reader<int32_t>& b, const Reader<float>& scale, const Reader<int32_t>& zero,
                     int64_t d, float* out) {
    DynamicQuantization q = dynamic_quantization(a, rows * depth);
    std::vector<uint32_t> centred(static_cast<size_t>(rows * depth)), sums(static_cast<size_t>(columns)), weights(static_cast<size_t>(depth * columns));
    for (int64_t i = 0; i < rows * depth; ++i) centred[static_cast<size_t>(i)] = static_cast<uint32_t>(quantize_u8(a[i], q) - q.zero_point);
    auto at = [&](const auto& values, int64_t j) { return values[values.size() == options.directions ? d : d * columns + j]; };
    for (int64_t i = 0; i < depth * columns; ++i)
      weights[static_cast<size_t>(i)] = static_cast<uint32_t>(b[d * depth * columns + i] - (zero ? at(zero, i % columns) : 0));
    for (int64_t row = 0; row < rows; ++row) {
      std::fill(sums.begin(), sums.end(), 0u);
      accumulate_product(centred.data() + row * depth, weights.data(), sums.data(), 1, depth, columns, columns, columns);
      for (int64_t j = 0; j < columns; ++j)
        out[row * columns + j] += static_cast<float>(static_cast<int32_t>(sums[static_cast<size_t>(j)])) * (q.scale * at(scale, j));
    }
  };
  evaluate_lstm<float>(context, options, extents, DType::kFloat32, [&](int64_t d) {
    return RecurrentProducts<float>{
        [&, d](float* out) { product(x.data(), extents.length * extents.batch, extents.inputs, w, w_scale, w_zero, d, out); },
        [&, d](const float* h, float* out, int64_t, int64_t) { product(h, extents.batch, options.hidden, r, r_scale, r_zero, d, out); }};
  });
}

int64_t macs(const Node& node) {
  const Shape& x = *node.inputs[0]->shape;
  int64_t per_step = node.inputs[1]->shape->elements() + node.inputs[2]->shape->elements();
  return x[0] * x[1] * per_step;
}

constexpr OperatorDef definitions[] = {
    {.name = "LSTM", .min_inputs = 3, .max_inputs = 8, .min_outputs = 0, .max_outputs = 3, .infer = infer<4>,
     .evaluate = evaluate_lstm_operator, .macs = macs, .bind = bind_lstm, .dynamic_quantizable = true},
    {.name = "GRU", .min_inputs = 3, .max_inputs = 6, .min_outputs = 0, .max_outputs = 2, .infer = infer<3>, .evaluate = evaluate_gated<3>,
     .macs = macs, .bind = bind_gru},
    {.name = "RNN", .min_inputs = 3, .max_inputs = 6, .min_outputs = 0, .max_outputs = 2, .infer = infer<1>, .evaluate = evaluate_gated<1>,
     .macs = macs},
    {.domain = "com.microsoft", .name = "DynamicQuantizeLSTM", .min_inputs = 3, .max_inputs = 12, .min_outputs = 0, .max_outputs = 3,
     .infer = infer_dynamic, .evaluate = evaluate_dynamic, .macs = macs, .bind = bind_dynamic_quantize_lstm},
};

}  // namespace

std::span<const OperatorDef> lstm_operators() { return definitions; }

}  // namespace octet::ops
