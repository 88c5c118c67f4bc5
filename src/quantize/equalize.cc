#include "quantize/equalize.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace octet {

namespace {

constexpr double kLevels = 255;
constexpr double kLeastShare = 1e-2;   // a channel's size is taken as at least this share of the largest: dead channels stay calm
constexpr double kSupport = 100;        // samples at full size that tell how large a channel gets
constexpr double kRare = 1.0 / 64;      // of all samples: as many without excitation count as one with (where hundred thousands are 0, the channel is dead)
constexpr double kMargin = 1.1;        // what unseen frames may exceed a channel's range by, where a Clip would cut it off
constexpr double kWorthwhile = 0.9;    // predicted noise must fall below this share

// What the sizes of classes do to the noise of a connected set of layers.
struct Reader {                       // a layer that multiplies classes by weights
  std::vector<int> classes;           // local index of each input channel; −1: class 0
  std::vector<double> squares;        // mean square of each input channel
  std::vector<float> weights;         // largest magnitude: [output][input channel]; one row per output channel
  std::vector<double> energies;       // Σ over outputs of w², per input channel
  size_t outputs = 0;
  double power = 0;                   // of its result, roughly
  bool grouped = false;               // depthwise and the like: an output reads few of the inputs
};

struct Quantized {                    // a value with 8-bit parameters
  std::vector<int> classes;
  std::vector<double> lowest, highest;
};

class Set {
 public:
  std::vector<int> classes;           // global numbers
  std::vector<double> sizes, weights, bounds;   // per local class: largest magnitude, largest weight, bound of a Clip (0: none)
  std::vector<double> support;                  // per local class: so many samples as large as the largest would have its mean square; -1: nothing of it is 8-bit
  std::vector<Reader> readers;
  std::vector<Quantized> values;

  // Predicted noise power relative to the results' power, summed over the readers. s: factor per local class.
  double noise(const std::vector<double>& s) const {
    auto factor = [&](int k) { return k < 0 ? 1.0 : s[static_cast<size_t>(k)]; };
    std::vector<double> gain(classes.size(), 0.0);   // noise power at the results per unit of (unscaled) noise of a class
    double total = 0;
    for (const Reader& r : readers) {
      for (size_t c = 0; c < r.classes.size(); ++c)
        if (r.classes[c] >= 0) gain[static_cast<size_t>(r.classes[c])] += r.energies[c] / r.power;
      double input = 0;
      for (size_t c = 0; c < r.classes.size(); ++c) input += r.squares[c] / (factor(r.classes[c]) * factor(r.classes[c]));
      for (size_t o = 0; o < r.outputs; ++o) {
        double largest = 0, seen = 0;
        for (size_t c = 0; c < r.classes.size(); ++c) {
          double w = r.weights[o * r.classes.size() + c] * factor(r.classes[c]);
          largest = std::max(largest, w);
          if (r.grouped && w > 0) seen += r.squares[c] / (factor(r.classes[c]) * factor(r.classes[c]));
        }
        double step = largest / 127;
        total += step * step / 12 * (r.grouped ? seen : input) / r.power;
      }
    }
    for (const Quantized& v : values) {
      double low = 0, high = 0;
      for (size_t c = 0; c < v.classes.size(); ++c) {
        low = std::min(low, v.lowest[c] / factor(v.classes[c]));
        high = std::max(high, v.highest[c] / factor(v.classes[c]));
      }
      double step = (high - low) / kLevels, sum = 0;
      std::vector<bool> counted(classes.size(), false);
      for (int k : v.classes) {
        if (k < 0 || counted[static_cast<size_t>(k)]) continue;
        counted[static_cast<size_t>(k)] = true;
        sum += s[static_cast<size_t>(k)] * s[static_cast<size_t>(k)] * gain[static_cast<size_t>(k)];
      }
      total += step * step / 12 * sum;
    }
    return total;
  }

  // A channel's largest value says how large it gets only if enough of the frames excited it. Frames that are all of one class leave the
  // channels of the others near 0: divided by what was seen of them, they would saturate on the first frame of another class.
  // Such channels keep at least the range that they have without equalization.
  void keep_ranges_of_the_unseen(std::vector<double>& s) const {
    double before = 0, after = 0;
    for (size_t k = 0; k < s.size(); ++k) {
      before = std::max(before, sizes[k]);
      after = std::max(after, sizes[k] / s[k]);
    }
    if (!(before > 0)) return;
    for (size_t k = 0; k < s.size(); ++k) {
      double least = bounds[k] > 0 ? 1 : before / after;
      if (s[k] >= least || support[k] < 0) continue;
      double trust = 1 / (1 + std::pow(kSupport / std::max(support[k], 1e-3), 3));
      s[k] *= std::pow(least / s[k], 1 - trust);
    }
  }

