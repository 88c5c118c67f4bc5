#include "quantize/round_layer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quantize/triangular.h"

namespace octet {

namespace {

constexpr int64_t kFewestRows = 16;       // below, there is nothing to learn from
constexpr int64_t kMostClosed = 2048;     // weights per output up to which the triangular factor is made (its cost grows with the cube)
constexpr double kDamping = 0.01;         // of the mean diagonal, as in GPTQ
constexpr double kRidges[] = {0.003, 0.03, 0.3};   // of the mean diagonal: how strongly least squares holds on to the float weights
constexpr double kLost = 0.25;            // of the results' power: with more noise than that, rows are not those of the results (behind TopK, say)
constexpr int kRounds = 3, kSweeps = 3;   // scales are refitted after each round of sweeps

// Sums in 16 lanes: the order is fixed, and the compiler has vectors for it. `count` is a multiple of 16.
float dot(const float* a, const float* b, int64_t count) {
  float lanes[16] = {};
  for (int64_t i = 0; i < count; i += 16)
    for (int l = 0; l < 16; ++l) lanes[l] += a[i + l] * b[i + l];
  float sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}
float dot(const float* a, const float* b, const float* c, int64_t count) {
  float lanes[16] = {};
  for (int64_t i = 0; i < count; i += 16)
    for (int l = 0; l < 16; ++l) lanes[l] += a[i + l] * b[i + l] * c[i + l];
  float sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}
void add_scaled(float* to, const float* from, float factor, int64_t count) {
  for (int64_t i = 0; i < count; i += 16)
    for (int l = 0; l < 16; ++l) to[i + l] += factor * from[i + l];
}
double sum_of(const float* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

class Solver {
 public:
  Solver(LayerRounding& layer, LayerRows& fitting, LayerRows& judging, const PassedShare& share, ThreadPool& pool)
      : layer_(layer), fitting_(fitting), judging_(judging), share_(share), pool_(pool), count_(layer.inputs), outputs_(layer.outputs) {}

  RoundingGain run() {
    RoundingGain gain;
    if (fitting_.rows < kFewestRows || judging_.rows < kFewestRows / 4) return gain;
    center();
    wanted_ = layer_.weights;
    const LayerRounding nearest = layer_;
    const double signal = error_of(std::vector<float>(layer_.weights.size(), 0.0f));
    double least = error_of(layer_.weights);
    if (count_ <= kMostClosed) {
      make_moments();
      least = refit(least);
    }
    gain.lost = least > kLost * signal;
    if (gain.lost) return gain;
    if (count_ <= kMostClosed) {
      if (layer_.free_scales) choose_scales();
      round_in_turn();
    }
    std::vector<double> before(static_cast<size_t>(outputs_)), after(before), shift(before);
    over_outputs([&](int64_t o, Scratch& scratch) {
      descend(o, scratch);
      auto i = static_cast<size_t>(o);
      before[i] = judge(nearest, o, scratch).error;
      Judged judged = judge(layer_, o, scratch);
      after[i] = judged.error;
      shift[i] = judged.shift;
    });
    gain.before = std::accumulate(before.begin(), before.end(), 0.0);
    gain.after = std::accumulate(after.begin(), after.end(), 0.0);
        gain.better = gain.after < gain.before;
    if (!gain.better) layer_ = nearest;
    else if (layer_.free_bias) layer_.shift = std::move(shift);
    return gain;
  }

 private:
  struct Scratch {
    std::vector<float> share, residual, sum, others, weights;
    std::vector<double> means, diagonal, feedback;
  };
  struct Judged { double error = 0, shift = 0; };

  template <typename Body>
  void over_outputs(const Body& body) {
    std::vector<Scratch> scratch(static_cast<size_t>(pool_.threads()));
    pool_.parallel_for(outputs_, 1, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t o = begin; o < end; ++o) body(o, scratch[static_cast<size_t>(worker)]);
    });
  }

  int64_t group_of(int64_t output) const { return output / (outputs_ / layer_.groups); }
  const float* feature(const LayerRows& rows, int64_t output, int64_t k) const { return rows.feature(group_of(output) * count_ + k); }
  float scale(const LayerRounding& layer, int64_t o, int64_t k) const {
    return layer.scales[static_cast<size_t>(o * layer.scales_each + layer.scale_of[static_cast<size_t>(k)])];
  }

