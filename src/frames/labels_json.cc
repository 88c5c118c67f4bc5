// COCO instances, COCO keypoints and faces.json: the only user of the JSON library in this room.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/mapped_file.h"
#include "frames/labels.h"

namespace octet {

namespace {

using Json = nlohmann::json;

[[noreturn]] void fail_json(const std::string& message, const char* hint = "a file in COCO's format is wanted") {
  throw Error(ErrorCode::kInvalidModel, message, hint);
}

const Json& array_at(const Json& json, const char* key) {
  auto at = json.find(key);
  if (at == json.end() || !at->is_array()) fail_json(text("the list '", key, "' is missing"));
  return *at;
}

double number_at(const Json& json, const char* key, double fallback) {
  auto at = json.find(key);
  return at != json.end() && at->is_number() ? at->get<double>() : fallback;
}

int64_t integer_at(const Json& json, const char* key, const char* where) {
  auto at = json.find(key);
  if (at == json.end() || !at->is_number_integer())
    fail_json(text("an entry of '", where, "' lacks the integer '", key, "'"));
  return at->get<int64_t>();
}

std::string string_at(const Json& json, const char* key, const char* where) {
  auto at = json.find(key);
  if (at == json.end() || !at->is_string()) fail_json(text("an entry of '", where, "' lacks the text '", key, "'"));
  return at->get<std::string>();
}

std::vector<float> floats(const Json& json, size_t count, const char* where) {
  bool good = json.is_array() && (count == 0 || json.size() == count) &&
              std::all_of(json.begin(), json.end(), [](const Json& v) { return v.is_number(); });
  if (!good) fail_json(text("an entry of '", where, "' is no list of numbers of the right length"));
  return json.get<std::vector<float>>();
}

void note_size(LabelSet& set, const std::string& name, const Json& image) {
  LabelSet::Size size{static_cast<int>(number_at(image, "width", 0)), static_cast<int>(number_at(image, "height", 0))};
  if (size.width > 0 && size.height > 0) set.sizes[name] = size;
}

// Category numbers have gaps; class indices have none: in the order of the numbers, or as the recipe names them.
std::map<int64_t, int> number_categories(const Json& root, const LabelsConfig& config, LabelSet& set) {
  std::map<int64_t, std::string> names;
  std::map<int64_t, int> indices;
  auto categories = root.find("categories");
  if (categories == root.end()) return indices;
  if (!categories->is_array()) fail_json("'categories' is no list");
  for (const Json& category : *categories) {
    int64_t id = integer_at(category, "id", "categories");
    names[id] = string_at(category, "name", "categories");
    auto points = category.find("keypoints");
    if (points != category.end() && points->is_array() && set.names.points.empty())
      for (const Json& point : *points)
        if (point.is_string()) set.names.points.push_back(point.get<std::string>());
  }
  for (const auto& [id, name] : names) {
    if (config.classes.empty()) {
      indices[id] = static_cast<int>(indices.size());
      set.numbered_by_name = true;
      set.names.classes.push_back(name);
    } else {
      auto at = std::find(config.classes.begin(), config.classes.end(), name);
      if (at != config.classes.end()) indices[id] = static_cast<int>(at - config.classes.begin());
    }
  }
  if (!config.classes.empty()) {
    set.names.classes = config.classes;
    if (indices.empty())
      fail_json("none of its categories is among the [labels] classes", "the two name things differently");
  }
  return indices;
}

void read_coco(const Json& root, const LabelsConfig& config, LabelSet& set) {
  bool points = set.kind == LabelKind::kCocoKeypoints;
  std::map<int64_t, int> classes = number_categories(root, config, set);
  std::map<int64_t, std::string> pictures;
  for (const Json& image : array_at(root, "images")) {
    std::string name = string_at(image, "file_name", "images");
    pictures[integer_at(image, "id", "images")] = name;
    GroundTruth* truth = set.find_or_add(name);
    truth->id = name;
    (points ? truth->has_points : truth->has_boxes) = true;
    note_size(set, name, image);
  }
  for (const Json& annotation : array_at(root, "annotations")) {
    auto picture = pictures.find(integer_at(annotation, "image_id", "annotations"));
    if (picture == pictures.end()) fail_json("an annotation belongs to a picture that is not listed in 'images'");
    auto category = classes.find(integer_at(annotation, "category_id", "annotations"));
    if (category == classes.end() && !classes.empty()) {
      if (config.classes.empty()) fail_json("an annotation has a category that is not listed in 'categories'");
      continue;   // a category that the recipe does not ask for
    }
    if (!annotation.contains("bbox")) fail_json("an annotation lacks its 'bbox'");
    std::vector<float> box = floats(annotation["bbox"], 4, "annotations.bbox");
    TruthBox truth_box{box[0], box[1], box[0] + box[2], box[1] + box[3]};
    truth_box.class_index = category == classes.end() ? 0 : category->second;
    auto crowd = annotation.find("iscrowd");
    truth_box.is_crowd = crowd != annotation.end() && ((crowd->is_number() && crowd->get<double>() != 0) ||
                                                       (crowd->is_boolean() && crowd->get<bool>()));
    truth_box.area = static_cast<float>(number_at(annotation, "area", static_cast<double>(box[2]) * box[3]));
    GroundTruth* truth = set.find_or_add(picture->second);
    if (!points) {
      truth->boxes.push_back(truth_box);
      continue;
    }
    if (!annotation.contains("keypoints")) continue;
    std::vector<float> values = floats(annotation["keypoints"], 0, "annotations.keypoints");
    if (values.size() % 3 != 0) fail_json("keypoints come as x, y, visibility");
    TruthPoints object{truth_box, {}};
    for (size_t i = 0; i < values.size(); i += 3)
      object.points.push_back({values[i], values[i + 1], static_cast<int>(values[i + 2])});
    truth->objects.push_back(std::move(object));
  }
}

void read_faces(const Json& root, const LabelsConfig& config, LabelSet& set) {
  set.names.classes = config.classes.empty() ? std::vector<std::string>{"face"} : config.classes;
  for (const Json& image : array_at(root, "images")) {
    std::string name = string_at(image, "file_name", "images");
    GroundTruth* truth = set.find_or_add(name);
    truth->id = name;
    truth->has_boxes = true;
    note_size(set, name, image);
    for (const Json& face : array_at(image, "faces")) {
      std::vector<float> box = floats(face, 4, "faces");
      truth->boxes.push_back({box[0], box[1], box[2], box[3], 0, false, (box[2] - box[0]) * (box[3] - box[1])});
    }
  }
}

LabelKind kind_of(const Json& root) {
  auto images = root.find("images");
  if (images != root.end() && images->is_array() && !images->empty() && images->front().is_object() &&
      images->front().contains("faces"))
    return LabelKind::kFaces;
  auto annotations = root.find("annotations");
  bool points = annotations != root.end() && annotations->is_array() &&
                std::any_of(annotations->begin(), annotations->end(),
                            [](const Json& a) { return a.is_object() && a.contains("keypoints"); });
  return points ? LabelKind::kCocoKeypoints : LabelKind::kCoco;
}

}  // namespace

LabelSet read_json_labels(const LabelsConfig& config, const std::string& path, LabelKind kind) {
  auto file = MappedFile::open(path);
  auto* begin = reinterpret_cast<const char*>(file->bytes().data());
  // Objects and lists within each other: COCO needs 5, and the parser's memory is recursive.
  auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > 64) throw Error(ErrorCode::kResourceLimit, "lists within lists, more than 64 deep");
    return true;
  };
  try {
    Json root = Json::parse(begin, begin + file->bytes().size(), limit_depth);
    if (!root.is_object()) fail_json("is no label file");
    LabelSet set;
    set.kind = kind == LabelKind::kAuto ? kind_of(root) : kind;
    set.path = path;
    set.kind == LabelKind::kFaces ? read_faces(root, config, set) : read_coco(root, config, set);
    return set;
  } catch (const Json::parse_error& error) {
    std::string_view before = file->view().substr(0, std::min(error.byte, file->view().size()));
    auto line = std::count(before.begin(), before.end(), '\n') + 1;
    throw Error(ErrorCode::kInvalidModel,
                before.size() == file->view().size() ? text("is no whole JSON file: it ends in line ", line) : text("line ", line, " is no valid JSON"),
                "COCO labels are JSON")
        .with_file(path);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kInvalidModel, "a number or a text stands where none is wanted", "a file in COCO's format is wanted").with_file(path);
  } catch (const Error& error) {
    throw error.with_file(path);
  }
}

}  // namespace octet
