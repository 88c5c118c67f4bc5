#include "frames/preprocess.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "base/half.h"
#include "frames/antialias.h"
#include "octet/error.h"

namespace octet {
namespace {

// Blue, green and red differ and depend on the place.
cv::Mat test_picture(int width, int height) {
  cv::Mat picture(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      picture.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<uint8_t>(x), static_cast<uint8_t>(100 + y), static_cast<uint8_t>(200 + x % 50));
  return picture;
}

InputDescription input(Shape shape, DType dtype = DType::kFloat32) { return {"images", dtype, std::move(shape)}; }

PreprocessConfig plain() {
  PreprocessConfig config;
  config.resize = ResizeMode::kNone;
  return config;
}

TEST(Preprocess, OrdersColoursAndAxes) {
  cv::Mat picture = test_picture(4, 3);
  PreprocessConfig config = plain();
  Tensor rgb = Preprocessor(config, input({1, 3, 3, 4})).apply(picture).tensor;
  EXPECT_EQ(rgb.shape(), (Shape{1, 3, 3, 4}));
  auto at = [](const Tensor& t, int c, int y, int x) { return t.data<float>()[(c * 3 + y) * 4 + x]; };
  EXPECT_EQ(at(rgb, 0, 1, 2), 202);
  EXPECT_EQ(at(rgb, 1, 1, 2), 101);
  EXPECT_EQ(at(rgb, 2, 1, 2), 2);
  config.color = ColorOrder::kBgr;
  EXPECT_EQ(at(Preprocessor(config, input({1, 3, 3, 4})).apply(picture).tensor, 0, 1, 2), 2);
  config.layout = PictureLayout::kNhwc;
  Tensor nhwc = Preprocessor(config, input({-1, -1, -1, 3})).apply(picture).tensor;
  EXPECT_EQ(nhwc.shape(), (Shape{1, 3, 4, 3}));
  EXPECT_EQ(nhwc.data<float>()[(1 * 4 + 2) * 3 + 1], 101);
}

TEST(Preprocess, Normalises) {
  PreprocessConfig config = plain();
  config.scale = 1.0 / 255;
  config.mean = {0.485, 0.456, 0.406};
  config.std = {0.229, 0.224, 0.225};
  Tensor tensor = Preprocessor(config, input({1, 3, 3, 4})).apply(test_picture(4, 3)).tensor;
  EXPECT_FLOAT_EQ(tensor.data<float>()[0], static_cast<float>((200 / 255.0 - 0.485) / 0.229));
  EXPECT_FLOAT_EQ(tensor.data<float>()[12], static_cast<float>((100 / 255.0 - 0.456) / 0.224));
  EXPECT_FLOAT_EQ(tensor.data<float>()[24], static_cast<float>((0 / 255.0 - 0.406) / 0.225));
  config.mean = {0.5};
  config.std = {2};
  tensor = Preprocessor(config, input({1, 3, 3, 4}, DType::kFloat16)).apply(test_picture(4, 3)).tensor;
  EXPECT_NEAR(to_float(tensor.data<Float16>()[12]), (100 / 255.0 - 0.5) / 2, 1e-3);
}

TEST(Preprocess, GivesBytesAndRepeatsGray) {
  PreprocessConfig config = plain();
  Tensor bytes = Preprocessor(config, input({1, 3, 3, 4}, DType::kUInt8)).apply(test_picture(4, 3)).tensor;
  EXPECT_EQ(bytes.data<uint8_t>()[0], 200);
  config.color = ColorOrder::kGray;
  cv::Mat gray(3, 4, CV_8UC1, cv::Scalar(7));
  Tensor three = Preprocessor(config, input({1, 3, 3, 4})).apply(gray).tensor;
  for (float value : three.values<float>()) EXPECT_EQ(value, 7);
  EXPECT_EQ(Preprocessor(config, input({1, 1, 3, 4})).apply(gray).tensor.shape(), (Shape{1, 1, 3, 4}));
  EXPECT_EQ(Preprocessor(config, input({1, 3, 4})).apply(gray).tensor.shape(), (Shape{1, 3, 4}));
  EXPECT_EQ(Preprocessor(config, input({1, 1, 3, 4})).apply(test_picture(4, 3)).tensor.shape(), (Shape{1, 1, 3, 4}));
}

TEST(Preprocess, LetterboxesAndMapsBack) {
  cv::Mat picture(100, 200, CV_8UC1, cv::Scalar(50));
  PreprocessConfig config;
  config.resize = ResizeMode::kLetterbox;
  config.color = ColorOrder::kGray;
  config.pad = 114;
  for (bool center : {false, true}) {
    config.anchor_center = center;
    auto [tensor, geometry] = Preprocessor(config, input({1, 1, 64, 64})).apply(picture);
    auto row = [&, &values = tensor](int y) { return values.data<float>()[y * 64 + 3]; };
    EXPECT_EQ(row(0), center ? 114 : 50);
    EXPECT_EQ(row(31), 50);
    EXPECT_EQ(row(32), center ? 50 : 114);
    EXPECT_EQ(row(63), 114);
    EXPECT_EQ(row(15), center ? 114 : 50);
    EXPECT_EQ(row(16), 50);
    EXPECT_EQ(geometry.source_width, 200);
    EXPECT_EQ(geometry.input_height, 64);
    EXPECT_DOUBLE_EQ(geometry.to_source_x(64), 200);
    EXPECT_DOUBLE_EQ(geometry.to_source_y(center ? 16 : 0), 0);
    EXPECT_DOUBLE_EQ(geometry.to_source_y(center ? 48 : 32), 100);
    EXPECT_DOUBLE_EQ(geometry.to_input_y(geometry.to_source_y(12.5)), 12.5);
  }
}

TEST(Preprocess, CropsTheMiddle) {
  cv::Mat picture = test_picture(40, 20);
  PreprocessConfig config;
  config.resize = ResizeMode::kCenterCrop;
  config.color = ColorOrder::kBgr;
  auto [tensor, geometry] = Preprocessor(config, input({1, 3, 20, 20})).apply(picture);
  EXPECT_EQ(tensor.data<float>()[0], 10);   // blue is x: the crop starts at x = 10
  EXPECT_DOUBLE_EQ(geometry.to_source_x(0), 10);
  config.shorter_side = 10;   // smaller than the input: padded
  config.pad = 9;
  auto small = Preprocessor(config, input({1, 3, 20, 20})).apply(picture);
  EXPECT_EQ(small.tensor.data<float>()[0], 9);
  EXPECT_DOUBLE_EQ(small.geometry.to_source_y(5), 0);
}

TEST(Preprocess, CutsOutABox) {
  cv::Mat picture(100, 100, CV_8UC1, cv::Scalar(0));
  picture(cv::Rect(40, 20, 20, 40)).setTo(200);
  PreprocessConfig config;
  config.resize = ResizeMode::kBox;
  config.color = ColorOrder::kGray;
  config.box_scale = 1.25;
  TruthBox box{40, 20, 60, 60};
  Preprocessor preprocessor(config, input({1, 1, 64, 48}));
  auto [tensor, geometry] = preprocessor.apply(picture, &box);
  EXPECT_DOUBLE_EQ(geometry.scale_x, 64 / 50.0);               // 40 high, times 1.25
  EXPECT_DOUBLE_EQ(geometry.to_source_x(24), 50);
  EXPECT_DOUBLE_EQ(geometry.to_source_y(32), 40);
  auto at = [&, &values = tensor](double source_x, double source_y) {
    return values.data<float>()[static_cast<int>(geometry.to_input_y(source_y)) * 48 +
                                static_cast<int>(geometry.to_input_x(source_x))];
  };
  EXPECT_EQ(at(42, 22), 200);
  EXPECT_EQ(at(58, 58), 200);
  EXPECT_EQ(at(38, 40), 0);
  EXPECT_EQ(at(62, 40), 0);
  EXPECT_THROW(preprocessor.apply(picture), Error);
}

TEST(Preprocess, SaysWhatDoesNotFit) {
  auto message = [](PreprocessConfig config, InputDescription description) -> std::string {
    try {
      Preprocessor(config, description).apply(test_picture(4, 3));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  PreprocessConfig config;
  EXPECT_NE(message(config, input({1, 1, 3, 4})).find("color = \"gray\""), std::string::npos);
  EXPECT_NE(message(config, input({1, 3, -1, -1})).find("size = [width, height]"), std::string::npos);
  EXPECT_NE(message(config, input({1, 4, 4, 3})).find("layout"), std::string::npos);
  EXPECT_NE(message(config, input({1, 10})).find("no picture"), std::string::npos);
  EXPECT_NE(message(config, input({8, 3, 4, 4})).find("8 pictures at once"), std::string::npos);
  EXPECT_NE(message(config, input({1, 3, 4, 4}, DType::kInt64)).find("int64"), std::string::npos);
  config.width = config.height = 5;
  EXPECT_NE(message(config, input({1, 3, 4, 4})).find("preprocess.size"), std::string::npos);
  EXPECT_NE(message(plain(), input({1, 3, 8, 8})).find("4 x 3"), std::string::npos);
}

TEST(Preprocess, ReadsPicturesAndNamesBadOnes) {
  auto folder = std::filesystem::path(testing::TempDir()) / "octet_pictures";
  std::filesystem::create_directories(folder);
  std::string good = (folder / "good.png").string(), bad = (folder / "bad.jpg").string();
  cv::imwrite(good, test_picture(4, 3));
  std::ofstream(bad) << "this is no picture";
  EXPECT_EQ(read_picture(good, false).at<cv::Vec3b>(1, 2), cv::Vec3b(2, 101, 202));
  EXPECT_EQ(read_picture(good, true).channels(), 1);
  for (const std::string& path : {bad, (folder / "absent.png").string()}) {
    try {
      read_picture(path, false);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.file(), path);
    }
  }
}

// Values from Pillow 9.4: Image.fromarray(a).resize(size, BICUBIC / BILINEAR), a[y, x] = (x·37 + y·91 + x·y·5) mod 256.
TEST(Antialias, EqualsPillow) {
  cv::Mat picture(11, 13, CV_8UC1);
  for (int y = 0; y < 11; ++y)
    for (int x = 0; x < 13; ++x) picture.at<uint8_t>(y, x) = static_cast<uint8_t>((x * 37 + y * 91 + x * y * 5) % 256);
  auto values = [](const cv::Mat& m) { return std::vector<int>(m.begin<uint8_t>(), m.end<uint8_t>()); };
  EXPECT_EQ(values(resize_antialiased(picture, 5, 4, AntialiasFilter::kCubic)),
            (std::vector<int>{106, 115, 127, 130, 144, 115, 125, 147, 147, 124,
                              109, 128, 148, 126, 111, 134, 123, 135, 130, 121}));
  EXPECT_EQ(values(resize_antialiased(picture, 5, 4, AntialiasFilter::kLinear)),
            (std::vector<int>{108, 116, 127, 134, 139, 115, 125, 144, 142, 127,
                              112, 129, 143, 129, 113, 131, 126, 132, 129, 121}));
  EXPECT_EQ(values(resize_antialiased(picture, 4, 15, AntialiasFilter::kCubic)),
            (std::vector<int>{40,  162, 69,  137, 107, 108, 125, 136, 151, 90,  162, 150, 130, 133, 147,
                              164, 94,  129, 138, 109, 120, 121, 147, 116, 133, 130, 156, 138, 89,  161,
                              153, 133, 111, 148, 156, 92,  117, 139, 128, 102, 113, 129, 109, 131, 122,
                              106, 155, 119, 120, 115, 123, 100, 134, 134, 126, 118, 154, 149, 158, 155}));
  EXPECT_EQ(resize_antialiased(picture, 13, 11, AntialiasFilter::kCubic).data, picture.data);
  cv::Mat three;
  cv::merge(std::vector<cv::Mat>{picture, picture, picture}, three);
  std::vector<cv::Mat> planes;
  cv::split(resize_antialiased(three, 5, 4, AntialiasFilter::kCubic), planes);
  EXPECT_EQ(values(planes[1]), values(resize_antialiased(picture, 5, 4, AntialiasFilter::kCubic)));
}

}  // namespace
}  // namespace octet