  // Biases off the results; with a free bias only what differs from the mean counts, and large means would cost precision.
  void center() {
    target_means_.assign(static_cast<size_t>(outputs_), 0.0);
    feature_means_.assign(static_cast<size_t>(fitting_.features), 0.0);
    auto shift_rows = [](std::vector<float>& columns, const LayerRows& rows, int64_t column, double by) {
      float* values = columns.data() + column * rows.stride;
      for (int64_t i = 0; i < rows.rows; ++i) values[i] = static_cast<float>(values[i] - by);
    };
    for (int64_t o = 0; o < outputs_; ++o) {
      double by = layer_.free_bias ? sum_of(fitting_.target(o), fitting_.rows) / static_cast<double>(fitting_.rows)
                  : layer_.biases.empty() ? 0 : layer_.biases[static_cast<size_t>(o)];
      target_means_[static_cast<size_t>(o)] = by;
      shift_rows(fitting_.targets, fitting_, o, by);
      shift_rows(judging_.targets, judging_, o, by);
    }
    if (!layer_.free_bias) return;
    for (int64_t f = 0; f < fitting_.features; ++f) {
      double by = sum_of(fitting_.feature(f), fitting_.rows) / static_cast<double>(fitting_.rows);
      feature_means_[static_cast<size_t>(f)] = by;
      shift_rows(fitting_.inputs, fitting_, f, by);
      shift_rows(judging_.inputs, judging_, f, by);
    }
  }

