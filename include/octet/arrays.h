// Arrays in files, and inputs where nobody brings any.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "octet/runtime.h"
#include "octet/tensor.h"

namespace octet {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// Reads a NumPy file: the members of an .npz, or the one array of an .npy under the name "". Throws Error.
NamedTensors read_arrays(const std::string& path);

// Writes .npz, or .npy when the path ends so and there is one array. Atomic: the file appears when it is complete.
void write_arrays(const std::string& path, const NamedTensors& arrays);

// The shapes to run a model with where nobody says: free extents become batch 1, picture axes 320, others 32. `wanted` overrides by
// input name; throws Error for names and shapes the model does not take.
std::vector<Shape> input_shapes(const Session& session, const std::map<std::string, Shape>& wanted = {});

// "images=1x3x320x320" → its two halves. Throws Error.
std::pair<std::string, Shape> parse_named_shape(std::string_view text);

// Inputs from a seed: floats in [-1, 1), 8-bit integers over their whole range, other integers in [0, 8) because they are often
// indices. The same on every machine.
std::vector<Tensor> random_inputs(std::span<const TensorInfo> inputs, std::span<const Shape> shapes, uint64_t seed = 1);

}  // namespace octet
