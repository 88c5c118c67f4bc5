#include "calibrate/calibration_file.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace octet {

namespace {

constexpr std::string_view kMagic = "octcalb1";

void put_number(std::string& out, uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }
void put_text(std::string& out, std::string_view bytes) {
  put_number(out, bytes.size());
  out += bytes;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::string_view take(uint64_t count) {
    require(count <= bytes_.size(), ErrorCode::kInvalidModel, "the saved calibration is damaged");
    std::string_view part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }
  uint64_t number() {
    uint64_t value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text() { return take(number()); }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace

void Calibration::merge(const Calibration& other) {
  require(model == other.model, ErrorCode::kInvalidModel, "the saved calibrations belong to different models");
  frames += other.frames;
  for (const auto& [name, seen] : other.statistics) statistics[name].merge(seen);
}

// magic | model | frames | number of values | (name, statistics)*; all numbers 64 bits, texts with their length before them
std::string save_calibration(const Calibration& calibration) {
  std::string out(kMagic);
  put_text(out, calibration.model);
  put_number(out, static_cast<uint64_t>(calibration.frames));
  put_number(out, calibration.statistics.size());
  for (const auto& [name, seen] : calibration.statistics) {
    put_text(out, name);
    put_text(out, seen.save());
  }
  return out;
}

Calibration load_calibration(std::string_view bytes) {
  Reader reader(bytes);
  require(reader.take(std::min(kMagic.size(), bytes.size())) == kMagic, ErrorCode::kInvalidModel, "this is no saved calibration");
  Calibration calibration;
  calibration.model = std::string(reader.text());
  calibration.frames = static_cast<int64_t>(reader.number());
  for (uint64_t i = 0, count = reader.number(); i < count; ++i) {
    std::string name(reader.text());
    calibration.statistics[name] = TensorStatistics::load(reader.text());
  }
  require(reader.at_end(), ErrorCode::kInvalidModel, "the saved calibration is damaged");
  return calibration;
}

}  // namespace octet
