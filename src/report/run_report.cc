#include <fmt/format.h>

#include "report/json.h"
#include "report/numbers.h"
#include "report/report.h"
#include "report/table.h"

namespace octet {

std::string run_report(const RunResult& result) {
  std::string out;
  for (const FrameAnswer& frame : result.frames) {
    out += frame.frame + (frame.file.empty() ? "" : " → " + frame.file) + "\n";
    if (result.task.empty()) continue;
    if (frame.objects.empty() && frame.values.empty()) out += "  nothing found\n";
    for (const FoundObject& object : frame.objects) {
      out += fmt::format("  {:<16} {:>6}", object.label, format_points(object.score));
      if (object.has_box) out += fmt::format("  box {:.0f} {:.0f} {:.0f} {:.0f}", object.x1, object.y1, object.x2, object.y2);
      if (!object.points.empty()) out += fmt::format("  {} points", object.points.size());
      out += "\n";
    }
    for (float value : frame.values) out += "  " + format_number(value) + "\n";
  }
  return out;
}

std::string run_json(const RunResult& result) {
  Json json = {{"model", result.model}, {"task", result.task.empty() ? Json(nullptr) : Json(result.task)}};
  json["frames"] = Json::array();
  for (const FrameAnswer& frame : result.frames) {
    Json objects = Json::array();
    for (const FoundObject& object : frame.objects) {
      Json item = {{"label", object.label}, {"class", object.class_index}, {"score", json_number(object.score)}};
      if (object.has_box) item["box"] = {json_number(object.x1), json_number(object.y1), json_number(object.x2), json_number(object.y2)};
      for (const FoundObject::Point& point : object.points) item["points"].push_back({json_number(point.x), json_number(point.y), json_number(point.score)});
      objects.push_back(std::move(item));
    }
    Json values = Json::array();
    for (float value : frame.values) values.push_back(json_number(value));
    json["frames"].push_back({{"frame", frame.frame}, {"file", frame.file.empty() ? Json(nullptr) : Json(frame.file)}, {"objects", objects}, {"values", values}});
  }
  return dump(json);
}

}  // namespace octet
