#include "tasks/keypoint_metric.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "tasks/classification_metric.h"
#include "tasks/coco_accumulator.h"
#include "tasks/coco_names.h"

namespace octet {

namespace {

constexpr double kOtherSigma = .05;
constexpr int kMaxDetections = 20;   // per picture, as COCO does for key points

bool has_labelled_point(const TruthPoints& truth) {
  return std::any_of(truth.points.begin(), truth.points.end(), [](const TruthKeypoint& p) { return p.visibility > 0; });
}

double truth_area(const TruthPoints& truth, bool box_area) {
  if (truth.box.area > 0 && !box_area) return static_cast<double>(truth.box.area);
  return static_cast<double>(truth.box.x2 - truth.box.x1) * static_cast<double>(truth.box.y2 - truth.box.y1);
}

// pycocotools gives a pose the area of the box around its points.
double points_area(const Detection& detection) {
  double x1 = 1e300, y1 = 1e300, x2 = -1e300, y2 = -1e300;
  for (const PredictedPoint& p : detection.points) {
    x1 = std::min(x1, static_cast<double>(p.x));
    x2 = std::max(x2, static_cast<double>(p.x));
    y1 = std::min(y1, static_cast<double>(p.y));
    y2 = std::max(y2, static_cast<double>(p.y));
  }
  return detection.points.empty() ? 0 : (x2 - x1) * (y2 - y1);
}

bool same_truth(const TruthPoints& a, const TruthPoints& b) {
  return a.box.x1 == b.box.x1 && a.box.y1 == b.box.y1 && a.box.x2 == b.box.x2 && a.box.y2 == b.box.y2 && a.box.area == b.box.area;
}

}  // namespace

double object_keypoint_similarity(std::span<const PredictedPoint> points, const TruthPoints& truth, std::span<const double> sigmas,
                                  bool box_area) {
  bool labelled = has_labelled_point(truth);
  double width = static_cast<double>(truth.box.x2 - truth.box.x1), height = static_cast<double>(truth.box.y2 - truth.box.y1);
  double left = static_cast<double>(truth.box.x1) - width, right = static_cast<double>(truth.box.x1) + 2 * width;
  double top = static_cast<double>(truth.box.y1) - height, bottom = static_cast<double>(truth.box.y1) + 2 * height;
  double sum = 0, area = truth_area(truth, box_area) + std::numeric_limits<double>::epsilon();
  int count = 0;
  for (size_t i = 0; i < truth.points.size(); ++i) {
    if (labelled && truth.points[i].visibility <= 0) continue;
    double x = static_cast<double>(points[i].x), y = static_cast<double>(points[i].y), dx, dy;
    if (labelled) {
      dx = x - static_cast<double>(truth.points[i].x);
      dy = y - static_cast<double>(truth.points[i].y);
    } else {
      dx = std::max(0.0, left - x) + std::max(0.0, x - right);
      dy = std::max(0.0, top - y) + std::max(0.0, y - bottom);
    }
    double variance = 4 * sigmas[i] * sigmas[i];
    sum += std::exp(-(dx * dx + dy * dy) / variance / area / 2);
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

KeypointMetric::KeypointMetric(std::vector<double> sigmas, bool box_area) : sigmas_(std::move(sigmas)), box_area_(box_area) {
  for (double sigma : sigmas_)
    require(sigma > 0, ErrorCode::kInvalidArgument, "a key point's sigma is ", sigma, ", it must be above 0");
}

std::span<const double> KeypointMetric::sigmas_for(size_t points) {
  if (sigmas_.empty()) {
    if (points == static_cast<size_t>(kCocoPoints)) sigmas_.assign(coco_point_sigmas().begin(), coco_point_sigmas().end());
    else sigmas_.assign(points, kOtherSigma);
  }
  require(sigmas_.size() == points, ErrorCode::kShapeMismatch, "the labels have ", points, " points per object, but ", sigmas_.size(),
          " sigmas are given");
  return sigmas_;
}

void KeypointMetric::add(const Predictions& predictions, const GroundTruth& truth) {
  require(truth.has_points, ErrorCode::kNotFound, "the labels of frame '", truth.id, "' hold no key points, which OKS needs");
  for (const TruthPoints& object : truth.objects) {
    sigmas_for(object.points.size());
    for (const Detection& detection : predictions.detections)
      require(detection.points.size() == object.points.size(), ErrorCode::kShapeMismatch, "frame '", truth.id, "' is labelled with ",
              object.points.size(), " points, but the model gives ", detection.points.size());
  }
  std::string key = truth.id.substr(0, truth.id.rfind('#'));
  auto [found, is_new] = pictures_.try_emplace(key);
  if (is_new) order_.push_back(key);
  Picture& picture = found->second;
  picture.detections.insert(picture.detections.end(), predictions.detections.begin(), predictions.detections.end());
  for (const TruthPoints& object : truth.objects) {
    bool known = std::any_of(picture.truths.begin(), picture.truths.end(), [&](const TruthPoints& t) { return same_truth(t, object); });
    if (!known) picture.truths.push_back(object);
    if (object.box.is_crowd || !has_labelled_point(object)) continue;
    // The best pose for each person: with one person and one pose per frame, simply that one.
    double best = 0;
    for (const Detection& detection : predictions.detections)
      best = std::max(best, object_keypoint_similarity(detection.points, object, sigmas_, box_area_));
    similarity_.push_back(best);
  }
}

double KeypointMetric::score(std::span<const uint32_t> weights) const { return weighted_mean(similarity_, weights); }

std::vector<MetricValue> KeypointMetric::values() const {
  CocoAccumulator accumulator(coco_iou_thresholds(), {coco_area_ranges()[0]}, kMaxDetections);
  uint32_t index = 0;
  for (const std::string& id : order_) {
    const Picture& picture = pictures_.at(id);
    std::vector<CocoAccumulator::Scored> scored;
    std::vector<CocoAccumulator::Truth> truths;
    std::vector<double> similarities;
    for (const TruthPoints& truth : picture.truths) truths.push_back({truth_area(truth, box_area_), !has_labelled_point(truth), truth.box.is_crowd});
    for (const Detection& detection : picture.detections) {
      scored.push_back({detection.score, points_area(detection)});
      for (const TruthPoints& truth : picture.truths)
        similarities.push_back(object_keypoint_similarity(detection.points, truth, sigmas_, box_area_));
    }
    accumulator.add(0, index++, scored, truths, similarities);
  }
  return {{"OKS", score({})},
          {"AP", accumulator.precision(0)},
          {"AP50", accumulator.precision(0, 0)},
          {"AP75", accumulator.precision(0, 5)}};
}

}  // namespace octet
