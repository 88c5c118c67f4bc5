// YOLO's labels: for each picture a text file of lines "class cx cy w h", as fractions of the picture's size. Five
// columns are a box; further columns ("x y v" triples) are keypoints.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <vector>

#include "base/error.h"
#include "frames/labels.h"

namespace octet {

namespace {

namespace fs = std::filesystem;

std::vector<double> numbers_of(std::string_view line, bool& good) {
  std::vector<double> numbers;
  const char* at = line.data();
  const char* end = at + line.size();
  good = true;
  while (at != end) {
    if (*at == ' ' || *at == '\t') {
      ++at;
      continue;
    }
    double value = 0;
    auto result = std::from_chars(at, end, value);
    good = result.ec == std::errc() && value >= -1e6 && value <= 1e6 &&
           (result.ptr == end || *result.ptr == ' ' || *result.ptr == '\t');
    if (!good) return numbers;
    numbers.push_back(value);
    at = result.ptr;
  }
  return numbers;
}

// The path with its last folder of the name "images" called "labels".
fs::path swap_images(const fs::path& picture) {
  std::vector<fs::path> parts(picture.begin(), picture.end());
  auto images = std::find(parts.rbegin(), parts.rend(), fs::path("images"));
  if (images != parts.rend()) *images = "labels";
  fs::path swapped;
  for (const fs::path& part : parts) swapped /= part;
  return swapped;
}

bool lies_in(const fs::path& file, const fs::path& folder) {
  fs::path relative = fs::absolute(file).lexically_normal().lexically_relative(fs::absolute(folder).lexically_normal());
  return !relative.empty() && *relative.begin() != "..";
}

// The text file of a picture: in the label folder under the same relative path, by its name alone where one picture has it, or
// under the path in which "images" became "labels"; with `beside` also outside the label folder.
fs::path text_of(const fs::path& labels, const fs::path& data, const std::string& id, bool only_of_its_name, bool beside) {
  std::error_code ignored;
  fs::path relative = fs::path(id).replace_extension(".txt"), picture = data;
  if (fs::is_directory(data, ignored)) picture /= id;
  picture.replace_extension(".txt");
  std::vector<fs::path> candidates = {labels / relative};
  if (only_of_its_name) candidates.push_back(labels / relative.filename());
  if (fs::path swapped = swap_images(picture); beside || lies_in(swapped, labels)) candidates.push_back(swapped);
  if (beside) candidates.push_back(picture);
  for (const fs::path& candidate : candidates)
    if (fs::is_regular_file(candidate, ignored)) return candidate;
  return {};
}

}  // namespace

LabelSet read_yolo_labels(const LabelsConfig& config, const std::string& path, const LabelContext& context, bool beside) {
  LabelSet set;
  set.kind = LabelKind::kYolo;
  set.path = path;
  set.relative_boxes = true;
  set.names.classes = config.classes;
  size_t files = 0;
  std::map<std::string, int> names;
  auto name_of = [](const std::string& id) { return fs::path(id).stem().string(); };
  for (const std::string& id : context.ids) ++names[name_of(id)];
  for (const std::string& id : context.ids) {
    GroundTruth* truth = set.find_or_add(id);
    truth->id = id;
    truth->has_boxes = true;   // no file: a picture without objects
    fs::path file = text_of(path, context.data, id, names[name_of(id)] == 1, beside);
    truth->is_assumed = file.empty();
    if (file.empty()) continue;
    ++files;
    std::vector<std::string> lines = read_lines(file.string());
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].empty()) continue;
      bool good = false;
      std::vector<double> v = numbers_of(lines[i], good);
      bool sensible = good && v.size() >= 5 && v[0] >= 0 && v[0] == static_cast<int>(v[0]);
      if (!sensible)
        throw Error(ErrorCode::kInvalidModel,
                    text("line ", i + 1, ": 'class cx cy width height' is wanted, not '", lines[i], "'"))
            .with_file(file.string());
      if (v[1] < 0 || v[1] > 1 || v[2] < 0 || v[2] > 1 || v[3] < 0 || v[4] < 0)
        throw Error(ErrorCode::kInvalidModel,
                    text("line ", i + 1, ": the box is not given as fractions of the picture"),
                    "YOLO boxes lie between 0 and 1")
            .with_file(file.string());
      if (!config.classes.empty() && static_cast<size_t>(v[0]) >= config.classes.size())
        throw Error(ErrorCode::kInvalidModel,
                    text("line ", i + 1, ": class ", static_cast<int64_t>(v[0]), " of ", config.classes.size()))
            .with_file(file.string());
      TruthBox box{static_cast<float>(v[1] - v[3] / 2),
                   static_cast<float>(v[2] - v[4] / 2),
                   static_cast<float>(v[1] + v[3] / 2),
                   static_cast<float>(v[2] + v[4] / 2),
                   static_cast<int>(v[0]),
                   false,
                   static_cast<float>(v[3] * v[4])};
      truth->boxes.push_back(box);
      if (v.size() == 5 || (v.size() - 5) % 3 != 0) continue;
      TruthPoints object{box, {}};
      for (size_t k = 5; k < v.size(); k += 3)
        object.points.push_back({static_cast<float>(v[k]), static_cast<float>(v[k + 1]), static_cast<int>(v[k + 2])});
      truth->has_points = true;
      truth->objects.push_back(std::move(object));
    }
  }
  if (files == 0 && !context.ids.empty())
    throw Error(ErrorCode::kInvalidModel,
                text("there is no label file for any of the ", context.ids.size(), " pictures, for instance none for '",
                     context.ids[0], "'"),
                "YOLO labels are one .txt per picture with the picture's name")
        .with_file(path);
  return set;
}

}  // namespace octet
