#include "tasks/draw.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "base/error.h"
#include "tasks/coco_names.h"

namespace octet {

namespace {

constexpr int kFont = cv::FONT_HERSHEY_DUPLEX;
const char* const kPerCent = "%";

// Sizes that follow the picture: chosen for one of 640 pixels.
struct Sizes {
  double letters;
  int line, stroke, padding, dot;
  explicit Sizes(const cv::Mat& picture) {
    double unit = std::clamp(std::max(picture.cols, picture.rows) / 640.0, .75, 8.0);
    letters = .52 * unit;
    line = std::max(1, static_cast<int>(std::lround(2 * unit)));
    stroke = std::max(1, static_cast<int>(std::lround(unit * .9)));
    padding = std::max(2, static_cast<int>(std::lround(4 * unit)));
    dot = std::max(2, static_cast<int>(std::lround(3 * unit)));
  }
};

cv::Scalar scalar(const Colour& c) { return cv::Scalar(c.blue, c.green, c.red); }

cv::Scalar readable_on(const Colour& c) {
  double luminance = .114 * c.blue + .587 * c.green + .299 * c.red;
  return luminance > 140 ? cv::Scalar(20, 20, 20) : cv::Scalar(255, 255, 255);
}

std::string percent(double score) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.0f", score * 100);
  return buffer + std::string(kPerCent);
}

// The font has ASCII only.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  return text;
}

std::string class_name(int64_t index, const DrawOptions& options) {
  if (index >= 0 && index < static_cast<int64_t>(options.classes.size())) return printable(options.classes[static_cast<size_t>(index)]);
  return text("class ", index);
}

cv::Rect inside(const cv::Mat& picture, const cv::Rect& rect) { return rect & cv::Rect(0, 0, picture.cols, picture.rows); }

void tint(cv::Mat& picture, const cv::Rect& rect, const cv::Scalar& colour, double strength) {
  cv::Rect visible = inside(picture, rect);
  if (visible.area() == 0) return;
  cv::Mat part = picture(visible);
  cv::addWeighted(part, 1 - strength, cv::Mat(part.size(), part.type(), colour), strength, 0, part);
}

// Draws `label` on a plate of `colour` whose lower left corner is at (x, y), moved to stay inside the picture.
void plate(cv::Mat& picture, const std::string& label, int x, int y, const Colour& colour, const Sizes& sizes) {
  int baseline = 0;
  cv::Size size = cv::getTextSize(label, kFont, sizes.letters, sizes.stroke, &baseline);
  int width = size.width + 2 * sizes.padding, height = size.height + baseline + sizes.padding;
  x = std::clamp(x, 0, std::max(0, picture.cols - width));
  int top = y - height;
  if (top < 0) top = y;   // no room above: inside the box
  top = std::clamp(top, 0, std::max(0, picture.rows - height));
  cv::rectangle(picture, inside(picture, {x, top, width, height}), scalar(colour), cv::FILLED);
  cv::putText(picture, label, {x + sizes.padding, top + sizes.padding / 2 + size.height}, kFont, sizes.letters, readable_on(colour),
              sizes.stroke, cv::LINE_AA);
}

cv::Point pixel(double x, double y) {
  auto whole = [](double v) { return static_cast<int>(std::lround(std::clamp(std::isnan(v) ? 0.0 : v, -30000.0, 30000.0))); };
  return {whole(x), whole(y)};
}

void draw_points(cv::Mat& picture, const Detection& detection, double zoom, const DrawOptions& options, const Colour& colour, const Sizes& sizes) {
  auto shown = [&](int i) { return static_cast<double>(detection.points[static_cast<size_t>(i)].score) >= options.min_point_score; };
  auto at = [&](int i) {
    const PredictedPoint& p = detection.points[static_cast<size_t>(i)];
    return pixel(static_cast<double>(p.x) * zoom, static_cast<double>(p.y) * zoom);
  };
  if (detection.points.size() == static_cast<size_t>(kCocoPoints)) {
    // COCO numbers left points odd, right ones even: the body's sides get colours of their own.
    constexpr Colour kLeft{80, 200, 80}, kRight{60, 140, 255}, kMiddle{230, 200, 60};
    for (auto [from, to] : coco_skeleton()) {
      if (!shown(from) || !shown(to)) continue;
      const Colour& side = from == 0 || (from % 2) != (to % 2) ? kMiddle : from % 2 == 1 ? kLeft : kRight;
      cv::line(picture, at(from), at(to), cv::Scalar(25, 25, 25), sizes.line + 2, cv::LINE_AA);
      cv::line(picture, at(from), at(to), scalar(side), sizes.line, cv::LINE_AA);
    }
  }
  for (int i = 0; i < static_cast<int>(detection.points.size()); ++i) {
    if (!shown(i)) continue;
    cv::circle(picture, at(i), sizes.dot + 1, cv::Scalar(25, 25, 25), cv::FILLED, cv::LINE_AA);
    cv::circle(picture, at(i), sizes.dot, scalar(colour), cv::FILLED, cv::LINE_AA);
  }
}

