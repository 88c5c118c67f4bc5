#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tasks/decoder_testing.h"

namespace octet {
namespace {

using testing::error_of;
using testing::make_decoder;

Predictions decode(const Decoder& decoder, Tensor tensor) {
  std::vector<NamedTensor> outputs = {{"out", std::move(tensor)}};
  return decoder.decode(outputs, {});
}

TEST(Classify, LogitsBecomeProbabilitiesTiesGoToTheLowerIndex) {
  auto decoder = make_decoder("classify", {}, {{"top_k", int64_t{3}}});
  Tensor logits = Tensor::of<float>({0, 2, 1, 2}).reshaped({1, 4});
  auto classes = decode(*decoder, logits).classes;
  ASSERT_EQ(classes.size(), 3u);
  EXPECT_EQ(classes[0].class_index, 1);
  EXPECT_EQ(classes[1].class_index, 3);
  EXPECT_EQ(classes[2].class_index, 2);
  double sum = 1 + 2 * std::exp(2.0) + std::exp(1.0);
  EXPECT_NEAR(classes[0].score, std::exp(2.0) / sum, 1e-6);
  EXPECT_EQ(logits.values<float>()[0], 0);   // the output itself is untouched
}

TEST(Classify, ProbabilitiesStayAsTheyAre) {
  auto classes = decode(*make_decoder("classify"), Tensor::of<float>({.25f, .75f})).classes;
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_FLOAT_EQ(classes[0].score, .75f);
  EXPECT_EQ(decode(*make_decoder("classify", {}, {{"class_offset", int64_t{-1}}}), Tensor::of<float>({.25f, .75f})).classes[0].class_index, 0);
}

TEST(Classify, KnowsHowManyClassesThereAre) {
  auto classes = [](Shape output, int64_t offset = 0) {
    return make_decoder("classify", testing::described({1, 3, 8, 8}, {{"out", DType::kFloat32, std::move(output)}}), {{"class_offset", offset}})->class_count();
  };
  EXPECT_EQ(classes({1, 1000}), 1000);
  EXPECT_EQ(classes({Shape::kUnknown, 1000, 1, 1}), 1000);
  EXPECT_EQ(classes({1, 1001}, -1), 1000);
  EXPECT_EQ(classes({10}), 10);
  EXPECT_EQ(classes({1, Shape::kUnknown}), 0);
  EXPECT_EQ(make_decoder("classify")->class_count(), 0);
}

TEST(Classify, FloatSixteenQuantizedAndNan) {
  Tensor half(DType::kFloat16, {1, 3, 1, 1});
  half.data<Float16>()[0] = {0x3c00};   // 1
  half.data<Float16>()[1] = {0x4000};   // 2
  half.data<Float16>()[2] = {0x7e00};   // NaN
  auto classes = decode(*make_decoder("classify"), half).classes;
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_EQ(classes[0].class_index, 1);
  EXPECT_EQ(decode(*make_decoder("classify"), Tensor::of<uint8_t>({7, 200, 199})).classes[0].class_index, 1);
}

TEST(Classify, RefusesWhatItCannotDecode) {
  auto decoder = make_decoder("classify");
  EXPECT_NE(error_of([&] { decode(*decoder, testing::filled({2, 10}, 0)); }).find("one frame is wanted"), std::string::npos);
  EXPECT_NE(error_of([&] { decoder->decode({}, {}); }).find("decodes one output"), std::string::npos);
  std::vector<NamedTensor> two = {{"a", testing::filled({1, 10}, 0)}, {"b", testing::filled({1, 3}, 0)}};
  EXPECT_NE(error_of([&] { decoder->decode(two, {}); }).find("a 1x10, b 1x3"), std::string::npos);
  EXPECT_EQ(make_decoder("classify", {}, {{"output", std::string("b")}})->decode(two, {}).classes.size(), 3u);
  EXPECT_NE(error_of([&] { make_decoder("classify", {}, {{"output", std::string("c")}})->decode(two, {}); }).find("output 'c'"), std::string::npos);
  EXPECT_NE(error_of([&] { make_decoder("classify", {}, {{"topk", int64_t{3}}}); }).find("did you mean 'top_k'?"), std::string::npos);
  EXPECT_NE(error_of([&] { make_decoder("classify", {}, {{"top_k", int64_t{0}}}); }).find("top_k is 0"), std::string::npos);
}

TEST(ClassId, TakesTheIdAndItsScore) {
  EXPECT_EQ(decode(*make_decoder("classid"), Tensor::of<int64_t>({3})).classes, (std::vector<ScoredClass>{{3, 1}}));
  EXPECT_EQ(decode(*make_decoder("classid"), Tensor::scalar<int32_t>(2)).classes[0].class_index, 2);
  EXPECT_EQ(decode(*make_decoder("classid"), Tensor::of<float>({4})).classes[0].class_index, 4);
  EXPECT_NE(error_of([&] { decode(*make_decoder("classid"), Tensor::of<float>({4.5f})); }).find("no class id"), std::string::npos);
  EXPECT_NE(error_of([&] { decode(*make_decoder("classid"), Tensor::of<int64_t>({4, 3})); }).find("one frame"), std::string::npos);
  std::vector<NamedTensor> top = {{"ids", Tensor::of<int64_t>({5, 1}).reshaped({1, 2})}, {"p", Tensor::of<float>({.7f, .2f}).reshaped({1, 2})}};
  auto decoder = make_decoder("classid", {}, {{"output", std::string("ids")}, {"scores", std::string("p")}});
  EXPECT_EQ(decoder->decode(top, {}).classes, (std::vector<ScoredClass>{{5, .7f}, {1, .2f}}));
}

TEST(Regression, ScaleAndOffset) {
  EXPECT_EQ(decode(*make_decoder("regression"), Tensor::of<float>({3}).reshaped({1, 1})).values, (std::vector<float>{3}));
  auto decoder = make_decoder("regression", {}, {{"scale", 2.0}, {"offset", int64_t{1}}});
  EXPECT_EQ(decode(*decoder, Tensor::of<float>({3, 4}).reshaped({1, 2})).values, (std::vector<float>{7, 9}));
  EXPECT_NE(error_of([&] { decode(*decoder, testing::filled({2, 1}, 0)); }).find("one frame"), std::string::npos);
}

}  // namespace
}  // namespace octet
