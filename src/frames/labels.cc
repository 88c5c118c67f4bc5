#include "frames/labels.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "base/npy.h"
#include "frames/convert.h"
#include "frames/idx.h"

namespace octet {

namespace {

namespace fs = std::filesystem;

std::string base_name(std::string_view path) { return fs::path(path).filename().string(); }

// "./a//b.png" and "a/b.png" are the same picture.
std::string normal_name(std::string_view path) { return fs::path(path).lexically_normal().generic_string(); }

bool parse_integer(std::string_view text, int64_t& value) {
  auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// The first of the wanted columns, -1 when none is there.
int find_column(const std::vector<std::string>& header, std::initializer_list<std::string_view> wanted) {
  for (std::string_view name : wanted)
    for (size_t i = 0; i < header.size(); ++i)
      if (lower(header[i]) == name) return static_cast<int>(i);
  return -1;
}

LabelKind kind_of_path(const std::string& path, const LabelContext& context) {
  if (path == "folders") return LabelKind::kFolders;
  if (path == "none") return LabelKind::kNone;
  if (!fs::exists(path)) throw Error(ErrorCode::kNotFound, "there are no such labels").with_file(path);
  if (fs::is_directory(path)) return LabelKind::kYolo;
  std::string extension = lower(fs::path(path).extension().string());
  if (extension == ".json") return LabelKind::kCoco;   // told apart by its contents
  if (extension == ".csv" || extension == ".txt") return path == context.data ? LabelKind::kColumn : LabelKind::kCsv;
  if (is_idx_path(path)) return LabelKind::kIndex;
  if (extension == ".npy")
    return dtype_is_float(NpyArray::open(path).dtype()) ? LabelKind::kTargets : LabelKind::kIndex;
  if (extension == ".npz") return LabelKind::kIndex;
  throw Error(ErrorCode::kUnsupported, "is no label file that is known",
              "known are .csv, COCO .json, .npy, .npz, idx files, a folder of YOLO .txt files, and the word folders")
      .with_file(path);
}

// labels.csv in the folder, or beside it when it is called images.
std::string labels_beside(const std::string& data) {
  std::error_code ignored;
  if (!fs::is_directory(data, ignored)) return "";
  fs::path folder = fs::path(data).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  for (const fs::path& candidate :
       {folder / "labels.csv", folder.filename() == "images" ? folder.parent_path() / "labels.csv" : fs::path()})
    if (!candidate.empty() && fs::is_regular_file(candidate, ignored)) return candidate.string();
  return "";
}

// The classes' folders where the configured class names say that folders are classes.
bool folders_are_classes(const LabelsConfig& config, const LabelContext& context) {
  if (config.classes.empty() || context.ids.empty()) return false;
  return std::all_of(context.ids.begin(), context.ids.end(), [&](const std::string& id) {
    std::string folder = id.substr(0, id.find('/'));
    return folder != id && std::find(config.classes.begin(), config.classes.end(), folder) != config.classes.end();
  });
}

}  // namespace

void LabelSet::add(std::string name, GroundTruth truth) { *find_or_add(name) = std::move(truth); }

GroundTruth* LabelSet::find_or_add(const std::string& name) {
  std::string normal = normal_name(name);
  auto [at, fresh] = by_name_.emplace(normal, truths_.size());
  if (fresh) {
    auto [base, first] = by_base_.emplace(base_name(normal), truths_.size());
    if (!first) base->second = SIZE_MAX;
    truths_.emplace_back();
  }
  return &truths_[at->second];
}

const GroundTruth* LabelSet::find(std::string_view id) const {
  auto exact = by_name_.find(normal_name(id));
  if (exact != by_name_.end()) return &truths_[exact->second];
  auto base = by_base_.find(base_name(id));
  return base == by_base_.end() || base->second == SIZE_MAX ? nullptr : &truths_[base->second];
}

std::vector<std::string> split_csv_line(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::vector<std::string> read_lines(const std::string& path) {
  auto file = MappedFile::open(path);
  std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

int class_index_of(const LabelsConfig& config, std::string_view name, const std::string& file) {
  auto at = std::find(config.classes.begin(), config.classes.end(), name);
  if (at == config.classes.end()) {
    std::vector<std::string_view> known(config.classes.begin(), config.classes.end());
    throw Error(ErrorCode::kInvalidModel,
                text("the class '", name, "' is not among the ", known.size(), " of [labels] classes"),
                known.size() > 20 ? std::string() : suggest_word(name, known))
        .with_file(file);
  }
  return static_cast<int>(at - config.classes.begin());
}

LabelSet read_csv_labels(const LabelsConfig& config, const std::string& path) {
  std::vector<std::string> lines = read_lines(path);
  LabelSet set;
  set.kind = LabelKind::kCsv;
  set.path = path;
  set.names.classes = config.classes;
  require(!lines.empty(), ErrorCode::kInvalidModel, path, ": the label file is empty");
  std::vector<std::string> header = split_csv_line(lines[0]);
  int file = find_column(header, {"file", "filename", "file_name", "image", "path", "name"});
  int index = find_column(header, {"class_index", "class_id", "index", "label_index"});
  bool only_numbers = index >= 0;
  if (index < 0) index = find_column(header, {"label", "class"});
  int name = find_column(header, {"class", "class_name", "label_name", "label", "wnid"});
  bool has_header = file >= 0 && index >= 0;
  if (!has_header) {
    file = 0;
    index = 1;
    name = -1;
    only_numbers = false;
  }
  // Classes given by name and not listed in the recipe are numbered in alphabetical order.
  std::vector<std::pair<std::string, std::string>> by_class_name;
  size_t first_number = 0, first_name = 0;   // lines, from 1
  for (size_t i = has_header ? 1 : 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    std::vector<std::string> fields = split_csv_line(lines[i]);
    if (static_cast<int>(fields.size()) <= std::max(file, index))
      throw Error(ErrorCode::kInvalidModel,
                  text("line ", i + 1, ": a file and a class are wanted, not '", lines[i], "'"),
                  "write the header file,class_index and one line per picture")
          .with_file(path);
    const std::string& label = fields[static_cast<size_t>(index)];
    GroundTruth truth;
    truth.id = fields[static_cast<size_t>(file)];
    bool is_number = parse_integer(label, truth.class_index);
    size_t& first = is_number ? first_number : first_name;
    if (first == 0) first = i + 1;
    if (!is_number) {
      if (only_numbers)
        throw Error(ErrorCode::kInvalidModel,
                    text("line ", i + 1, ": '", label, "' is no number, which the column ", header[static_cast<size_t>(index)], " holds"),
                    "call a column of names class, or correct the line")
            .with_file(path);
      if (config.classes.empty()) by_class_name.emplace_back(truth.id, label);
      else truth.class_index = class_index_of(config, label, path);
    } else if (truth.class_index < 0 || truth.class_index > (1 << 24)) {
      throw Error(ErrorCode::kInvalidModel,
                  text("line ", i + 1, ": the class index ", truth.class_index, " makes no sense"))
          .with_file(path);
    } else if (name >= 0 && name != index && static_cast<int>(fields.size()) > name && config.classes.empty()) {
      auto at = static_cast<size_t>(truth.class_index);
      if (set.names.classes.size() <= at && at < 100000) set.names.classes.resize(at + 1);
      if (at < 100000) set.names.classes[at] = fields[static_cast<size_t>(name)];
    }
    std::string id = truth.id;
    set.add(id, std::move(truth));
  }
  if (!by_class_name.empty()) {
    if (first_number > 0)
      throw Error(ErrorCode::kInvalidModel, text("line ", first_name, " names its class, line ", first_number, " gives its number"),
                  "give all classes in one of the two ways, or list the names under [labels] classes")
          .with_file(path);
    set.numbered_by_name = true;
    std::set<std::string> classes;
    for (const auto& [id, label] : by_class_name) classes.insert(label);
    set.names.classes.assign(classes.begin(), classes.end());
    LabelsConfig named;
    named.classes = set.names.classes;
    for (const auto& [id, label] : by_class_name) set.find_or_add(id)->class_index = class_index_of(named, label, path);
  }
  return set;
}

LabelSet read_folder_labels(const LabelsConfig& config, const LabelContext& context) {
  LabelSet set;
  set.kind = LabelKind::kFolders;
  set.path = context.data;
  std::set<std::string> folders;
  auto folder_of = [](const std::string& id) { return fs::path(id).parent_path().filename().string(); };
  for (const std::string& id : context.ids) {
    std::string folder = folder_of(id);
    if (folder.empty())
      throw Error(ErrorCode::kInvalidModel, text("the picture '", id, "' lies in no folder of its class"),
                  "put each class's pictures into a folder with its name")
          .with_file(context.data);
    folders.insert(folder);
  }
  LabelsConfig classes = config;
  set.numbered_by_name = config.classes.empty();
  if (set.numbered_by_name) classes.classes.assign(folders.begin(), folders.end());
  set.names.classes = classes.classes;
  for (const std::string& id : context.ids) {
    GroundTruth truth;
    truth.id = id;
    truth.class_index = class_index_of(classes, folder_of(id), context.data);
    set.add(id, std::move(truth));
  }
  return set;
}

LabelSet read_array_labels(const LabelsConfig& config, const std::string& path, bool as_targets) {
  NpyArray array;
  if (path.ends_with(".npz")) {
    NpzFile file = NpzFile::open(path);
    std::string name = config.array.empty() && file.names().size() == 1 ? file.names()[0] : config.array;
    if (name.empty())
      throw Error(ErrorCode::kInvalidModel, "several arrays, and none is named as the labels",
                  "write array = \"…\" under [labels]")
          .with_file(path);
    array = file.array(name);
  } else {
    array = NpyArray::open(path);
  }
  Tensor values = array.read();
  LabelSet set;
  set.kind = as_targets ? LabelKind::kTargets : LabelKind::kIndex;
  set.path = path;
  set.names.classes = config.classes;
  require(values.shape().rank() >= 1, ErrorCode::kShapeMismatch, path, ": labels need one row per frame");
  int64_t count = values.shape()[0], width = values.shape().elements(1, values.shape().rank());
  require(as_targets || width == 1, ErrorCode::kShapeMismatch, path, ": class indices have one value per frame, not ",
          values.shape());
  Tensor numbers = convert_tensor(values, as_targets ? DType::kFloat32 : DType::kInt64, path);
  set.rows.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    GroundTruth& truth = set.rows[static_cast<size_t>(i)];
    if (as_targets) truth.targets.assign(numbers.data<float>() + i * width, numbers.data<float>() + (i + 1) * width);
    else truth.class_index = numbers.data<int64_t>()[i];
  }
  return set;
}

LabelSet read_idx_labels(const LabelsConfig& config, const std::string& path) {
  Tensor values = convert_tensor(read_idx(path), DType::kInt64, path);
  LabelSet set;
  set.kind = LabelKind::kIndex;
  set.path = path;
  set.names.classes = config.classes;
  require(values.shape().rank() == 1, ErrorCode::kShapeMismatch, path, ": labels are a list of numbers, not ",
          values.shape());
  for (int64_t value : values.values<int64_t>()) {
    set.rows.emplace_back();
    set.rows.back().class_index = value;
  }
  return set;
}

LabelSet read_column_labels(const LabelsConfig& config, const std::string& path) {
  LabelSet set;
  set.kind = LabelKind::kColumn;
  set.path = path;
  set.names.classes = config.classes;
  std::vector<std::string> lines = read_lines(path);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    std::vector<std::string> fields = split_csv_line(lines[i]);
    int64_t value = -1;
    bool good = static_cast<int>(fields.size()) > config.column &&
                parse_integer(fields[static_cast<size_t>(config.column)], value);
    if (!good && i == 0) continue;   // a header
    if (!good)
      throw Error(ErrorCode::kInvalidModel,
                  text("line ", i + 1, ": column ", config.column, " holds no class index"))
          .with_file(path);
    set.rows.emplace_back();
    set.rows.back().class_index = value;
  }
  return set;
}

namespace {

// Class indices are not negative, and are among the configured classes where there are any.
void check_indices(const LabelSet& set, const LabelsConfig& config) {
  if (set.kind != LabelKind::kCsv && set.kind != LabelKind::kIndex && set.kind != LabelKind::kColumn) return;
  auto classes = static_cast<int64_t>(config.classes.size());
  std::span<const GroundTruth> all = set.all();
  for (size_t i = 0; i < all.size(); ++i) {
    int64_t index = all[i].class_index;
    if (index >= 0 && (classes == 0 || index < classes)) continue;
    std::string where = all[i].id.empty() ? text("label ", i) : text("'", all[i].id, "'");
    if (index < 0) fail(ErrorCode::kInvalidModel, where, " has the class index ", index, ", which makes no sense");
    fail(ErrorCode::kInvalidModel, where, " has the class index ", index, ", but [labels] classes lists ", classes);
  }
}

LabelSet read_form(const LabelsConfig& config, LabelKind kind, const std::string& path, const LabelContext& context, bool given) {
  switch (kind) {
    case LabelKind::kCsv: return read_csv_labels(config, path);
    case LabelKind::kFolders: return read_folder_labels(config, context);
    case LabelKind::kIndex:
      return is_idx_path(path) ? read_idx_labels(config, path) : read_array_labels(config, path, false);
    case LabelKind::kTargets: return read_array_labels(config, path, true);
    case LabelKind::kColumn: return read_column_labels(config, path);
    case LabelKind::kYolo: return read_yolo_labels(config, path, context, !given);
    case LabelKind::kFaces: return read_json_labels(config, path, LabelKind::kFaces);
    case LabelKind::kCocoKeypoints: return read_json_labels(config, path, LabelKind::kCocoKeypoints);
    default: return read_json_labels(config, path, LabelKind::kAuto);
  }
}

}  // namespace

LabelSet read_labels(const LabelsConfig& config, const std::string& given, const LabelContext& context) {
  std::string path = given;
  LabelKind kind = config.kind;
  if (kind == LabelKind::kNone && path.empty()) return {};
  if (path == "folders" || path == "none") {
    kind = path == "none" ? LabelKind::kNone : LabelKind::kFolders;
    if (kind == LabelKind::kNone) return {};
  }
  if (path.empty()) {
    bool inside = kind == LabelKind::kColumn || (!config.array.empty() && context.data.ends_with(".npz"));
    if (kind == LabelKind::kYolo) path = context.data;
    else if (inside) path = context.data;
    else if (kind == LabelKind::kAuto || kind == LabelKind::kCsv) path = labels_beside(context.data);
    if (path.empty() && kind == LabelKind::kAuto && folders_are_classes(config, context)) kind = LabelKind::kFolders;
    if (path.empty() && kind == LabelKind::kAuto && context.ids.empty() && fs::is_directory(context.data))
      path = find_idx(context.data, "labels");
    if (path.empty() && kind == LabelKind::kAuto && is_idx_path(context.data)) {
      // t10k-images-idx3-ubyte.gz → t10k-labels-idx1-ubyte.gz
      std::string labels = context.data;
      size_t images = labels.rfind("images"), rank = labels.rfind("idx3");
      if (images != std::string::npos && rank != std::string::npos) {
        labels.replace(rank, 4, "idx1").replace(images, 6, "labels");
        if (fs::exists(labels)) path = labels;
      }
    }
    // The recipe says which labels it wants, but only a path can name them: without one, frames come unlabelled.
    if (path.empty() && kind != LabelKind::kFolders) return {};
  }
  if (kind == LabelKind::kAuto || kind == LabelKind::kNone) kind = kind_of_path(path, context);
  // The recipe names the form that its author had; another form of boxes at hand is as good.
  bool boxes = kind == LabelKind::kCoco || kind == LabelKind::kCocoKeypoints || kind == LabelKind::kFaces;
  if (boxes && fs::is_directory(path)) kind = LabelKind::kYolo;
  if (kind == LabelKind::kYolo && path.ends_with(".json")) kind = LabelKind::kCoco;
  try {
    std::string extension = lower(fs::path(path).extension().string());
    if (boxes && kind != LabelKind::kYolo && (extension == ".csv" || extension == ".txt" || extension == ".npy" || extension == ".npz"))
      throw Error(ErrorCode::kInvalidModel, "the recipe wants boxes in a COCO JSON file, and this is none", "give one, or correct kind under [labels]");
    LabelSet set = read_form(config, kind, path, context, !given.empty());
    check_indices(set, config);
    return set;
  } catch (const Error& error) {
    throw error.with_file(path);
  }
}

}  // namespace octet
