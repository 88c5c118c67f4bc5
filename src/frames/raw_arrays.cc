// Frames in files of numbers: .npy, .npz, folders of .npz, idx, csv.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "frames/idx.h"
#include "frames/labels.h"
#include "frames/raw_source.h"

namespace octet {

namespace {

namespace fs = std::filesystem;

std::string file_name(const std::string& path) { return fs::path(path).filename().string(); }

Tensor without_first_axis(const Tensor& tensor) {
  const std::vector<int64_t>& extents = tensor.shape().extents();
  return tensor.reshaped(Shape(std::vector<int64_t>(extents.begin() + 1, extents.end())));
}

// One or several arrays whose axis 0 counts the frames, or which are a single frame together.
class Arrays : public RawSource {
 public:
  Arrays(std::string path, std::vector<std::pair<std::string, NpyArray>> arrays, bool single)
      : path_(std::move(path)), arrays_(std::move(arrays)), single_(single) {
    count_ = single ? 1 : arrays_[0].second.shape()[0];
  }
  int64_t count() const override { return count_; }
  bool read(int64_t index, RawFrame& frame) override {
    if (index >= count_) return false;
    frame = {};
    frame.path = path_;
    frame.id = single_ ? file_name(path_) : text(file_name(path_), '#', index);
    for (const auto& [name, array] : arrays_)
      frame.arrays.emplace_back(name, single_ ? array.read() : without_first_axis(array.rows(index, 1)));
    return true;
  }

 private:
  std::string path_;
  std::vector<std::pair<std::string, NpyArray>> arrays_;
  bool single_;
  int64_t count_;
};

class NpzFolder : public RawSource {
 public:
  NpzFolder(fs::path root, std::vector<std::string> ids) : root_(std::move(root)), ids_(std::move(ids)) {}
  int64_t count() const override { return static_cast<int64_t>(ids_.size()); }
  const std::vector<std::string>& ids() const override { return ids_; }
  bool read(int64_t index, RawFrame& frame) override {
    if (index >= count()) return false;
    frame = {};
    frame.id = ids_[static_cast<size_t>(index)];
    frame.path = (root_ / frame.id).string();
    if (frame.id.ends_with(".npy")) frame.arrays.emplace_back("", read_npy(frame.path));
    else frame.arrays = read_npz(frame.path);
    return true;
  }

 private:
  fs::path root_;
  std::vector<std::string> ids_;
};

// A whole array in memory, axis 0 counts the frames.
class Rows : public RawSource {
 public:
  Rows(std::string path, Tensor rows) : path_(std::move(path)), rows_(std::move(rows)) {}
  int64_t count() const override { return rows_.shape()[0]; }
  bool read(int64_t index, RawFrame& frame) override {
    if (index >= count()) return false;
    frame = {};
    frame.path = path_;
    frame.id = text(file_name(path_), '#', index);
    const std::vector<int64_t>& extents = rows_.shape().extents();
    Shape shape(std::vector<int64_t>(extents.begin() + 1, extents.end()));
    size_t bytes = tensor_bytes(rows_.dtype(), shape.elements());
    // A copy, because a tensor handed to the engine has readable bytes behind its end and a row in the middle lies
    // wherever it lies.
    frame.arrays.emplace_back(
        "", Tensor(rows_.dtype(), shape,
                   static_cast<const std::byte*>(rows_.raw()) + bytes * static_cast<size_t>(index), nullptr)
                .clone());
    return true;
  }

