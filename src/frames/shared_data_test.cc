// Data sets and recipes that the project works with.
#include "frames/dataset_testing.h"

namespace octet {
namespace {

using namespace testing_frames;

// The data sets of the benchmarks load whole, with their labels.
TEST(SharedData, Loads) {
  std::string root = shared_data();
  if (root.empty()) GTEST_SKIP() << "the shared data sets are not here; set OCTET_SHARED to their folder";
  auto check = [&](const std::string& path, const std::string& labels, const std::string& toml, InputDescription input,
                   int64_t count) {
    SCOPED_TRACE(path);
    auto source = open(from(root + "/" + path, labels.empty() || labels == "none" ? labels : root + "/" + labels),
                       parse_pipeline(toml, "test"), {input});
    EXPECT_EQ(source->count(), count);
    if (labels != "none") {
      EXPECT_TRUE(source->has_labels());
      EXPECT_TRUE(source->at(count - 1).truth != nullptr);
    }
    return source;
  };
  const InputDescription rgb{"x", DType::kFloat32, {1, 3, 32, 32}}, gray{"x", DType::kFloat32, {1, 1, 28, 28}};
  const std::string color = "[preprocess]\n", mono = "[preprocess]\ncolor = \"gray\"\n";
  auto coco = check("coco_val100/images", "coco_val100/instances.json", color, rgb, 102);
  size_t boxes = 0;
  for (int64_t i = 0; i < coco->count(); ++i) boxes += coco->at(i).truth->boxes.size();
  EXPECT_EQ(boxes, 791u);
  EXPECT_EQ(coco->names().classes.size(), 80u);
  check("coco_val100/images", "coco_val100/person_keypoints.json", color + "resize = \"box\"\n", rgb, 60);
  check("coco_train48/images", "coco_train48/labels", color, rgb, 48);
  check("coco_faces51/images", "coco_faces51/faces.json", color, rgb, 51);
  check("cifar10_jpg2000/images", "", color, rgb, 2000);
  check("imagenet500/images[100:]", "", color, rgb, 400);
  check("neu_steel180/images", "", mono, gray, 180);
  check("neu_steel180/calib", "none", mono, gray, 120);
  check("mnist/t10k-images-idx3-ubyte.gz", "", mono, gray, 10000);
  check("mnist", "", mono, gray, 10000);
  check("pcb_patches/deeppcb_test_patches.npz", "", mono + "[inputs.x]\nkind = \"picture\"\n[labels]\narray = \"y\"\n",
        gray, 1720);
  check("turbofan/fd001_train_windows_x.npy", "turbofan/fd001_train_windows_y.npy", "",
        {"x", DType::kFloat32, {-1, 30, 17}}, 2582);
  check("hand_gesture/point_history.csv", "", "[labels]\nkind = \"column\"\n", {"x", DType::kFloat32, {-1, 32}}, 5296);
}

// Every shipped recipe parses and reads back as the same.
TEST(ShippedRecipes, Parse) {
  int recipes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(OCTET_SOURCE_DIR) + "/bench/recipes")) {
    if (entry.path().extension() != ".toml") continue;
    SCOPED_TRACE(entry.path().string());
    std::ifstream in(entry.path());
    std::string text{std::istreambuf_iterator<char>(in), {}};
    constexpr std::string_view kOthers[] = {"quantize", "layers", "operators"};
    std::string canonical = pipeline_to_toml(parse_pipeline(text, entry.path().string(), kOthers));
    EXPECT_EQ(canonical, pipeline_to_toml(parse_pipeline(canonical, "canonical")));
    ++recipes;
  }
  EXPECT_GE(recipes, 18);
}

}  // namespace
}  // namespace octet