void draw_detections(cv::Mat& picture, const Predictions& predictions, double zoom, const DrawOptions& options, const Sizes& sizes) {
  std::vector<const Detection*> order;   // the best last, so that it stays on top
  for (const Detection& d : predictions.detections)
    if (static_cast<double>(d.score) >= options.min_score) order.push_back(&d);
  std::stable_sort(order.begin(), order.end(), [](const Detection* a, const Detection* b) { return a->score < b->score; });
  auto corners = [&](const Detection& d) {
    cv::Point a = pixel(static_cast<double>(d.x1) * zoom, static_cast<double>(d.y1) * zoom);
    cv::Point b = pixel(static_cast<double>(d.x2) * zoom, static_cast<double>(d.y2) * zoom);
    return cv::Rect(a, b);
  };
  for (const Detection* d : order) {
    if (!options.boxes) break;
    cv::Scalar colour = scalar(class_colour(d->class_index));
    tint(picture, corners(*d), colour, .10);
    cv::rectangle(picture, corners(*d), colour, sizes.line, cv::LINE_AA);
  }
  for (const Detection* d : order) {
    Colour colour = class_colour(d->class_index);
    draw_points(picture, *d, zoom, options, colour, sizes);
    if (!options.boxes) continue;
    std::string label = percent(static_cast<double>(d->score));
    if (!options.one_class || !options.classes.empty()) label = class_name(d->class_index, options) + " " + label;
    cv::Rect box = corners(*d);
    plate(picture, label, box.x - sizes.line / 2, box.y, colour, sizes);
  }
}

// A dark panel in the left upper corner; a line is text with a bar as long as its share.
struct Line { std::string text; double share; Colour colour; };

void panel(cv::Mat& picture, const std::vector<Line>& lines, const Sizes& sizes) {
  if (lines.empty()) return;
  double letters = sizes.letters * 1.2;
  int baseline = 0, width = 0, height = 0;
  for (const Line& line : lines) {
    cv::Size size = cv::getTextSize(line.text, kFont, letters, sizes.stroke, &baseline);
    width = std::max(width, size.width);
    height = std::max(height, size.height + baseline + sizes.padding);
  }
  width = std::max(width + 2 * sizes.padding, picture.cols * 2 / 5);
  tint(picture, {0, 0, width, height * static_cast<int>(lines.size()) + sizes.padding}, cv::Scalar(15, 15, 15), .72);
  int y = sizes.padding / 2;
  for (const Line& line : lines) {
    int length = static_cast<int>(std::lround(width * std::clamp(line.share, 0.0, 1.0)));
    tint(picture, {0, y, length, height - sizes.padding / 2}, scalar(line.colour), .55);
    cv::putText(picture, line.text, {sizes.padding, y + height - sizes.padding / 2 - baseline}, kFont, letters,
                cv::Scalar(255, 255, 255), sizes.stroke, cv::LINE_AA);
    y += height;
  }
}

cv::Mat as_bgr(const cv::Mat& picture) {
  require(!picture.empty() && picture.depth() == CV_8U, ErrorCode::kInvalidArgument, "only pictures of 8 bits per channel can be drawn on");
  cv::Mat out;
  if (picture.channels() == 1) cv::cvtColor(picture, out, cv::COLOR_GRAY2BGR);
  else if (picture.channels() == 4) cv::cvtColor(picture, out, cv::COLOR_BGRA2BGR);
  else if (picture.channels() == 3) out = picture.clone();
  else fail(ErrorCode::kInvalidArgument, "a picture of ", picture.channels(), " channels cannot be drawn on");
  return out;
}

}  // namespace

Colour class_colour(int64_t class_index) {
  // Steps of the golden angle never come close to an earlier hue soon; every third class is lighter, every other darker.
  double hue = std::fmod(static_cast<double>(class_index) * .61803398875 + .58, 1.0) * 6;
  if (hue < 0) hue += 6;
  double value = class_index % 3 == 1 ? .80 : .95, saturation = class_index % 3 == 2 ? .60 : .80;
  auto channel = [&](double shift) {
    double k = std::fmod(shift + hue, 6.0);
    return static_cast<int>(std::lround(255 * (value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0))));
  };
  return {channel(1), channel(3), channel(5)};
}

cv::Mat draw_predictions(const cv::Mat& picture, const Predictions& predictions, const DrawOptions& options) {
  cv::Mat out = as_bgr(picture);
  int side = std::max(out.cols, out.rows);
  int zoom = side < options.smallest_side ? (options.smallest_side + side - 1) / side : 1;
  if (zoom > 1) {
    cv::Mat larger;
    cv::resize(out, larger, {}, zoom, zoom, zoom > 4 ? cv::INTER_NEAREST : cv::INTER_CUBIC);
    out = larger;
  }
  Sizes sizes(out);
  draw_detections(out, predictions, zoom, options, sizes);
  std::vector<Line> lines;
  for (const ScoredClass& c : predictions.classes) {
    if (static_cast<int>(lines.size()) >= options.max_classes) break;
    lines.push_back({class_name(c.class_index, options) + "  " + percent(static_cast<double>(c.score)), static_cast<double>(c.score),
                     class_colour(c.class_index)});
  }
  for (float value : predictions.values) {
    if (static_cast<int>(lines.size()) >= options.max_classes) break;
    lines.push_back({text("value ", static_cast<double>(value)), 0, {}});
  }
  panel(out, lines, sizes);
  return out;
}

}  // namespace octet
