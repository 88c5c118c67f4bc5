#include "ops/copy_steps.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/copy_strided/copy_strided.h"
#include "kernels/transpose/transpose.h"

namespace octet::ops {

namespace copy_strided = kernels::copy_strided;
namespace transpose = kernels::transpose;

struct CopyList::Piece {
  copy_strided::Block block;
  int32_t input, output;     // input -1: fill
  int64_t x_offset, y_offset;   // in bytes
};

namespace {

constexpr int kMostPieces = 256;
constexpr int64_t kWorth = 1 << 16;   // bytes that are worth a worker's while

struct CopyParameters {
  int64_t pieces;
  uint64_t fill_value;
};

}  // namespace

// A step sees the pieces as its first packed block.
struct CopyRunner {
  template <typename Piece>
  static void run(const StepArguments& arguments) {
    const auto& p = arguments.params<CopyParameters>();
    const auto* pieces = static_cast<const Piece*>(arguments.packed[0]);
    for (int64_t i = 0; i < p.pieces; ++i) {
      const Piece& piece = pieces[i];
      const copy_strided::Block& block = piece.block;
      const char* x = piece.input < 0 ? nullptr : static_cast<const char*>(arguments.inputs[piece.input]) + piece.x_offset;
      char* y = static_cast<char*>(arguments.outputs[piece.output]) + piece.y_offset;
      const int64_t row = block.extent[block.rank - 1] * block.element_bytes;
      arguments.pool->parallel_for(block.rows(), std::max<int64_t>(kWorth / std::max<int64_t>(row, 1), 1), [&](int64_t begin, int64_t end, int) {
        if (x == nullptr) copy_strided::fill(block, &p.fill_value, y, begin, end);
        else copy_strided::copy(block, x, y, begin, end);
      });
    }
  }
};

void CopyList::add(int input, int output, const Shape& extents, std::span<const int64_t> x_strides, int64_t x_offset,
                   std::span<const int64_t> y_strides, int64_t y_offset) {
  const Value& target = *context_.node().outputs[static_cast<size_t>(output)];
  const int bits = dtype_bits(target.dtype);
  if (bits < 8 || bits > 64) possible_ = false;
  if (!possible_ || extents.elements() == 0) return;
  // Walk the output as it lies in memory.
  std::vector<size_t> order;
  for (size_t axis = 0; axis < y_strides.size(); ++axis)
    if (extents[static_cast<int>(axis)] != 1) order.push_back(axis);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return y_strides[a] > y_strides[b]; });
  if (order.size() > copy_strided::Block::kMaxRank) {
    possible_ = false;
    return;
  }
  Piece piece{};
  piece.block.element_bytes = bits / 8;
  for (size_t i = 0; i < order.size(); ++i) {
    piece.block.extent[i] = extents[static_cast<int>(order[i])];
    piece.block.x_stride[i] = x_strides.empty() ? 0 : x_strides[order[i]];
    piece.block.y_stride[i] = y_strides[order[i]];
  }
  piece.block.rank = std::max<int>(static_cast<int>(order.size()), 1);
  piece.block = copy_strided::collapse(piece.block);
  piece.input = input;
  piece.output = output;
  piece.x_offset = x_offset * bits / 8;
  piece.y_offset = y_offset * bits / 8;
  pieces_.resize(pieces_.size() + sizeof(Piece));
  std::memcpy(pieces_.data() + pieces_.size() - sizeof(Piece), &piece, sizeof(Piece));
  if (++count_ > kMostPieces) possible_ = false;
}

void CopyList::copy(size_t input, size_t output, const Shape& extents, std::span<const int64_t> x_strides, int64_t x_offset,
                    std::span<const int64_t> y_strides, int64_t y_offset) {
  add(static_cast<int>(input), static_cast<int>(output), extents, x_strides, x_offset, y_strides, y_offset);
}

void CopyList::fill(const Shape& extents, std::span<const int64_t> y_strides, int64_t y_offset) {
  add(-1, 0, extents, {}, 0, y_strides, y_offset);
}

void CopyList::set_fill_value(const void* value, int element_bytes) { std::memcpy(&fill_value_, value, static_cast<size_t>(element_bytes)); }

bool CopyList::bind() {
  static constexpr StepFunction step = {"copy_pieces", CopyRunner::run<Piece>};
  if (!possible_) return false;
  Tensor block(DType::kUInt8, Shape{std::max<int64_t>(static_cast<int64_t>(pieces_.size()), 1)});
  if (!pieces_.empty()) std::memcpy(block.raw(), pieces_.data(), pieces_.size());
  context_.add_packed(std::move(block));
  context_.set(step, CopyParameters{count_, fill_value_}, "copy_strided/reference");
  return true;
}

namespace {

struct TransposeParameters {
  const transpose::Kernel* kernel;
  transpose::Plan plan;
  int64_t grain;
};

void run_transpose(const StepArguments& arguments) {
  const auto& p = arguments.params<TransposeParameters>();
  arguments.pool->parallel_for(p.plan.units, p.grain, [&](int64_t begin, int64_t end, int) {
    transpose::run(*p.kernel, p.plan, arguments.inputs[0], arguments.outputs[0], begin, end);
  });
}

constexpr StepFunction transpose_step = {"transpose", run_transpose};

}  // namespace

bool bind_transpose(BindContext& context, std::span<const int64_t> shape, std::span<const int64_t> permutation) {
  const int bits = dtype_bits(context.dtype(0));
  TransposeParameters parameters{};
  if (bits < 8 || bits > 64 || !transpose::make_plan(shape, permutation, bits / 8, parameters.plan)) return false;
  const auto& entry = transpose::select(context.isa());
  parameters.kernel = entry.kernel;
  int64_t bytes = context.shape(0).elements() * bits / 8, units = std::max<int64_t>(parameters.plan.units, 1);
  parameters.grain = std::max<int64_t>(kWorth / std::max<int64_t>(bytes / units, 1), 1);
  context.set(transpose_step, parameters, std::string("transpose/") + entry.name);
  return true;
}

LayoutSupport agnostic_with_constants(const Node& node) {
  for (size_t i = 1; i < node.inputs.size(); ++i)
    if (node.inputs[i] != nullptr && !node.inputs[i]->is_constant()) return LayoutSupport::kOnnxOnly;
  const int bits = node.inputs[0] != nullptr ? dtype_bits(node.inputs[0]->dtype) : 0;
  return bits >= 8 && bits <= 64 ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly;
}

}  // namespace octet::ops