  // SmoothQuant's factors; `with_weights`: divided by the weights' share, else by range alone.
  std::vector<double> candidate(double alpha, bool with_weights) const {
    double largest = 0, largest_weight = 0;
    for (double size : sizes) largest = std::max(largest, size);
    for (double weight : weights) largest_weight = std::max(largest_weight, weight);
    std::vector<double> s(classes.size(), 1.0);
    for (size_t k = 0; k < s.size(); ++k) {
      double reference = bounds[k] > 0 ? bounds[k] : largest;
      if (!(reference > 0)) continue;
      double share = std::max(sizes[k] / reference, kLeastShare);
      s[k] = std::pow(share, alpha);
      if (with_weights && largest_weight > 0) s[k] /= std::pow(std::max(weights[k] / largest_weight, kLeastShare), 1 - alpha);
      // Below a bound a channel may only grow, and only as far as the bound lets all it ever showed pass.
      if (bounds[k] > 0) s[k] = std::min(1.0, std::max(s[k], std::min(1.0, sizes[k] * kMargin / bounds[k])));
    }
    keep_ranges_of_the_unseen(s);
    return s;
  }
};

class Sets {
 public:
  Sets(const ChannelClasses& classes, const ChannelStatisticsMap& statistics, const std::set<std::string>& quantized)
      : classes_(classes), statistics_(statistics), parents_(static_cast<size_t>(classes.count)) {
    std::iota(parents_.begin(), parents_.end(), 0);
    for (const auto& [value, channels] : classes_.values) join(channels.classes);
    for (const ChannelLayer& layer : classes_.layers) join(layer.inputs);
    std::vector<int> set_of(static_cast<size_t>(classes.count), -1);
    local_.assign(static_cast<size_t>(classes.count), -1);
    for (int k = 1; k < classes.count; ++k) {
      int& set = set_of[static_cast<size_t>(root(k))];
      if (set < 0) {
        set = static_cast<int>(sets.size());
        sets.emplace_back();
      }
      Set& own = sets[static_cast<size_t>(set)];
      local_[static_cast<size_t>(k)] = static_cast<int>(own.classes.size());
      own.classes.push_back(k);
      own.sizes.push_back(0);
      own.weights.push_back(0);
      own.support.push_back(-1);
      own.bounds.push_back(classes.bound[static_cast<size_t>(k)]);
    }
    auto set_of_list = [&](const std::vector<int>& list) -> Set* {
      for (int k : list)
        if (k != 0) return &sets[static_cast<size_t>(set_of[static_cast<size_t>(root(k))])];
      return nullptr;
    };
    // By name, not by address: sums must come out the same every time.
    std::map<std::string, const ChannelValue*> values;
    for (const auto& [value, channels] : classes_.values) values[value->name] = &channels;
    for (const auto& [name, value] : values) {
      const ChannelValue& channels = *value;
      auto it = statistics_.find(name);
      if (it == statistics_.end() || it->second.channels() != channels.classes.size()) continue;
      Set& set = *set_of_list(channels.classes);
      const ChannelStatistics& seen = it->second;
      for (size_t c = 0; c < channels.classes.size(); ++c)
        if (int k = local(channels.classes[c]); k >= 0) set.sizes[static_cast<size_t>(k)] = std::max<double>(set.sizes[static_cast<size_t>(k)], seen.largest(c));
      if (!quantized.count(name)) continue;
      Quantized q;
      for (size_t c = 0; c < channels.classes.size(); ++c) {
        if (int k = local(channels.classes[c]); k >= 0) set.support[static_cast<size_t>(k)] = std::max(set.support[static_cast<size_t>(k)], support_of(seen, c));
        q.classes.push_back(local(channels.classes[c]));
        q.lowest.push_back(seen.lowest(c));
        q.highest.push_back(seen.highest(c));
      }
      set.values.push_back(std::move(q));
    }
    for (const ChannelLayer& layer : classes_.layers)
      if (Set* set = set_of_list(layer.inputs)) add_reader(layer, *set);
  }