 private:
  std::string path_;
  Tensor rows_;
};

const InputDescription* find_input(const RawOptions& options, const std::string& name) {
  for (const InputDescription& input : options.inputs)
    if (input.name == name) return &input;
  return name.empty() && !options.inputs.empty() ? &options.inputs[0] : nullptr;
}

}  // namespace

bool is_whole_input(const Shape& shape, const InputDescription& input) {
  if (shape.rank() != input.shape.rank()) return false;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (input.shape[axis] >= 0 && input.shape[axis] != shape[axis]) return false;
  return true;
}

std::unique_ptr<RawSource> open_npy(const std::string& data, const RawOptions& options) {
  NpyArray array = NpyArray::open(data);
  const InputDescription* input = find_input(options, "");
  int rank = array.shape().rank();
  // One frame: the batch axis is missing, or everything is as the model wants it, down to the number in a batch.
  bool single =
      rank == 0 ||
      (input && (rank == input->shape.rank() - 1 || (is_whole_input(array.shape(), *input) && input->shape[0] >= 0)));
  // A picture without batch and channel axes.
  if (input && rank == 2 && input->shape.rank() == 4) single = true;
  // A stack of gray pictures has the rank of one picture with channels, but not its extents.
  if (single && input && rank == 3 && input->shape.rank() == 4 && array.dtype() == DType::kUInt8 &&
      array.shape()[0] != 1 && array.shape()[0] != 3 && array.shape()[2] != 1 && array.shape()[2] != 3)
    single = false;
  std::vector<std::pair<std::string, NpyArray>> arrays;
  arrays.emplace_back("", array);
  return std::make_unique<Arrays>(data, std::move(arrays), single);
}

std::unique_ptr<RawSource> open_npz(const std::string& data, const RawOptions& options) {
  NpzFile file = NpzFile::open(data);
  std::vector<std::pair<std::string, NpyArray>> arrays;
  bool single = true;
  for (const std::string& name : file.names()) {
    arrays.emplace_back(name, file.array(name));
    const Shape& shape = arrays.back().second.shape();
    const InputDescription* input = find_input(options, name);
    bool whole = input && is_whole_input(shape, *input) && (shape.rank() == 0 || input->shape[0] >= 0);
    if (!whole) single = false;
  }
  if (!single) {
    for (const auto& [name, array] : arrays) {
      if (array.shape().rank() > 0 && array.shape()[0] == arrays[0].second.shape()[0]) continue;
      throw Error(ErrorCode::kShapeMismatch,
                  text("the array '", name, "' of shape ", array.shape(), " and '", arrays[0].first, "' of shape ",
                       arrays[0].second.shape(), " do not hold the same number of frames"),
                  "axis 0 of every array counts the frames")
          .with_file(data);
    }
  }
  return std::make_unique<Arrays>(data, std::move(arrays), single);
}

std::unique_ptr<RawSource> open_npz_folder(const std::string& data, const RawOptions&) {
  std::vector<std::string> ids;
  for (const auto& entry : fs::recursive_directory_iterator(data, fs::directory_options::skip_permission_denied)) {
    std::string extension = entry.path().extension().string();
    if (entry.is_regular_file() && (extension == ".npz" || extension == ".npy"))
      ids.push_back(entry.path().lexically_relative(data).generic_string());
  }
  if (ids.empty()) return nullptr;
  std::sort(ids.begin(), ids.end());
  return std::make_unique<NpzFolder>(data, std::move(ids));
}

std::unique_ptr<RawSource> open_idx(const std::string& data, const RawOptions&) {
  Tensor rows = read_idx(data);
  require(rows.shape().rank() >= 2, ErrorCode::kShapeMismatch, data,
          ": these are labels, not pictures; give them with --labels");
  return std::make_unique<Rows>(data, rows);
}

std::unique_ptr<RawSource> open_csv_rows(const std::string& data, const RawOptions& options) {
  std::vector<std::string> lines = read_lines(data);
  std::vector<float> values;
  int64_t rows = 0, columns = -1;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    std::vector<std::string> fields = split_csv_line(lines[i]);
    int64_t before = static_cast<int64_t>(values.size());
    bool good = true;
    for (size_t column = 0; column < fields.size() && good; ++column) {
      if (static_cast<int>(column) == options.label_column) continue;
      const char* end = fields[column].data() + fields[column].size();
      float value = 0;
      auto result = std::from_chars(fields[column].data(), end, value);
      good = result.ec == std::errc() && result.ptr == end;
      values.push_back(value);
    }
    if (!good && rows == 0 && i == 0) {   // a header
      values.clear();
      continue;
    }
    if (!good)
      throw Error(ErrorCode::kInvalidArgument,
                  text("line ", i + 1, ": numbers are wanted, not '", lines[i].substr(0, 80), "'"))
          .with_file(data);
    int64_t width = static_cast<int64_t>(values.size()) - before;
    if (columns >= 0 && width != columns)
      throw Error(ErrorCode::kInvalidArgument,
                  text("line ", i + 1, " has ", width, " values, the lines before have ", columns))
          .with_file(data);
    columns = width;
    ++rows;
  }
  require(rows > 0, ErrorCode::kInvalidArgument, data, ": there are no rows of numbers in it");
  return std::make_unique<Rows>(data, Tensor::from<float>({rows, columns}, values));
}

}  // namespace octet
