#include "measure/roofline.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/cpu.h"
#include "base/mapped_file.h"
#include "base/thread_pool.h"
#include "kernels/conv/conv_f32.h"
#include "kernels/conv/conv_int8.h"

namespace octet {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Zeroed memory, so that its pages are there.
class Buffer {
 public:
  explicit Buffer(size_t bytes) : memory_(static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 191) / 64 * 64)), &std::free) {
    if (memory_ == nullptr) throw std::bad_alloc();
    std::memset(memory_.get(), 0, bytes);
  }
  std::byte* get() const { return memory_.get(); }

 private:
  std::unique_ptr<std::byte, decltype(&std::free)> memory_;
};

constexpr int kSamples = 5;
constexpr double kSampleSeconds = 0.003;

// The highest rate at which all threads together do `work(thread)`, which is worth `amount`, over and over.
template <typename Work>
double best_rate(ThreadPool& pool, double amount, Work&& work) {
  auto round = [&](int64_t repetitions) {
    const Clock::time_point start = Clock::now();
    pool.parallel_for(pool.threads(), 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t thread = begin; thread < end; ++thread)
        for (int64_t i = 0; i < repetitions; ++i) work(static_cast<size_t>(thread));
    });
    return seconds_since(start);
  };
  const double once = std::max(round(1), 1e-9);
  const auto repetitions = static_cast<int64_t>(std::clamp(kSampleSeconds / once, 1.0, 1e6));
  double best = 0;
  for (int i = 0; i < kSamples; ++i)
    best = std::max(best, amount * static_cast<double>(repetitions * pool.threads()) / std::max(round(repetitions), 1e-9));
  return best;
}

// A product that fits any second-level cache, large enough that its edges do not count.
constexpr int64_t kRows = 192, kColumns = 192, kDepth = 768;
constexpr double kOperations = 2.0 * kRows * kColumns * kDepth;

double int8_peak(ThreadPool& pool, Isa isa) {
  const kernels::ConvInt8 op = kernels::prepare_conv_int8(kernels::gemm_shape(kRows, kColumns, kDepth), false, isa);
  const Buffer weights(kColumns * kDepth);
  kernels::Int8Weights description;
  description.data = weights.get();
  description.strides = kernels::matrix_weights(kColumns);
  const Buffer packed(op.packed_bytes);
  kernels::pack_conv_int8(op, description, packed.get());
  struct Operands { Buffer input{kRows * kDepth}, output{kRows * kColumns}, scratch; };
  std::vector<Operands> operands;
  for (int i = 0; i < pool.threads(); ++i) operands.push_back({.scratch = Buffer(op.scratch_bytes)});
  return best_rate(pool, kOperations, [&](size_t thread) {
    kernels::ConvInt8Args args;
    args.input = operands[thread].input.get();
    args.packed = packed.get();
    args.output = operands[thread].output.get();
    kernels::run_conv_int8(op, args, 0, op.tasks, operands[thread].scratch.get());
  });
}

double float_peak(ThreadPool& pool, Isa isa) {
  const kernels::ConvF32 op = kernels::prepare_conv_f32(kernels::gemm_shape(kRows, kColumns, kDepth), isa);
  const Buffer weights(kColumns * kDepth * sizeof(float));
  const Buffer packed(op.packed_bytes);
  kernels::pack_conv_f32(op, reinterpret_cast<const float*>(weights.get()), kernels::matrix_weights(kColumns), nullptr, packed.get());
  struct Operands { Buffer input{kRows * kDepth * sizeof(float)}, output{kRows * kColumns * sizeof(float)}, scratch; };
  std::vector<Operands> operands;
  for (int i = 0; i < pool.threads(); ++i) operands.push_back({.scratch = Buffer(op.scratch_bytes)});
  return best_rate(pool, kOperations, [&](size_t thread) {
    kernels::ConvF32Args args;
    args.input = reinterpret_cast<const float*>(operands[thread].input.get());
    args.packed = packed.get();
    args.output = reinterpret_cast<float*>(operands[thread].output.get());
    kernels::run_conv_f32(op, args, 0, op.tasks, operands[thread].scratch.get());
  });
}

// Bytes read and written per second by copies within `bytes` of memory of each thread.
double bandwidth(ThreadPool& pool, size_t bytes) {
  std::vector<Buffer> memory;
  for (int i = 0; i < pool.threads(); ++i) memory.emplace_back(bytes);
  return best_rate(pool, static_cast<double>(bytes), [&](size_t thread) {
    std::memcpy(memory[thread].get() + bytes / 2, memory[thread].get(), bytes / 2);
  });
}

}  // namespace

MachinePeaks measure_peaks(const std::string& isa, int threads) {
  const Isa level = isa.empty() ? active_isa() : isa_from_name(isa);
  const std::shared_ptr<ThreadPool> pool = shared_thread_pool(threads);
  const auto cache = static_cast<size_t>(std::max<int64_t>(cache_sizes().l2, 256 << 10));
  MachinePeaks peaks;
  peaks.int8_gops = int8_peak(*pool, level) / 1e9;
  peaks.float_gops = float_peak(*pool, level) / 1e9;
  peaks.cache_bytes = static_cast<int64_t>(cache) * pool->threads();
  peaks.cache_gbs = bandwidth(*pool, cache / 2) / 1e9;
  peaks.memory_gbs = bandwidth(*pool, 16 * cache) / 1e9;
  return peaks;
}

void set_limits(std::span<StepProfile> steps, const MachinePeaks& peaks) {
  int64_t all_weights = 0;
  for (const StepProfile& step : steps) all_weights += step.weight_bytes;
  auto milliseconds = [&](int64_t bytes, int64_t together) {
    return static_cast<double>(bytes) / (together <= peaks.cache_bytes ? peaks.cache_gbs : peaks.memory_gbs) / 1e6;
  };
  for (StepProfile& step : steps) {
    const double compute = 2.0 * static_cast<double>(step.macs) / (step.is_integer ? peaks.int8_gops : peaks.float_gops) / 1e6;
    const int64_t activations = step.bytes - step.weight_bytes;
    const double transfer = milliseconds(step.weight_bytes, all_weights) + milliseconds(activations, activations);
    step.limit_ms = std::max(compute, transfer);
    step.is_compute_bound = compute >= transfer;
  }
}

double mapped_read_ms(const std::string& path) {
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    const Clock::time_point start = Clock::now();
    const auto file = MappedFile::open(path);
    uint64_t sum = 0;
    const auto bytes = file->bytes();
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      uint64_t word;
      std::memcpy(&word, bytes.data() + at, 8);
      sum += word;
    }
    const volatile uint64_t read = sum;   // so that the loop stays
    static_cast<void>(read);
    const double time = 1e3 * seconds_since(start);
    best = i == 0 ? time : std::min(best, time);
  }
  return best;
}

}  // namespace octet