  std::vector<Set> sets;

 private:
  int root(int k) {
    while (parents_[static_cast<size_t>(k)] != k) k = parents_[static_cast<size_t>(k)] = parents_[static_cast<size_t>(parents_[static_cast<size_t>(k)])];
    return k;
  }
  void join(const std::vector<int>& list) {
    int first = 0;
    for (int k : list) {
      if (k == 0) continue;
      if (first == 0) first = k;
      else parents_[static_cast<size_t>(root(k))] = root(first);
    }
  }
  static double support_of(const ChannelStatistics& seen, size_t c) {
    double largest = seen.largest(c), samples = static_cast<double>(seen.count(c));
    return std::max(largest > 0 ? samples * seen.mean_square(c) / (largest * largest) : 0, samples * kRare);
  }
  int local(int k) const { return k == 0 ? -1 : local_[static_cast<size_t>(k)]; }

  void add_reader(const ChannelLayer& layer, Set& set) {
    const Node& node = *layer.node;
    auto it = statistics_.find(node.inputs[0]->name);
    if (it == statistics_.end() || it->second.channels() != layer.inputs.size()) return;
    const ChannelStatistics& seen = it->second;
    WeightLayout layout = weight_layout(node);
    Reader r;
    r.grouped = layout.groups > 1;
    size_t inputs = layer.inputs.size();
    for (size_t c = 0; c < inputs; ++c) {
      r.classes.push_back(local(layer.inputs[c]));
      r.squares.push_back(seen.mean_square(c));
    }
    r.outputs = static_cast<size_t>(layout.rows_are_outputs ? layout.rows : layout.columns * layout.groups);
    r.weights.assign(r.outputs * inputs, 0.0f);
    r.energies.assign(inputs, 0.0);
    const Tensor& weights = node.inputs[1]->constant();
    const float* w = weights.data<float>();
    for (int64_t i = 0, count = weights.elements(); i < count; ++i) {
      auto [input, output] = layout.channels_of(i);
      auto c = static_cast<size_t>(input);
      float& largest = r.weights[static_cast<size_t>(output) * inputs + c];
      largest = std::max(largest, std::abs(w[i]));
      double energy = static_cast<double>(w[i]) * w[i];
      r.energies[c] += energy;
      r.power += energy * r.squares[c];
      if (r.classes[c] >= 0 && !r.grouped) {
        double& own = set.weights[static_cast<size_t>(r.classes[c])];
        own = std::max<double>(own, std::abs(w[i]));
      }
    }
    if (r.power > 0) set.readers.push_back(std::move(r));
  }

  const ChannelClasses& classes_;
  const ChannelStatisticsMap& statistics_;
  std::vector<int> parents_, local_;
};

}  // namespace

std::map<std::string, int> channels_to_observe(const ChannelClasses& classes) {
  std::map<std::string, int> names;
  for (const auto& [value, channels] : classes.values) names[value->name] = channels.axis;
  return names;
}

Equalization choose_factors(const ChannelClasses& classes, const ChannelStatisticsMap& statistics, const std::vector<std::string>& quantized,
                            double strength) {
  Equalization result;
  result.factors.assign(static_cast<size_t>(classes.count), 1.0f);
  Sets sets(classes, statistics, {quantized.begin(), quantized.end()});
  for (const Set& set : sets.sets) {
    if (set.values.empty() || set.readers.empty()) continue;
    std::vector<double> best(set.classes.size(), 1.0);
    const double before = set.noise(best);
    double least = before * kWorthwhile;
    bool changed = false;
    auto attempt = [&](double alpha, bool with_weights) {
      std::vector<double> s = set.candidate(alpha, with_weights);
      double noise = set.noise(s);
      if (!(noise < least)) return;
      least = noise;
      best = std::move(s);
      changed = true;
    };
    if (strength >= 0) {
      attempt(strength, true);
    } else {
      for (int step = 1; step <= 10; ++step) {
        attempt(step / 10.0, false);
        attempt(step / 10.0, true);
      }
    }
    if (!changed) continue;
    ++result.sets;
    result.predicted_gain_db += 10 * std::log10(before / least);
    for (size_t k = 0; k < best.size(); ++k) result.factors[static_cast<size_t>(set.classes[k])] = static_cast<float>(best[k]);
  }
  if (result.sets > 0) result.predicted_gain_db /= result.sets;
  return result;
}

}  // namespace octet
