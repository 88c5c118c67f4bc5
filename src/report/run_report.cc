#include <fmt/format.h>

#include "report/json.h"
#include "report/numbers.h"
#include "report/report.h"

namespace octet {

namespace {

std::string compact(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string run_report(const RunResult& result, const FrameAnswer& frame) {
  std::string out = frame.frame + (frame.file.empty() ? "" : " → " + frame.file) + "\n";
  if (result.task.empty()) return out;
  if (frame.objects.empty() && frame.values.empty()) out += "  nothing found\n";
  for (const FoundObject& object : frame.objects) {
    out += fmt::format("  {:<16} {:>6}", object.label, format_points(object.score));
    if (object.has_box) out += fmt::format("  box {:.0f} {:.0f} {:.0f} {:.0f}", object.x1, object.y1, object.x2, object.y2);
    if (!object.points.empty()) out += fmt::format("  {} points", object.points.size());
    out += "\n";
  }
  for (float value : frame.values) out += "  " + format_number(value) + "\n";
  return out;
}

std::string run_json_head(const RunResult& result) {
  return fmt::format("{{\n  \"model\": {},\n  \"task\": {},\n  \"frames\": [\n", compact(result.model),
                     compact(result.task.empty() ? Json(nullptr) : Json(result.task)));
}

std::string run_json_frame(const FrameAnswer& frame, bool first) {
  Json objects = Json::array();
  for (const FoundObject& object : frame.objects) {
    Json item = {{"label", object.label}, {"class", object.class_index}, {"score", json_number(object.score)}};
    if (object.has_box) item["box"] = {json_number(object.x1), json_number(object.y1), json_number(object.x2), json_number(object.y2)};
    for (const FoundObject::Point& point : object.points) item["points"].push_back({json_number(point.x), json_number(point.y), json_number(point.score)});
    objects.push_back(std::move(item));
  }
  Json values = Json::array();
  for (float value : frame.values) values.push_back(json_number(value));
  Json json = {{"frame", frame.frame}, {"file", frame.file.empty() ? Json(nullptr) : Json(frame.file)}, {"objects", objects}, {"values", values}};
  return (first ? "    " : ",\n    ") + compact(json);
}

std::string run_json_end() { return "\n  ]\n}\n"; }

}  // namespace octet