  // Σ x̃ x̃ᵀ of each group.
  void make_moments() {
    const int64_t size = count_ * count_;
    moments_.resize(static_cast<size_t>(layer_.groups * size));
    pool_.parallel_for(layer_.groups * count_, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        int64_t first = row / count_ * count_, i = row % count_;
        double* to = moments_.data() + row / count_ * size;
        for (int64_t j = 0; j <= i; ++j)
          to[i * count_ + j] = to[j * count_ + i] = dot(fitting_.feature(first + i), fitting_.feature(first + j), fitting_.stride);
      }
    });
  }
  double mean_diagonal(int64_t group) const {
    const double* m = moments_.data() + group * count_ * count_;
    double sum = 0;
    for (int64_t k = 0; k < count_; ++k) sum += m[k * count_ + k];
    return std::max(sum / static_cast<double>(count_), 1e-30);
  }

  // residual = weights · x̃ − target over `rows`.
  void residual_of(const LayerRows& rows, int64_t o, const float* weights, std::vector<float>& residual) const {
    residual.assign(static_cast<size_t>(rows.stride), 0.0f);
    for (int64_t k = 0; k < count_; ++k)
      if (weights[k] != 0) add_scaled(residual.data(), feature(rows, o, k), weights[k], rows.stride);
    add_scaled(residual.data(), rows.target(o), -1, rows.stride);
  }
  void share_of(const LayerRows& rows, int64_t o, std::vector<float>& share) const {
    share.assign(static_cast<size_t>(rows.stride), 0.0f);
    auto i = static_cast<size_t>(o);
    double offset = target_means_[i] + (layer_.behind.empty() ? 0.0f : layer_.behind[i]);
    for (int64_t r = 0; r < rows.rows; ++r) share[static_cast<size_t>(r)] = static_cast<float>(share_.of(static_cast<float>(rows.target(o)[r] + offset)));
  }

  // The objective of real weights on the rows kept apart.
  double error_of(const std::vector<float>& weights) {
    std::vector<double> errors(static_cast<size_t>(outputs_));
    over_outputs([&](int64_t o, Scratch& scratch) {
      share_of(judging_, o, scratch.share);
      residual_of(judging_, o, weights.data() + o * count_, scratch.residual);
      errors[static_cast<size_t>(o)] = dot(scratch.residual.data(), scratch.residual.data(), scratch.share.data(), judging_.stride);
    });
    return std::accumulate(errors.begin(), errors.end(), 0.0);
  }

  // Least squares towards what the float model computes, as near to the float weights as is best on the rows kept apart.
  double refit(double least) {
    constexpr size_t kCandidates = std::size(kRidges);
    std::vector<std::vector<float>> candidates(kCandidates, layer_.weights);
    std::vector<double> right(static_cast<size_t>(outputs_ * count_));
    over_outputs([&](int64_t o, Scratch& scratch) {
      residual_of(fitting_, o, layer_.weights.data() + o * count_, scratch.residual);
      for (int64_t k = 0; k < count_; ++k) right[static_cast<size_t>(o * count_ + k)] = -dot(feature(fitting_, o, k), scratch.residual.data(), fitting_.stride);
    });
    for (size_t c = 0; c < kCandidates; ++c)
      for (int64_t g = 0; g < layer_.groups; ++g) {
        const double* moments = moments_.data() + g * count_ * count_;
        Triangular factor({moments, moments + count_ * count_}, count_, kRidges[c] * mean_diagonal(g), pool_);
        const int64_t each = outputs_ / layer_.groups;
        pool_.parallel_for(each, 1, [&](int64_t begin, int64_t end, int) {
          for (int64_t o = g * each + begin; o < g * each + end; ++o) {
            double* solution = right.data() + o * count_;
            std::vector<double> own(solution, solution + count_);
            factor.solve(own.data());
            for (int64_t k = 0; k < count_; ++k) candidates[c][static_cast<size_t>(o * count_ + k)] += static_cast<float>(own[static_cast<size_t>(k)]);
          }
        });
      }
    for (std::vector<float>& candidate : candidates)
      if (double error = error_of(candidate); error < least) {
        least = error;
        wanted_ = std::move(candidate);
      }
    return least;
  }

  // Scales with the least error of the weights, each weighted by how much its input varies.
  void choose_scales() {
    over_outputs([&](int64_t o, Scratch&) {
      const float* w = wanted_.data() + o * count_;
      const double* moments = moments_.data() + group_of(o) * count_ * count_;
      const double floor = kDamping * mean_diagonal(group_of(o));
      for (int64_t s = 0; s < layer_.scales_each; ++s) {
        float largest = 0;
        for (int64_t k = 0; k < count_; ++k)
          if (layer_.scale_of[static_cast<size_t>(k)] == s) largest = std::max(largest, std::abs(w[k]));
        float full = largest / static_cast<float>(layer_.highest), best = full;
        if (!(full >= 1e-30f)) continue;
        double least = HUGE_VAL;
        for (int step = 0; step <= 24; ++step) {
          float scale = full * (1 - 0.02f * static_cast<float>(step));
          double error = 0;
          for (int64_t k = 0; k < count_; ++k) {
            if (layer_.scale_of[static_cast<size_t>(k)] != s) continue;
            double rounded = to_integer(w[k], scale) * static_cast<double>(scale) - w[k];
            error += rounded * rounded * (moments[k * count_ + k] + floor);
          }
          if (error < least) least = error, best = scale;
        }
        layer_.scales[static_cast<size_t>(o * layer_.scales_each + s)] = best;
      }
    });
  }

  int to_integer(double weight, float scale) const {
    return static_cast<int>(std::clamp(std::nearbyint(weight / static_cast<double>(scale)), static_cast<double>(layer_.lowest), static_cast<double>(layer_.highest)));
  }

  // One weight after the other, those of the largest inputs first; the factor says how the others make up for each error.
  void round_in_turn() {
    const int64_t each = outputs_ / layer_.groups;
    for (int64_t g = 0; g < layer_.groups; ++g) {
      const double* m = moments_.data() + g * count_ * count_;
      std::vector<int64_t> order(static_cast<size_t>(count_));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return m[a * count_ + a] < m[b * count_ + b]; });
      std::vector<double> ordered(static_cast<size_t>(count_ * count_));
      for (int64_t i = 0; i < count_; ++i)
        for (int64_t j = 0; j < count_; ++j) ordered[static_cast<size_t>(i * count_ + j)] = m[order[static_cast<size_t>(i)] * count_ + order[static_cast<size_t>(j)]];
      Triangular factor(std::move(ordered), count_, kDamping * mean_diagonal(g), pool_);
      pool_.parallel_for(each, 1, [&](int64_t begin, int64_t end, int) {
        std::vector<double> feedback(static_cast<size_t>(count_));
        for (int64_t o = g * each + begin; o < g * each + end; ++o) {
          std::fill(feedback.begin(), feedback.end(), 0.0);
          for (int64_t p = count_ - 1; p >= 0; --p) {
            const int64_t k = order[static_cast<size_t>(p)];
            const double* row = factor.row(p);
            const float step = scale(layer_, o, k);
            double weight = wanted_[static_cast<size_t>(o * count_ + k)];
            int q = to_integer(weight + feedback[static_cast<size_t>(p)] / row[p], step);
            layer_.values[static_cast<size_t>(o * count_ + k)] = static_cast<int8_t>(q);
            double error = weight - q * static_cast<double>(step);
            for (int64_t j = 0; j < p; ++j) feedback[static_cast<size_t>(j)] += error * row[j];
          }
        }
      });
    }
  }

  void real_weights(const LayerRounding& layer, int64_t o, std::vector<float>& weights) const {
    weights.resize(static_cast<size_t>(count_));
    for (int64_t k = 0; k < count_; ++k) weights[static_cast<size_t>(k)] = static_cast<float>(layer.values[static_cast<size_t>(o * count_ + k)]) * scale(layer, o, k);
  }

  // Coordinate descent on the objective for one output; `residual` holds share · (what is left), its sum 0 where the bias is free.
  void descend(int64_t o, Scratch& s) {
    const int64_t stride = fitting_.stride;
    share_of(fitting_, o, s.share);
    const double all = sum_of(s.share.data(), stride);
    if (!(all >= 1e-3 * static_cast<double>(fitting_.rows))) return;   // nothing of it passes
    real_weights(layer_, o, s.weights);
    residual_of(fitting_, o, s.weights.data(), s.residual);
    double mean = layer_.free_bias ? dot(s.residual.data(), s.share.data(), stride) / all : 0;
    for (int64_t i = 0; i < stride; ++i) s.residual[static_cast<size_t>(i)] = static_cast<float>(s.residual[static_cast<size_t>(i)] - mean) * s.share[static_cast<size_t>(i)];
    s.means.assign(static_cast<size_t>(count_), 0.0);
    s.diagonal.assign(static_cast<size_t>(count_), 0.0);
    double ridge = 0;
    for (int64_t k = 0; k < count_; ++k) {
      const float* x = feature(fitting_, o, k);
      auto i = static_cast<size_t>(k);
      if (layer_.free_bias) s.means[i] = dot(x, s.share.data(), stride) / all;
      s.diagonal[i] = std::max(0.0, static_cast<double>(dot(x, x, s.share.data(), stride)) - all * s.means[i] * s.means[i]);
      ridge += kDamping * s.diagonal[i] / static_cast<double>(count_);
    }
    for (int round = 0; round < kRounds; ++round) {
      bool changed = false;
      for (int sweep = 0; sweep < kSweeps; ++sweep) {
        if (!move_integers(o, s, ridge)) break;
        changed = true;
      }
      if (!layer_.free_scales || (round > 0 && !changed) || round + 1 == kRounds) break;
      fit_scales(o, s, ridge, all);
    }
  }

  bool move_integers(int64_t o, Scratch& s, double ridge) {
    bool changed = false;
    for (int64_t k = 0; k < count_; ++k) {
      auto i = static_cast<size_t>(k);
      const double curvature = s.diagonal[i] + ridge;
      if (!(curvature > 0)) continue;
      const float* x = feature(fitting_, o, k);
      const float step = scale(layer_, o, k);
      int8_t& q = layer_.values[static_cast<size_t>(o * count_ + k)];
      double weight = q * static_cast<double>(step);
      double slope = dot(x, s.residual.data(), fitting_.stride) + ridge * (weight - wanted_[static_cast<size_t>(o * count_ + k)]);
      int next = to_integer(weight - slope / curvature, step);
      double by = (next - q) * static_cast<double>(step);
      if (next == q || !(2 * by * slope + by * by * curvature < 0)) continue;
      q = static_cast<int8_t>(next);
      move(s, x, by, s.means[i]);
      changed = true;
    }
    return changed;
  }

  // residual += share · by · (direction − mean)
  void move(Scratch& s, const float* direction, double by, double mean) const {
    const auto factor = static_cast<float>(by), middle = static_cast<float>(mean);
    float* r = s.residual.data();
    const float* share = s.share.data();
    for (int64_t i = 0; i < fitting_.stride; i += 16)
      for (int l = 0; l < 16; ++l) r[i + l] += factor * share[i + l] * (direction[i + l] - middle);
  }

  void fit_scales(int64_t o, Scratch& s, double ridge, double all) {
    s.sum.resize(static_cast<size_t>(fitting_.stride));
    for (int64_t b = 0; b < layer_.scales_each; ++b) {
      float& step = layer_.scales[static_cast<size_t>(o * layer_.scales_each + b)];
      std::fill(s.sum.begin(), s.sum.end(), 0.0f);
      double squares = 0, pull = 0;
      for (int64_t k = 0; k < count_; ++k) {
        int q = layer_.values[static_cast<size_t>(o * count_ + k)];
        if (layer_.scale_of[static_cast<size_t>(k)] != b || q == 0) continue;
        add_scaled(s.sum.data(), feature(fitting_, o, k), static_cast<float>(q), fitting_.stride);
        squares += q * q;
        pull += q * (q * static_cast<double>(step) - wanted_[static_cast<size_t>(o * count_ + k)]);
      }
      if (squares == 0) continue;
      double mean = layer_.free_bias ? dot(s.sum.data(), s.share.data(), fitting_.stride) / all : 0;
      double slope = dot(s.sum.data(), s.residual.data(), fitting_.stride) + ridge * pull;
      double curvature = dot(s.sum.data(), s.sum.data(), s.share.data(), fitting_.stride) - all * mean * mean + ridge * squares;
      if (!(curvature > 0)) continue;
      auto next = static_cast<float>(std::clamp(step - slope / curvature, 0.5 * step, 1.5 * step));
      move(s, s.sum.data(), static_cast<double>(next) - step, mean);
      step = next;
    }
  }

  // The objective on the rows kept apart, with the bias that the other rows ask for.
  Judged judge(const LayerRounding& layer, int64_t o, Scratch& s) const {
    Judged judged;
    real_weights(layer, o, s.weights);
    if (layer.free_bias) {
      share_of(fitting_, o, s.share);
      residual_of(fitting_, o, s.weights.data(), s.others);
      double all = sum_of(s.share.data(), fitting_.stride);
      if (all > 0) judged.shift = dot(s.others.data(), s.share.data(), fitting_.stride) / all;
    }
    share_of(judging_, o, s.share);
    residual_of(judging_, o, s.weights.data(), s.others);
    for (int64_t i = 0; i < judging_.rows; ++i) {
      double left = s.others[static_cast<size_t>(i)] - judged.shift;
      judged.error += s.share[static_cast<size_t>(i)] * left * left;
    }
    if (!layer.free_bias) return judged;
    // From what is centered back to what the layer computes.
    auto i = static_cast<size_t>(o);
    for (int64_t k = 0; k < count_; ++k) judged.shift += s.weights[static_cast<size_t>(k)] * feature_means_[static_cast<size_t>(group_of(o) * count_ + k)];
    judged.shift += (layer.biases.empty() ? 0.0f : layer.biases[i]) - target_means_[i];
    return judged;
  }

  LayerRounding& layer_;
  LayerRows &fitting_, &judging_;
  const PassedShare& share_;
  ThreadPool& pool_;
  const int64_t count_, outputs_;
  std::vector<float> wanted_;                            // real weights that rounding starts from
  std::vector<double> target_means_, feature_means_, moments_;
};

}  // namespace

RoundingGain round_layer(LayerRounding& layer, LayerRows fitting, LayerRows judging, const PassedShare& share, ThreadPool& pool) {
  return Solver(layer, fitting, judging, share, pool).run();
}

}  // namespace octet
