#include "ops/recurrent_step.h"

#include <limits>

#include "kernels/gru_cell_f32/gru_cell_f32.h"
#include "kernels/lstm_cell_f32/lstm_cell_f32.h"
#include "ops/recurrent.h"
#include "ops/recurrent_products.h"

namespace octet::ops {

namespace {

using kernels::gemm_shape;
using kernels::matrix_weights;
using kernels::transposed_weights;

struct Common {
  RecurrentProduct input, state;   // x · W for all times at once; h · R for one
  RecurrentPlaces places;
  int64_t columns;                 // gates · hidden
  size_t outputs;                  // how many the node lists
  bool first_reversed;
  bool has_h0, has_c0, has_bias, has_peephole;
  float clip;
  // Scratch: x · W of one direction, h · R, the states, the quantized operands, then the workers' own.
  int64_t from_input, from_state, h, c, extra, input_bytes, state_bytes, workers;

  int64_t lay_out(int64_t threads, bool cells, int64_t extra_columns) {
    const RecurrentExtents& e = places.extents;
    int64_t used = 0;
    auto take = [&](int64_t bytes) {
      int64_t at = used;
      used += per_worker(static_cast<size_t>(bytes));
      return at;
    };
    from_input = take(e.length * e.batch * columns * 4);
    from_state = take(e.batch * columns * 4);
    h = take(e.batch * places.hidden * 4);
    c = take(cells ? e.batch * places.hidden * 4 : 0);
    extra = take(e.batch * extra_columns * 4);
    input_bytes = take(input.bytes_of_input());
    state_bytes = take(state.bytes_of_input());
    workers = used;
    return used + threads * std::max(input.worker_bytes(), state.worker_bytes());
  }
  // Row of x · W for a time and a row of the batch.
  int64_t input_row(int64_t t, int64_t row) const {
    const RecurrentExtents& e = places.extents;
    return places.batch_major ? row * e.length + t : t * e.batch + row;
  }
};

struct LstmParameters : Common {
  const kernels::lstm_cell_f32::Kernel* kernel;
  bool input_forget;
};

void load_state(const Common& p, const void* from, int64_t direction, float* to) {
  int64_t hidden = p.places.hidden;
  for (int64_t row = 0; row < p.places.extents.batch; ++row) {
    if (from == nullptr) std::memset(to + row * hidden, 0, static_cast<size_t>(hidden) * 4);
    else std::memcpy(to + row * hidden, static_cast<const float*>(from) + p.places.state(direction, row), static_cast<size_t>(hidden) * 4);
  }
}

void store_state(const Common& p, const float* from, int64_t direction, void* to) {
  int64_t hidden = p.places.hidden;
  for (int64_t row = 0; to != nullptr && row < p.places.extents.batch; ++row)
    std::memcpy(static_cast<float*>(to) + p.places.state(direction, row), from + row * hidden, static_cast<size_t>(hidden) * 4);
}

void* output_of(const StepArguments& step, const Common& p, size_t i) { return i < p.outputs ? step.outputs[i] : nullptr; }

void run_lstm(const StepArguments& step) {
  const auto& p = step.params<LstmParameters>();
  const RecurrentExtents& e = p.places.extents;
  auto* scratch = static_cast<std::byte*>(step.scratch);
  auto floats = [&](int64_t at) { return reinterpret_cast<float*>(scratch + at); };
  float *from_input = floats(p.from_input), *from_state = floats(p.from_state), *h = floats(p.h), *c = floats(p.c);
  auto* y = static_cast<float*>(output_of(step, p, 0));
  int64_t hidden = p.places.hidden;
  for (int64_t d = 0; d < p.places.directions; ++d) {
    kernels::lstm_cell_f32::Params cell;
    if (p.has_peephole) cell.peephole = static_cast<const float*>(step.inputs[7]) + d * 3 * hidden;
    cell.clip = p.clip;
    cell.input_forget = p.input_forget;
    load_state(p, p.has_h0 ? step.inputs[5] : nullptr, d, h);
    load_state(p, p.has_c0 ? step.inputs[6] : nullptr, d, c);
    p.input.run(static_cast<const float*>(step.inputs[0]), step.packed[0], d, from_input, reinterpret_cast<uint8_t*>(scratch + p.input_bytes),
                scratch + p.workers, *step.pool);
    bool reversed = d == 1 || p.first_reversed;
    for (int64_t s = 0; s < e.length; ++s) {
      int64_t t = reversed ? e.length - 1 - s : s;
      p.state.run(h, step.packed[1], d, from_state, reinterpret_cast<uint8_t*>(scratch + p.state_bytes), scratch + p.workers, *step.pool);
      for (int64_t row = 0; row < e.batch; ++row) {
        float* state = h + row * hidden;
        p.kernel->step(cell, from_input + p.input_row(t, row) * p.columns, from_state + row * p.columns, c + row * hidden, c + row * hidden, state, hidden);
        if (y != nullptr) std::memcpy(y + p.places.y(t, d, row), state, static_cast<size_t>(hidden) * 4);
      }
    }
    store_state(p, h, d, output_of(step, p, 1));
    store_state(p, c, d, output_of(step, p, 2));
  }
}

constexpr StepFunction kLstm = {"lstm", run_lstm};

struct GruParameters : Common {
  const kernels::gru_cell_f32::Kernel* kernel;
  RecurrentProduct candidate;   // (r · h) · Rh where the reset comes first
  bool reset_after;
};

// packed: x · W, h · R, (r · h) · Rh, biases: per direction 3·hidden for the input side, 3·hidden for the state side. With the reset
// first, both are summed in the input side.
void run_gru(const StepArguments& step) {
  const auto& p = step.params<GruParameters>();
  const RecurrentExtents& e = p.places.extents;
  auto* scratch = static_cast<std::byte*>(step.scratch);
  auto floats = [&](int64_t at) { return reinterpret_cast<float*>(scratch + at); };
  float *from_input = floats(p.from_input), *from_state = floats(p.from_state), *h = floats(p.h);
  float *z = floats(p.extra), *reset = z + e.batch * p.places.hidden, *candidate = reset + e.batch * p.places.hidden;
  auto* y = static_cast<float*>(output_of(step, p, 0));
  int64_t hidden = p.places.hidden, state_columns = p.reset_after ? 3 * hidden : 2 * hidden;
  for (int64_t d = 0; d < p.places.directions; ++d) {
    const float* bias = p.has_bias ? static_cast<const float*>(step.packed[3]) + d * 6 * hidden : nullptr;
    const float* recurrent_bias = p.has_bias ? bias + 3 * hidden : nullptr;
    load_state(p, p.has_h0 ? step.inputs[5] : nullptr, d, h);
    p.input.run(static_cast<const float*>(step.inputs[0]), step.packed[0], d, from_input, nullptr, scratch + p.workers, *step.pool);
    bool reversed = d == 1 || p.first_reversed;
    for (int64_t s = 0; s < e.length; ++s) {
      int64_t t = reversed ? e.length - 1 - s : s;
      p.state.run(h, step.packed[1], d, from_state, nullptr, scratch + p.workers, *step.pool);
      for (int64_t row = 0; row < e.batch; ++row) {
        const float* input = from_input + p.input_row(t, row) * p.columns;
        float *state = h + row * hidden, *of_state = from_state + row * state_columns;
        if (p.reset_after) p.kernel->step(input, of_state, bias, recurrent_bias, p.clip, state, state, hidden);
        else p.kernel->gates(input, of_state, bias, p.clip, state, z + row * hidden, reset + row * hidden, hidden);
      }
      if (!p.reset_after) {
        p.candidate.run(reset, step.packed[2], d, candidate, nullptr, scratch + p.workers, *step.pool);
        for (int64_t row = 0; row < e.batch; ++row)
          p.kernel->finish(from_input + p.input_row(t, row) * p.columns + 2 * hidden, candidate + row * hidden, bias == nullptr ? nullptr : bias + 2 * hidden,
                           p.clip, z + row * hidden, h + row * hidden, h + row * hidden, hidden);
      }
      for (int64_t row = 0; y != nullptr && row < e.batch; ++row)
        std::memcpy(y + p.places.y(t, d, row), h + row * hidden, static_cast<size_t>(hidden) * 4);
    }
    store_state(p, h, d, output_of(step, p, 1));
  }
}

constexpr StepFunction kGru = {"gru", run_gru};

// --- binding -------------------------------------------------------------------------------------------------------------------------

constexpr std::string_view kLstmFunctions[] = {"Sigmoid", "Tanh", "Tanh"};
constexpr std::string_view kGruFunctions[] = {"Sigmoid", "Tanh"};

// Float data in ONNX order, full sequences, the standard activations, something to compute.
bool is_standard(const BindContext& context, const RecurrentOptions& options) {
  const Node& node = context.node();
  if (context.has_input(4) || context.dtype(0) != DType::kFloat32) return false;
  for (const Value* value : node.inputs)
    if (value != nullptr && value->layout != Layout::kOnnx) return false;
  for (size_t i = 0; i < options.activations.size(); ++i) {
    bool gate = i % (options.activations.size() / static_cast<size_t>(options.directions)) == 0;
    if (options.activations[i].kind != (gate ? RecurrentActivation::Kind::kSigmoid : RecurrentActivation::Kind::kTanh)) return false;
  }
  return context.shape(0).elements() > 0;
}

void fill_common(const BindContext& context, const RecurrentOptions& options, int64_t gates, Common& p) {
  p.places = {recurrent_extents(context.node(), context.shape(0), options), options.directions, options.hidden, options.batch_major};
  p.columns = gates * options.hidden;
  p.outputs = context.node().outputs.size();
  p.first_reversed = options.first_reversed;
  p.has_bias = context.has_input(3);
  p.has_h0 = context.has_input(5);
  p.clip = options.clip > 0 ? options.clip : std::numeric_limits<float>::infinity();
}

// Bias of the input side and of the state side, added up; empty when there is none.
std::vector<float> summed_bias(const BindContext& context, int64_t direction, int64_t columns) {
  if (!context.has_input(3)) return {};
  const float* bias = context.constant(3)->data<float>() + direction * 2 * columns;
  std::vector<float> sum(static_cast<size_t>(columns));
  for (int64_t j = 0; j < columns; ++j) sum[static_cast<size_t>(j)] = bias[j] + bias[columns + j];
  return sum;
}

}  // namespace

bool bind_lstm(BindContext& context) {
  const Node& node = context.node();
  RecurrentOptions options = read_recurrent_options(node, 3, kLstmFunctions);
  const Tensor *w = context.raw_constant(1), *r = context.raw_constant(2);
  if (!is_standard(context, options) || w == nullptr || r == nullptr || !is_constant_or_absent(node, 3)) return false;
  LstmParameters p{};
  fill_common(context, options, 4, p);
  p.has_c0 = context.has_input(6);
  p.has_peephole = context.has_input(7);
  p.input_forget = node.attributes.integer("input_forget", 0) != 0;
  p.kernel = kernels::lstm_cell_f32::select(context.isa()).kernel;
  const RecurrentExtents& e = p.places.extents;
  int64_t hidden = options.hidden, columns = p.columns;
  p.input.prepare(gemm_shape(e.length * e.batch, columns, e.inputs), false, context.isa());
  p.state.prepare(gemm_shape(e.batch, columns, hidden), false, context.isa());
  context.pack(packed_bytes(p.input, options.directions), [&](void* block) {
    for (int64_t d = 0; d < options.directions; ++d) {
      std::vector<float> bias = summed_bias(context, d, columns);
      pack_conv_f32(p.input.f32, floats_at(*w, d * columns * e.inputs), transposed_weights(e.inputs), bias.empty() ? nullptr : bias.data(),
                    static_cast<std::byte*>(block) + d * p.input.stride);
    }
  });
  context.pack(packed_bytes(p.state, options.directions), [&](void* block) {
    for (int64_t d = 0; d < options.directions; ++d)
      pack_conv_f32(p.state.f32, floats_at(*r, d * columns * hidden), transposed_weights(hidden), nullptr, static_cast<std::byte*>(block) + d * p.state.stride);
  });
  context.drop_packed_input(1);
  context.drop_packed_input(2);
  if (context.has_input(3)) context.drop_constant_input(3);
  context.set_scratch_bytes(p.lay_out(context.threads(), true, 0));
  context.set(kLstm, p, std::string("lstm_cell_f32/") + kernels::lstm_cell_f32::select(context.isa()).name);
  return true;
}

bool bind_dynamic_quantize_lstm(BindContext& context) {
  const Node& node = context.node();
  RecurrentOptions options = read_recurrent_options(node, 3, kLstmFunctions);
  if (!is_standard(context, options)) return false;
  for (size_t i : {size_t{1}, size_t{2}, size_t{3}, size_t{8}, size_t{9}, size_t{10}, size_t{11}})
    if (!is_constant_or_absent(node, i)) return false;
  LstmParameters p{};
  fill_common(context, options, 4, p);
  p.has_c0 = context.has_input(6);
  p.has_peephole = context.has_input(7);
  p.input_forget = node.attributes.integer("input_forget", 0) != 0;
  p.kernel = kernels::lstm_cell_f32::select(context.isa()).kernel;
  const RecurrentExtents& e = p.places.extents;
  int64_t columns = p.columns;
  p.input.prepare(gemm_shape(e.length * e.batch, columns, e.inputs), true, context.isa());
  p.state.prepare(gemm_shape(e.batch, columns, options.hidden), true, context.isa());
  auto pack = [&](const RecurrentProduct& product, size_t weights_input, size_t scale_input, bool with_bias) {
    const Tensor& weights = *context.raw_constant(weights_input);
    Reader<float> scales(*context.constant(scale_input));
    Reader<int32_t> zeros = context.has_input(scale_input + 1) ? Reader<int32_t>(*context.constant(scale_input + 1)) : Reader<int32_t>();
    context.pack(packed_bytes(product, options.directions), [&](void* block) {
      for (int64_t d = 0; d < options.directions; ++d) {
        auto at = [&](const auto& values, int64_t j) { return values[values.size() == options.directions ? d : d * columns + j]; };
        std::vector<float> multiplier, bias;
        std::vector<int32_t> zero_points;
        for (int64_t j = 0; j < columns; ++j) multiplier.push_back(at(scales, j));
        for (int64_t j = 0; zeros && j < columns; ++j) zero_points.push_back(at(zeros, j));
        if (with_bias) bias = summed_bias(context, d, columns);
        kernels::Int8Weights form;
        form.data = static_cast<const uint8_t*>(weights.raw()) + d * product.depth * columns;
        form.is_unsigned = weights.dtype() == DType::kUInt8;
        form.strides = matrix_weights(columns);
        form.multiplier = multiplier.data();
        if (!zero_points.empty()) form.zero_points = zero_points.data();
        if (!bias.empty()) form.float_bias = bias.data();
        pack_conv_int8(product.int8, form, static_cast<std::byte*>(block) + d * product.stride);
      }
    });
    context.drop_packed_input(weights_input);
  };
  pack(p.input, 1, 8, true);
  pack(p.state, 2, 10, false);
  for (size_t i : {size_t{3}, size_t{8}, size_t{9}, size_t{10}, size_t{11}})
    if (context.has_input(i)) context.drop_constant_input(i);
  context.set_scratch_bytes(p.lay_out(context.threads(), true, 0));
  context.set(kLstm, p, std::string("lstm_int8/") + kernels::name_of(kernels::gemm_int8::entries(), p.state.int8.kernel));
  return true;
}

bool bind_gru(BindContext& context) {
  const Node& node = context.node();
  RecurrentOptions options = read_recurrent_options(node, 2, kGruFunctions);
  const Tensor *w = context.raw_constant(1), *r = context.raw_constant(2);
  if (!is_standard(context, options) || w == nullptr || r == nullptr || !is_constant_or_absent(node, 3)) return false;
  GruParameters p{};
  fill_common(context, options, 3, p);
  p.reset_after = node.attributes.integer("linear_before_reset", 0) != 0;
  p.kernel = kernels::gru_cell_f32::select(context.isa()).kernel;
  const RecurrentExtents& e = p.places.extents;
  int64_t hidden = options.hidden, columns = p.columns, state_columns = p.reset_after ? columns : 2 * hidden;
  p.input.prepare(gemm_shape(e.length * e.batch, columns, e.inputs), false, context.isa());
  p.state.prepare(gemm_shape(e.batch, state_columns, hidden), false, context.isa());
  if (!p.reset_after) p.candidate.prepare(gemm_shape(e.batch, hidden, hidden), false, context.isa());
  auto pack_recurrent = [&](const RecurrentProduct& product, int64_t first) {
    return [&, first](void* block) {
      for (int64_t d = 0; d < options.directions; ++d)
        pack_conv_f32(product.f32, floats_at(*r, d * columns * hidden + first), transposed_weights(hidden), nullptr,
                      static_cast<std::byte*>(block) + d * product.stride);
    };
  };
  context.pack(packed_bytes(p.input, options.directions), [&](void* block) {
    for (int64_t d = 0; d < options.directions; ++d)
      pack_conv_f32(p.input.f32, floats_at(*w, d * columns * e.inputs), transposed_weights(e.inputs), nullptr, static_cast<std::byte*>(block) + d * p.input.stride);
  });
  context.pack(packed_bytes(p.state, options.directions), pack_recurrent(p.state, 0));
  context.pack(p.reset_after ? 0 : packed_bytes(p.candidate, options.directions), pack_recurrent(p.candidate, 2 * hidden * hidden));
  Tensor biases(DType::kFloat32, Shape{options.directions * 6 * hidden});
  for (int64_t d = 0; d < options.directions; ++d) {
    float* bias = biases.data<float>() + d * 6 * hidden;
    if (!p.has_bias) continue;
    const float* given = context.constant(3)->data<float>() + d * 2 * columns;
    for (int64_t j = 0; j < columns; ++j) {
      bias[j] = p.reset_after ? given[j] : given[j] + given[columns + j];
      bias[columns + j] = given[columns + j];
    }
  }
  context.add_packed(std::move(biases));
  context.drop_packed_input(1);
  context.drop_packed_input(2);
  if (context.has_input(3)) context.drop_constant_input(3);
  context.set_scratch_bytes(p.lay_out(context.threads(), false, 3 * hidden) +
                            (p.reset_after ? 0 : context.threads() * p.candidate.worker_bytes()));
  context.set(kGru, p, std::string("gru_cell_f32/") + kernels::gru_cell_f32::select(context.isa()).name);
  return true;
}

}  // namespace octet::ops
