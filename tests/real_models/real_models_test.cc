// The float models of the field, with the scores that other engines gave them on the same frames (ONNX Runtime 1.30 and the
// decoders and metrics of this project): a wrong operator, preprocessing, decoder or metric shows here.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "frames/dataset.h"
#include "octet/runtime.h"
#include "tasks/task.h"

namespace octet {
namespace {

struct Case {
  const char* model;       // of the model file
  const char* recipe;      // bench/recipes/NAME.toml
  const char* data;        // below data/
  const char* labels;      // below data/, or empty
  const char* value;       // of the metric
  double score, tolerance;
  int frames = -1;
};

// For the list of tests.
void PrintTo(const Case& c, std::ostream* out) { *out << c.model << ' ' << c.value; }

const Case kCases[] = {
    {"yolox_nano", "yolox_nano", "coco_val100/images", "coco_val100/instances.json", "AP", .302, .006},
    {"fastestdet", "fastestdet", "coco_val100/images", "coco_val100/instances.json", "AP50", .325, .008},
    {"deimv2_atto", "deimv2_atto", "coco_val100/images", "coco_val100/instances.json", "AP", .286, .006},
    {"ultraface_rfb320", "ultraface_rfb320", "coco_faces51/images", "coco_faces51/faces.json", "AP30", .963, .005},
    {"yunet_320", "yunet_320", "coco_faces51/images", "coco_faces51/faces.json", "AP30", .970, .005},
    {"simplepose", "simplepose", "coco_val100/images", "coco_val100/person_keypoints.json", "OKS", .761, .008},
    {"mobilenetv2_imagenet", "mobilenetv2_imagenet224", "imagenet500/images", "imagenet500/labels.csv", "top1", .806, .006},
    {"resnet20_cifar10", "resnet20_cifar10", "cifar10_jpg2000/images", "cifar10_jpg2000/labels.csv", "top1", .8045, .004},
    {"tinycnn_cifar10", "tinycnn_cifar10", "cifar10_jpg2000/images", "cifar10_jpg2000/labels.csv", "top1", .717, .006},
    {"neu_steel_a", "neu_steel_a", "neu_steel180/images", "neu_steel180/labels.csv", "top1", .875, .01},
    {"neu_steel_b", "neu_steel_b", "neu_steel180/images", "neu_steel180/labels.csv", "top1", .928, .006},
    {"pcb_simple", "pcb", "pcb_patches/deeppcb_test_patches.npz", "", "top1", .924, .004},
    {"vit_mnist", "vit_mnist", "mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz", "top1", .98, .01, 2000},
    {"mnist_cnn", "mnist_cnn", "mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz", "top1", .985, .01, 2000},
    {"turbofan_lstm", "turbofan_lstm", "turbofan/fd001_test_last30_x.npy", "turbofan/fd001_test_rul_y.npy", "RMSE", 30.5, .1},
    {"gesture_lstm", "gesture_lstm", "hand_gesture/point_history.csv", "", "top1", .980, .001},
};

std::string shared_folder() {
  if (const char* folder = std::getenv("OCTET_SHARED")) return folder;
  return OCTET_SOURCE_DIR "/../shared";
}

std::string file_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<InputDescription> descriptions(const std::vector<TensorInfo>& infos) {
  std::vector<InputDescription> out;
  for (const TensorInfo& info : infos) out.push_back({info.name, info.dtype, info.shape});
  return out;
}

class RealModels : public ::testing::TestWithParam<Case> {};

TEST_P(RealModels, Score) {
  const Case& c = GetParam();
  std::string model_path = shared_folder() + "/models/" + c.model + ".onnx";
  if (!std::filesystem::exists(model_path)) GTEST_SKIP() << "there is no " << model_path << "; set OCTET_SHARED to the folder with models/ and data/";
  std::string recipe = std::string(OCTET_SOURCE_DIR "/bench/recipes/") + c.recipe + ".toml";
  const std::string_view others[] = {"quantize"};
  PipelineConfig config = parse_pipeline(file_text(recipe), recipe, others);

  Session session = Session::open(model_path);
  ModelDescription description{descriptions(session.inputs()), descriptions(session.outputs())};
  FrameOptions options;
  options.data = shared_folder() + "/data/" + c.data;
  if (*c.labels) options.labels = shared_folder() + "/data/" + c.labels;
  options.frames = c.frames;
  auto source = open_frames(options, config, description.inputs);
  auto task = make_task(config.task, description, source->names());
  ASSERT_NE(task, nullptr);
  auto metric = task->make_metric();

  Frame frame;
  std::vector<Tensor> inputs;
  std::vector<NamedTensor> outputs;
  auto start = std::chrono::steady_clock::now();
  while (source->next(frame)) {
    inputs.clear();
    for (const NamedTensor& input : frame.inputs) inputs.push_back(input.tensor);
    const std::vector<Tensor>& results = session.run(inputs);
    outputs.clear();
    for (size_t i = 0; i < results.size(); ++i) outputs.push_back({description.outputs[i].name, results[i]});
    ASSERT_NE(frame.truth, nullptr) << frame.id;
    metric->add(task->decode(outputs, frame.geometry), *frame.truth);
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double score = NAN;
  for (const MetricValue& value : metric->values()) {
    printf("  %s %.4f", value.name.c_str(), value.value);
    if (value.name == c.value) score = value.value;
  }
  printf("  %lld frames, %.1f ms each\n", static_cast<long long>(metric->frames()), seconds * 1000 / static_cast<double>(std::max<int64_t>(1, metric->frames())));
  EXPECT_NEAR(score, c.score, c.tolerance) << c.value;
}

INSTANTIATE_TEST_SUITE_P(Float, RealModels, ::testing::ValuesIn(kCases), [](const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.model) + "_" + info.param.value;
});

}  // namespace
}  // namespace octet
