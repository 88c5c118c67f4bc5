#include "octet/arrays.h"

#include <charconv>

#include "base/error.h"
#include "base/npy.h"
#include "runtime/session.h"

namespace octet {

NamedTensors read_arrays(const std::string& path) {
  if (path.ends_with(".npz")) return read_npz(path);
  NamedTensors arrays;
  arrays.emplace_back("", read_npy(path));
  return arrays;
}

void write_arrays(const std::string& path, const NamedTensors& arrays) {
  if (path.ends_with(".npz")) return write_npz(path, arrays);
  if (!path.ends_with(".npy"))
    throw Error(ErrorCode::kInvalidArgument, "arrays are written as .npz or .npy").with_file(path);
  if (arrays.size() != 1)
    throw Error(ErrorCode::kInvalidArgument, text("an .npy holds one array, but there are ", arrays.size()), "write an .npz").with_file(path);
  write_npy(path, arrays[0].second);
}

std::vector<Shape> input_shapes(const Session& session, const std::map<std::string, Shape>& wanted) {
  return default_shapes(session.inputs(), wanted);
}

std::pair<std::string, Shape> parse_named_shape(std::string_view given) {
  size_t equals = given.rfind('=');
  Shape shape;
  bool good = equals != std::string_view::npos && equals > 0;
  for (std::string_view rest = good ? given.substr(equals + 1) : std::string_view(); good;) {
    int64_t extent = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), extent);
    good = error == std::errc() && extent >= 0 && extent <= int64_t{1} << 40;
    if (!good) break;
    shape.push_back(extent);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    if (rest.empty()) break;
    good = rest[0] == 'x';
    rest.remove_prefix(1);
  }
  if (!good) throw Error(ErrorCode::kInvalidArgument, text("'", given, "' is no shape"), "write it as NAME=1x3x224x224");
  return {std::string(given.substr(0, equals)), std::move(shape)};
}

}  // namespace octet
