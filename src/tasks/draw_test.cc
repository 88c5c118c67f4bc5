#include "tasks/draw.h"

#include <cmath>
#include <cstdlib>
#include <set>
#include <tuple>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "octet/error.h"

namespace octet {
namespace {

int changed_pixels(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat difference;
  cv::absdiff(a, b, difference);
  int count = 0;
  for (int y = 0; y < difference.rows; ++y)
    for (int x = 0; x < difference.cols; ++x)
      if (difference.at<cv::Vec3b>(y, x) != cv::Vec3b(0, 0, 0)) ++count;
  return count;
}

Predictions scene(float scale) {
  Predictions out;
  out.detections = {{20 * scale, 60 * scale, 200 * scale, 220 * scale, .92f, 0, {}}, {150 * scale, 2 * scale, 300 * scale, 100 * scale, .55f, 17, {}},
                    {280 * scale, 180 * scale, 500 * scale, 500 * scale, .8f, 2, {}}, {5, 5, 50, 50, .05f, 3, {}}};
  for (int i = 0; i < 17; ++i)
    out.detections[0].points.push_back({(40 + static_cast<float>(i * 37 % 140)) * scale, (70 + static_cast<float>(i * 9)) * scale, .9f});
  return out;
}

// Set OCTET_DRAW_OUT to a folder to look at the pictures.
void show(const cv::Mat& picture, const std::string& name) {
  if (const char* folder = std::getenv("OCTET_DRAW_OUT")) cv::imwrite(std::string(folder) + "/" + name + ".png", picture);
}

TEST(Draw, EverySizeAndFormatOfPicture) {
  for (int side : {480, 640, 2000}) {
    for (int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
      cv::Mat picture(side, side, type, cv::Scalar::all(120)), before = picture.clone();
      DrawOptions options;
      options.classes = {"person", "dog", "a class with a long name"};
      cv::Mat out = draw_predictions(picture, scene(static_cast<float>(side) / 400), options);
      EXPECT_EQ(out.type(), CV_8UC3);
      EXPECT_EQ(out.size(), picture.size());
      EXPECT_EQ(cv::norm(picture, before, cv::NORM_INF), 0);   // the caller's picture is untouched
      if (type == CV_8UC3) EXPECT_GT(changed_pixels(out, picture), side * side / 20);
      show(out, "detections_" + std::to_string(side) + "_" + std::to_string(type));
    }
  }
}

TEST(Draw, BoxesOfAnySizeStayInThePicture) {
  cv::Mat picture(500, 500, CV_8UC3, cv::Scalar::all(60));
  Predictions wild;
  wild.detections = {{-1e9f, -50, 1e9f, 4000, .9f, 1, {}}, {399, 399, 400, 400, .9f, 2, {}}, {50, 50, 50, 50, .9f, 3, {}},
                     {NAN, 10, 20, NAN, .9f, -4, {{1e20f, -1e20f, 1}}}};
  cv::Mat out = draw_predictions(picture, wild);
  EXPECT_GT(changed_pixels(out, picture), 0);
}

TEST(Draw, WeakDetectionsAreLeftOut) {
  cv::Mat picture(480, 480, CV_8UC3, cv::Scalar::all(60));
  Predictions weak;
  weak.detections = {{10, 10, 100, 100, .2f, 1, {}}};
  EXPECT_EQ(changed_pixels(draw_predictions(picture, weak), picture), 0);
  DrawOptions all;
  all.min_score = 0;
  EXPECT_GT(changed_pixels(draw_predictions(picture, weak, all), picture), 0);
}

TEST(Draw, SmallPicturesAreEnlargedForTheClasses) {
  cv::Mat picture(32, 32, CV_8UC3, cv::Scalar(200, 120, 40));
  Predictions predictions;
  predictions.classes = {{3, .81f}, {5, .11f}, {0, .02f}};
  DrawOptions options;
  options.classes = {"airplane", "automobile", "bird", "cat"};
  cv::Mat out = draw_predictions(picture, predictions, options);
  EXPECT_EQ(out.cols, 480);
  show(out, "classes");
  predictions.classes.clear();
  predictions.values = {12.5f};
  show(draw_predictions(picture, predictions, options), "value");
}

TEST(Draw, ColoursDiffer) {
  std::set<std::tuple<int, int, int>> seen;
  for (int i = 0; i < 80; ++i) {
    Colour c = class_colour(i);
    for (int channel : {c.blue, c.green, c.red}) {
      EXPECT_GE(channel, 0);
      EXPECT_LE(channel, 255);
    }
    seen.insert({c.blue, c.green, c.red});
  }
  EXPECT_EQ(seen.size(), 80u);
}

TEST(Draw, RefusesOtherPictures) {
  EXPECT_THROW(draw_predictions(cv::Mat(), {}), Error);
  EXPECT_THROW(draw_predictions(cv::Mat(40, 40, CV_32FC3), {}), Error);
  EXPECT_THROW(draw_predictions(cv::Mat(40, 40, CV_8UC2), {}), Error);
}

}  // namespace
}  // namespace octet
