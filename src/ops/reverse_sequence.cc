// ReverseSequence: of every batch entry the first sequence_lens[batch] steps backwards, the rest as they are.
#include <cstring>

#include "ops/axes.h"

namespace octet::ops {

namespace {

struct Axes { int time, batch; };

Axes axes(const Attributes& attributes, const Shape& shape) {
  require(shape.rank() >= 2, ErrorCode::kShapeMismatch, "ReverseSequence wants rank 2 or more, not ", shape);
  int64_t time = attributes.integer("time_axis", 0), batch = attributes.integer("batch_axis", 1);
  require((time == 0 && batch == 1) || (time == 1 && batch == 0), ErrorCode::kInvalidModel, "time_axis ", time, " and batch_axis ", batch);
  return {static_cast<int>(time), static_cast<int>(batch)};
}

void infer(InferContext& context) {
  if (context.has_rank(0)) axes(context.attributes(), context.shape(0));
  context.same_as_input(0, 0);
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  const Shape& shape = x.shape();
  Axes a = axes(context.attributes(), shape);
  std::vector<int64_t> lengths = integers_of(context.input(1));
  require(static_cast<int64_t>(lengths.size()) == shape[a.batch], ErrorCode::kShapeMismatch, lengths.size(), " lengths for ", shape[a.batch], " sequences");
  for (int64_t length : lengths)
    require(length >= 0 && length <= shape[a.time], ErrorCode::kShapeMismatch, "a length of ", length, " in sequences of ", shape[a.time]);
  require(dtype_bits(x.dtype()) >= 8, ErrorCode::kUnsupported, "elements of type ", x.dtype(), " are not supported here");
  Tensor& y = context.output(0, x.dtype(), shape);
  if (x.elements() == 0) return;
  size_t bytes = static_cast<size_t>(shape.elements(2, shape.rank()) * dtype_bits(x.dtype()) / 8);
  auto offset = [&](int64_t time, int64_t batch) {
    return static_cast<size_t>(a.time == 0 ? time * shape[1] + batch : batch * shape[1] + time) * bytes;
  };
  for (int64_t batch = 0; batch < shape[a.batch]; ++batch) {
    int64_t length = lengths[static_cast<size_t>(batch)];
    for (int64_t time = 0; time < shape[a.time]; ++time)
      std::memcpy(static_cast<char*>(y.raw()) + offset(time, batch),
                  static_cast<const char*>(x.raw()) + offset(time < length ? length - 1 - time : time, batch), bytes);
  }
}

constexpr OperatorDef definitions[] = {
    {.name = "ReverseSequence", .since_version = 10, .min_inputs = 2, .max_inputs = 2, .infer = infer, .evaluate = evaluate, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> reverse_sequence_operators() { return definitions; }

}  // namespace octet::ops
