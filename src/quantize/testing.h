// Small networks for the tests of this room.
#pragma once

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "graph/operator.h"
#include "quantize/quantize.h"
#include "runtime/session.h"

namespace octet::testing {

inline Tensor random_tensor(Shape shape, unsigned seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  Tensor tensor(DType::kFloat32, std::move(shape));
  for (float& value : tensor.values<float>()) value = normal(random);
  return tensor;
}

struct Network {
  Model model;
  Graph& graph = *model.graph;
  unsigned seed = 1;
  Node* last = nullptr;
  explicit Network(int opset = 17) { graph.opsets[""] = opset; }

  Value* add(std::string_view op, std::vector<Value*> inputs) {
    last = graph.add_node("", op, std::move(inputs), std::string(op));
    last->name = last->outputs[0]->name;
    return last->outputs[0];
  }
  // `spread`: channel c of the result is 2^(spread · c / out) times as large.
  Value* conv(Value* x, int64_t in, int64_t out, int64_t kernel, int64_t group = 1, float spread = 0, bool bias = true) {
    Tensor w = random_tensor({out, in / group, kernel, kernel}, seed++, 1.0f / std::sqrt(static_cast<float>(in / group * kernel * kernel)));
    Tensor b = random_tensor({out}, seed++, 0.1f);
    for (int64_t i = 0; i < w.elements(); ++i) w.data<float>()[i] *= std::exp2(spread * static_cast<float>(i / (w.elements() / out)) / static_cast<float>(out));
    for (int64_t i = 0; i < out; ++i) b.data<float>()[i] *= std::exp2(spread * static_cast<float>(i) / static_cast<float>(out));
    std::vector<Value*> inputs{x, graph.add_constant("w", std::move(w))};
    if (bias) inputs.push_back(graph.add_constant("b", std::move(b)));
    Value* y = add("Conv", inputs);
    last->attributes.set("pads", std::vector<int64_t>(4, kernel / 2));
    last->attributes.set("group", group);
    return y;
  }
  Value* relu6(Value* x) { return add("Clip", {x, graph.add_constant("low", Tensor::scalar(0.0f)), graph.add_constant("high", Tensor::scalar(6.0f))}); }
};

inline NextFrame frames(int count, std::vector<Shape> shapes) {
  auto at = std::make_shared<int>(0);
  return [=](std::vector<Tensor>& inputs) {
    if (*at == count) return false;
    inputs.clear();
    for (const Shape& shape : shapes) inputs.push_back(random_tensor(shape, 1000u + static_cast<unsigned>((*at)++)));
    return true;
  };
}

inline std::vector<std::vector<float>> run(const Model& model, std::span<const Tensor> inputs) {
  Session session = make_session(model.clone(), {.threads = 1});
  std::vector<std::vector<float>> outputs;
  for (const Tensor& tensor : session.run(inputs)) outputs.emplace_back(tensor.values<float>().begin(), tensor.values<float>().end());
  return outputs;
}

// Of the worst output, over a few frames.
inline double worst_sqnr(const Model& a, const Model& b, const std::vector<Shape>& shapes, int count = 1) {
  std::vector<double> signal, noise;
  for (int frame = 0; frame < count; ++frame) {
    std::vector<Tensor> inputs;
    for (const Shape& shape : shapes) inputs.push_back(random_tensor(shape, 5u + static_cast<unsigned>(frame)));
    auto x = run(a, inputs), y = run(b, inputs);
    signal.resize(x.size());
    noise.resize(x.size(), 1e-30);
    for (size_t o = 0; o < x.size(); ++o)
      for (size_t i = 0; i < x[o].size(); ++i) {
        signal[o] += static_cast<double>(x[o][i]) * x[o][i];
        noise[o] += (static_cast<double>(x[o][i]) - y[o][i]) * (static_cast<double>(x[o][i]) - y[o][i]);
      }
  }
  double worst = HUGE_VAL;
  for (size_t o = 0; o < signal.size(); ++o) worst = std::min(worst, 10 * std::log10(signal[o] / noise[o]));
  return worst;
}

}  // namespace octet::testing
