#include "frames/pipeline_config.h"

#include <gtest/gtest.h>

#include <functional>

#include "octet/error.h"

namespace octet {
namespace {

constexpr const char* kDetector = R"(
[preprocess]
resize = "letterbox"
size = [416, 320]
anchor = "top_left"
pad = 114
color = "bgr"
scale = "1/255"
mean = [0.485, 0.456, 0.406]
std = 0.5

[inputs.orig_target_sizes]
kind = "source_size"
[inputs."mask:0"]
kind = "zeros"
shape = [1, 360]

[labels]
kind = "coco"
classes = ["a \"quoted\" class", "naïve"]

[task]
kind = "yolox"
strides = [8, 16, 32]
nms = 0.65
classes = 80
activated = true
names = ["a", "b"]
mode = "fast"
)";

// The message of the Error that parsing the text throws.
std::string message_of(const std::string& toml) {
  try {
    parse_pipeline(toml, "recipe.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.file(), "recipe.toml");
    return error.what();
  }
  return "";
}

TEST(PipelineConfig, ReadsEveryTable) {
  PipelineConfig config = parse_pipeline(kDetector, "recipe.toml");
  ASSERT_TRUE(config.preprocess);
  EXPECT_EQ(config.preprocess->resize, ResizeMode::kLetterbox);
  EXPECT_EQ(config.preprocess->width, 416);
  EXPECT_EQ(config.preprocess->height, 320);
  EXPECT_FALSE(config.preprocess->anchor_center);
  EXPECT_EQ(config.preprocess->pad, 114);
  EXPECT_EQ(config.preprocess->color, ColorOrder::kBgr);
  EXPECT_EQ(config.preprocess->scale, 1.0 / 255);
  EXPECT_EQ(config.preprocess->mean.size(), 3u);
  EXPECT_EQ(config.preprocess->std, std::vector<double>{0.5});
  ASSERT_EQ(config.inputs.size(), 2u);
  ASSERT_TRUE(config.find_input("mask:0"));
  EXPECT_EQ(config.find_input("mask:0")->kind, InputKind::kZeros);
  EXPECT_EQ(config.find_input("mask:0")->shape, (std::vector<int64_t>{1, 360}));
  EXPECT_EQ(config.find_input("orig_target_sizes")->kind, InputKind::kSourceSize);
  EXPECT_EQ(config.labels.kind, LabelKind::kCoco);
  EXPECT_EQ(config.task.kind, "yolox");

  ParameterReader reader(config.task);
  EXPECT_EQ(reader.numbers("strides", {}), (std::vector<double>{8, 16, 32}));
  EXPECT_EQ(reader.number("nms", 0), 0.65);
  EXPECT_EQ(reader.number("classes", 0), 80);
  EXPECT_TRUE(reader.flag("activated", false));
  EXPECT_EQ(reader.words("names", {}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(reader.integer("top", 7), 7);
  EXPECT_THROW(reader.finish(), Error);
  EXPECT_EQ(reader.word("mode", ""), "fast");
  reader.finish();
}

TEST(PipelineConfig, CanonicalTextReadsBackEqual) {
  std::string once = pipeline_to_toml(parse_pipeline(kDetector, "recipe.toml"));
  std::string twice = pipeline_to_toml(parse_pipeline(once, "metadata"));
  EXPECT_EQ(once, twice);
  EXPECT_NE(once.find("scale = 0.00392156862745098"), std::string::npos) << once;
  EXPECT_NE(once.find("[inputs.\"mask:0\"]"), std::string::npos) << once;
  EXPECT_EQ(parse_pipeline(once, "metadata").labels.classes, (std::vector<std::string>{"a \"quoted\" class", "naïve"}));
}

TEST(PipelineConfig, NothingIsEmpty) {
  EXPECT_TRUE(parse_pipeline("", "recipe.toml").is_empty());
  EXPECT_EQ(pipeline_to_toml(PipelineConfig()), "");
}

TEST(PipelineConfig, SuggestsTheNearestKey) {
  EXPECT_NE(message_of("[preproces]\n").find("did you mean 'preprocess'?"), std::string::npos);
  EXPECT_NE(message_of("[preprocess]\nresise = \"none\"\n").find("did you mean 'resize'?"), std::string::npos);
  EXPECT_NE(message_of("[preprocess]\nresize = \"leterbox\"\n").find("did you mean 'letterbox'?"), std::string::npos);
  EXPECT_NE(message_of("[task]\nkind = 8\n").find("a text in quotes is wanted"), std::string::npos);
  EXPECT_NE(message_of("[preprocess]\n\ncolour = \"rgb\"").find("line 3: preprocess.colour"), std::string::npos);
}

TEST(PipelineConfig, RefusesWhatMakesNoSense) {
  for (const char* body :
       {"size = [1, 2, 3]", "size = 0", "size = 2.5", "size = \"big\"", "pad = 300", "std = [1, 0, 1]", "mean = [1, 2]",
        "scale = \"1/0\"", "scale = nan", "resize = 3", "layout = \"chw\"", "box_scale = 0", "anchor = \"left\""})
    EXPECT_NE(message_of(std::string("[preprocess]\n") + body + "\n").find("line 2: preprocess."), std::string::npos)
        << body;
  EXPECT_NE(message_of("preprocess = 3").find("a table is wanted"), std::string::npos);
  EXPECT_NE(message_of("[inputs]\nx = 3").find("a table is wanted"), std::string::npos);
  EXPECT_NE(message_of("[inputs.x]\n").find("kind is missing"), std::string::npos);
  EXPECT_NE(message_of("[inputs.x]\nkind = \"constant\"").find("needs a value"), std::string::npos);
  EXPECT_NE(message_of("[inputs.x]\nkind = \"zeros\"\nvalue = 1").find("no such key"), std::string::npos);
  EXPECT_NE(message_of("[task]\nkind = 1").find("text in quotes"), std::string::npos);
  EXPECT_NE(message_of("[task]\nkind = \"x\"\nx = {a = 1}").find("is wanted"), std::string::npos);
  EXPECT_NE(message_of("[labels]\nclasses = [1]").find("array of texts"), std::string::npos);
  EXPECT_NE(message_of("[preprocess\n").find("not valid TOML"), std::string::npos);
}

TEST(PipelineConfig, LeavesOtherTablesToTheirReaders) {
  constexpr std::string_view kOthers[] = {"quantize", "layers"};
  EXPECT_NO_THROW(parse_pipeline("[quantize]\nmethod = \"static\"\n", "r.toml", kOthers));
  EXPECT_THROW(parse_pipeline("[quantise]\nmethod = \"static\"\n", "r.toml", kOthers), Error);
}

TEST(ParameterReader, RefusesWrongTypes) {
  TaskConfig task{"yolox", {{"nms", std::string("high")}, {"kind_of", std::string("x")}}};
  ParameterReader reader(task);
  EXPECT_THROW(reader.number("nms", 0), Error);
  EXPECT_THROW(reader.integer("nms", 0), Error);
  EXPECT_THROW(reader.flag("nms", true), Error);
  EXPECT_THROW(reader.numbers("nms", {}), Error);
  EXPECT_THROW(reader.words("nms", {}), Error);
  constexpr std::string_view kAllowed[] = {"y", "z"};
  EXPECT_THROW(reader.word("kind_of", "y", kAllowed), Error);
}

// Truncated and damaged text must end in an Error or a configuration, never in anything else.
TEST(PipelineConfig, SurvivesDamage) {
  std::string original = kDetector;
  uint32_t state = 1;
  for (size_t length = 0; length < original.size(); ++length) {
    std::string damaged = original.substr(0, length);
    for (int i = 0; i < 3 && !damaged.empty(); ++i) {
      state = state * 1664525 + 1013904223;
      damaged[state % damaged.size()] ^= static_cast<char>(1 << (state >> 29));
    }
    try {
      pipeline_to_toml(parse_pipeline(damaged, "damaged"));
    } catch (const Error&) {
    }
  }
  std::string deep = "a";
  for (int i = 0; i < 100000; ++i) deep += ".a";
  EXPECT_THROW(parse_pipeline(deep + " = 1\n", "deep"), Error);
  EXPECT_THROW(parse_pipeline("a = " + std::string(100000, '['), "deep"), Error);
  EXPECT_THROW(parse_pipeline(std::string(2 << 20, '\n'), "large"), Error);
}

}  // namespace
}  // namespace octet
