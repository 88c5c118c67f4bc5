#include "frames/dataset.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <set>

#include "base/npy.h"
#include "frames/testing.h"

namespace octet {
namespace {

using testing_frames::expect_contains;
using testing_frames::Folder;
using testing_frames::message_of;

const InputDescription kPicture{"images", DType::kFloat32, {1, 3, 6, 8}};

PipelineConfig pictures() {
  PipelineConfig config;
  config.preprocess.emplace();
  return config;
}

FrameOptions from(const std::string& path, const std::string& labels = "") {
  FrameOptions options;
  options.data = path;
  options.labels = labels;
  return options;
}

std::unique_ptr<FrameSource> open(const FrameOptions& options, const PipelineConfig& config = pictures(),
                                  std::vector<InputDescription> inputs = {kPicture}) {
  return open_frames(options, config, inputs);
}

std::vector<std::string> ids_of(FrameSource& source) {
  std::vector<std::string> ids;
  Frame frame;
  while (source.next(frame)) ids.push_back(frame.id);
  return ids;
}

using Ids = std::vector<std::string>;

TEST(PictureFrames, ComeInOrderWithSlices) {
  Folder folder;
  folder.picture("b.png", 8, 6, 20);
  folder.picture("a/z.jpg", 16, 12);
  folder.picture("c.bmp");
  folder.text("notes.txt", "no picture");
  auto source = open(from(folder.path()));
  EXPECT_EQ(source->count(), 3);
  EXPECT_FALSE(source->has_labels());
  EXPECT_EQ(ids_of(*source), (Ids{"a/z.jpg", "b.png", "c.bmp"}));
  Frame frame;
  EXPECT_FALSE(source->next(frame));
  source->reset();
  ASSERT_TRUE(source->next(frame));
  EXPECT_EQ(frame.id, "a/z.jpg");
  EXPECT_EQ(frame.geometry.source_width, 16);
  ASSERT_EQ(frame.inputs.size(), 1u);
  EXPECT_EQ(frame.inputs[0].name, "images");
  EXPECT_EQ(frame.inputs[0].tensor.shape(), (Shape{1, 3, 6, 8}));
  EXPECT_EQ(source->at(1).inputs[0].tensor.data<float>()[0], 22);   // red
  EXPECT_EQ(source->at(1).picture, nullptr);
  EXPECT_THROW(source->at(3), Error);
  EXPECT_EQ(ids_of(*open(from(folder.path() + "[1:]"))), (Ids{"b.png", "c.bmp"}));
  EXPECT_EQ(ids_of(*open(from(folder.path() + "[:1]"))), (Ids{"a/z.jpg"}));
  EXPECT_EQ(ids_of(*open(from(folder.path() + "[-1:]"))), (Ids{"c.bmp"}));
  EXPECT_EQ(ids_of(*open(from(folder.path("b.png")))), (Ids{"b.png"}));
  FrameOptions two = from(folder.path());
  two.frames = 2;
  two.keep_picture = true;
  auto limited = open(two);
  EXPECT_EQ(limited->count(), 2);
  ASSERT_TRUE(limited->next(frame));
  ASSERT_TRUE(frame.picture);
  EXPECT_EQ(frame.picture->cols, 16);
}

TEST(PictureFrames, AreShuffledBySeed) {
  Folder folder;
  for (int i = 0; i < 20; ++i) folder.picture(std::to_string(100 + i) + ".png");
  FrameOptions options = from(folder.path());
  options.shuffle_seed = 3;
  options.frames = 10;
  Ids first = ids_of(*open(options)), again = ids_of(*open(options));
  EXPECT_EQ(first, again);
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), 10u);
  options.shuffle_seed = 4;
  EXPECT_NE(ids_of(*open(options)), first);
}

TEST(PictureFrames, AreMadeAheadByAThread) {
  Folder folder;
  for (int i = 0; i < 9; ++i) folder.picture(std::to_string(i) + ".png", 8, 6, i);
  FrameOptions options = from(folder.path());
  options.prefetch = 3;
  auto source = open(options);
  EXPECT_EQ(ids_of(*source).size(), 9u);
  source->reset();
  Frame frame;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(source->next(frame));
  EXPECT_EQ(frame.inputs[0].tensor.data<float>()[0], 3 + 2);
  source->reset();   // while the thread is ahead
  ASSERT_TRUE(source->next(frame));
  EXPECT_EQ(frame.id, "0.png");
  folder.text("4.png", "damaged");
  source->reset();
  int good = 0;
  expect_contains(message_of([&] {
    while (source->next(frame)) ++good;
  }), "4.png: the picture cannot be read");
  EXPECT_EQ(good, 4);
}

TEST(PictureFrames, SayWhatIsWrong) {
  Folder folder;
  expect_contains(message_of([&] { open(from(folder.path())); }), "the folder holds no frames");
  expect_contains(message_of([&] { open(from(folder.path("absent"))); }), "absent: there is no such");
  expect_contains(message_of([&] { open(from(folder.text("x.docx", "?"))); }), "form that is known");
  folder.picture("a.png");
  expect_contains(message_of([&] { open(from(folder.path() + "[5:]")); }), "there are 1");
  expect_contains(message_of([&] { open(from(folder.path() + "[x]")); }), "no slice");
  expect_contains(message_of([&] { open(from(folder.path()), PipelineConfig())->at(0); }), "[preprocess]");
  folder.text("b.png", "this is no picture");
  expect_contains(message_of([&] { open(from(folder.path()))->at(1); }), "b.png: the picture cannot be read");
}

TEST(PictureFrames, HaveLabels) {
  Folder folder;
  folder.picture("images/a.png");
  folder.picture("images/b.png");
  folder.text("labels.csv", "file,class_index\na.png,4\nb.png,2\n");
  auto source = open(from(folder.path("images")));   // found beside the folder
  EXPECT_EQ(source->label_kind(), LabelKind::kCsv);
  EXPECT_EQ(source->at(1).truth->class_index, 2);
  EXPECT_FALSE(open(from(folder.path("images"), "none"))->has_labels());
  folder.picture("images/c.png");
  folder.picture("images/d.png");
  std::string message = message_of([&] { open(from(folder.path("images"))); });
  expect_contains(message,
                  "labels.csv: 'c.png' has no label (nor have 1 others); 2 pictures are labelled, 4 are given");
  EXPECT_EQ(open(from(folder.path("images") + "[:2]"))->count(), 2);   // only what is asked for must be labelled
}

TEST(PictureFrames, HaveYoloAndCocoBoxes) {
  Folder folder;
  folder.picture("images/a.png", 40, 20);
  folder.text("labels/a.txt", "3 0.5 0.5 0.5 0.5\n");
  auto yolo = open(from(folder.path("images"), folder.path("labels")));
  Frame frame = yolo->at(0);
  ASSERT_TRUE(frame.truth->has_boxes);
  EXPECT_EQ(frame.truth->boxes[0].x1, 10);
  EXPECT_EQ(frame.truth->boxes[0].y2, 15);
  EXPECT_EQ(frame.truth->boxes[0].area, 200);
  folder.text("boxes.json", R"({"images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 40}],
    "categories": [{"id": 1, "name": "x"}], "annotations": []})");
  expect_contains(message_of([&] { open(from(folder.path("images"), folder.path("boxes.json")))->at(0); }),
                  "20 x 40, this one is 40 x 20");
}

TEST(PictureFrames, AreCutOutByBoxes) {
  Folder folder;
  folder.picture("a.png", 40, 40);
  folder.picture("b.png", 40, 40);
  folder.text("k.json", R"({"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "person"}],
    "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10], "keypoints": [5, 5, 2]},
                    {"image_id": 1, "category_id": 1, "bbox": [9, 9, 10, 10], "keypoints": [0, 0, 0]},
                    {"image_id": 1, "category_id": 1, "bbox": [20, 20, 10, 10], "keypoints": [25, 25, 1]}]})");
  PipelineConfig config = pictures();
  config.preprocess->resize = ResizeMode::kBox;
  auto source = open(from(folder.path(), folder.path("k.json")), config);
  ASSERT_EQ(source->count(), 2);   // the second object has no labelled point, the second picture no object
  Frame frame = source->at(1);
  EXPECT_EQ(frame.id, "a.png#2");
  ASSERT_EQ(frame.truth->objects.size(), 1u);
  EXPECT_EQ(frame.truth->objects[0].points[0].x, 25);
  EXPECT_NEAR(frame.geometry.to_source_x(4), 25, 1e-9);
  EXPECT_EQ(open(from(folder.path()), config)->count(), 2);   // unlabelled: whole pictures
  EXPECT_NEAR(open(from(folder.path()), config)->at(0).geometry.to_source_x(4), 20, 1e-9);
}

TEST(VideoFrames, AreDecodedOneByOne) {
  Folder folder;
  std::string path = folder.path("clip.avi");
  {
    cv::VideoWriter writer(path, cv::CAP_OPENCV_MJPEG, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 10,
                           cv::Size(32, 16));
    if (!writer.isOpened()) GTEST_SKIP() << "this OpenCV writes no MJPG";
    for (int i = 0; i < 5; ++i) writer.write(cv::Mat(16, 32, CV_8UC3, cv::Scalar::all(40 * i + 10)));
  }
  auto source = open(from(path));
  EXPECT_EQ(source->count(), -1);
  EXPECT_EQ(ids_of(*source), (Ids{"clip.avi#0", "clip.avi#1", "clip.avi#2", "clip.avi#3", "clip.avi#4"}));
  source->reset();
  Frame frame;
  ASSERT_TRUE(source->next(frame));
  EXPECT_NEAR(frame.inputs[0].tensor.data<float>()[0], 10, 3);
  EXPECT_EQ(frame.geometry.source_width, 32);
  auto part = open(from(path + "[2:4]"));
  ASSERT_TRUE(part->next(frame));
  EXPECT_EQ(frame.id, "clip.avi#2");
  EXPECT_NEAR(frame.inputs[0].tensor.data<float>()[0], 90, 3);
  EXPECT_EQ(ids_of(*part), (Ids{"clip.avi#3"}));
  EXPECT_THROW(part->at(0), Error);
  EXPECT_EQ(ids_of(*open(from(path + "[-2:]"))), (Ids{"clip.avi#3", "clip.avi#4"}));
  FrameOptions sample = from(path);   // a sample of a video comes in its order, so that it is decoded once
  sample.shuffle_seed = 1;
  sample.frames = 3;
  auto sampled = open(sample);
  EXPECT_EQ(sampled->count(), 3);
  Ids ids = ids_of(*sampled);
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(sampled->at(0).id, ids[0]);
  expect_contains(message_of([&] { open(from(folder.text("broken.avi", "RIFFnothing"))); }),
                  "the video cannot be opened");
}

TEST(CameraFrames, NameTheCameraThatIsAbsent) {
  expect_contains(message_of([] { open(from("/dev/video97")); }), "/dev/video97: the camera cannot be opened");
  expect_contains(message_of([] { open(from("camera:97")); }), "camera:97: the camera cannot be opened");
}

const InputDescription kRow{"x", DType::kFloat32, {Shape::kUnknown, 2, 3}};

Tensor counting(Shape shape) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  for (int64_t i = 0; i < tensor.elements(); ++i) tensor.data<float>()[i] = static_cast<float>(i);
  return tensor;
}

TEST(ArrayFrames, CountAlongAxisZero) {
  Folder folder;
  write_npy(folder.path("x.npy"), counting({4, 2, 3}));
  auto source = open(from(folder.path("x.npy")), {}, {kRow});
  ASSERT_EQ(source->count(), 4);
  Frame frame = source->at(2);
  EXPECT_EQ(frame.id, "x.npy#2");
  EXPECT_EQ(frame.inputs[0].tensor.shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(frame.inputs[0].tensor.data<float>()[0], 12);
  write_npy(folder.path("one.npy"), counting({2, 3}));
  EXPECT_EQ(open(from(folder.path("one.npy")), {}, {kRow})->count(), 1);
  write_npy(folder.path("y.npy"), Tensor::of<float>({1, 2, 3}));
  expect_contains(message_of([&] { open(from(folder.path("x.npy"), folder.path("y.npy")), {}, {kRow}); }),
                  "3 labels for 4 frames");
  write_npy(folder.path("y.npy"), Tensor::of<float>({1, 2, 3, 4}));
  EXPECT_EQ(open(from(folder.path("x.npy") + "[1:]", folder.path("y.npy")), {}, {kRow})->at(0).truth->targets[0], 2);
  write_npy(folder.path("wrong.npy"), counting({4, 3, 2}));
  expect_contains(message_of([&] { open(from(folder.path("wrong.npy")), {}, {kRow})->at(0); }),
                  "gives an array of shape 3x2, the input 'x' wants ?x2x3");
  write_npy(folder.path("bytes.npy"), Tensor::from<uint8_t>({1, 2, 3}, std::vector<uint8_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(open(from(folder.path("bytes.npy")), {}, {kRow})->at(0).inputs[0].tensor.data<float>()[5], 6);
}

TEST(ArrayFrames, FillSeveralNamedInputs) {
  Folder folder;
  InputDescription size{"size", DType::kInt64, {Shape::kUnknown, 2}};
  write_npz(folder.path("both.npz"),
            {{"size", Tensor::from<int64_t>({2, 2}, std::vector<int64_t>{1, 2, 3, 4})}, {"x", counting({2, 2, 3})}});
  auto source = open(from(folder.path("both.npz")), {}, {kRow, size});
  ASSERT_EQ(source->count(), 2);
  Frame frame = source->at(1);
  EXPECT_EQ(frame.inputs[0].tensor.data<float>()[0], 6);
  EXPECT_EQ(frame.inputs[1].tensor.data<int64_t>()[0], 3);
  write_npz(folder.path("uneven.npz"),
            {{"size", Tensor::from<int64_t>({1, 2}, std::vector<int64_t>{1, 2})}, {"x", counting({2, 2, 3})}});
  expect_contains(message_of([&] {
                    open(from(folder.path("uneven.npz")), {}, {kRow, size});
                  }),
                  "same number of frames");
}

TEST(ArrayFrames, ComeAsFoldersOfNpz) {
  Folder folder;
  folder.text("f/keep", "");
  InputDescription size{"size", DType::kInt64, {1, 2}};
  for (int i = 0; i < 3; ++i)
    write_npz(folder.path("f/" + std::to_string(i) + ".npz"),
              {{"x", counting({2, 3})}, {"size", Tensor::of<int64_t>({i, i})}});
  auto source = open(from(folder.path("f")), {}, {kRow, size});
  ASSERT_EQ(source->count(), 3);
  EXPECT_EQ(source->at(2).inputs[1].tensor.data<int64_t>()[0], 2);
  EXPECT_EQ(source->at(2).inputs[1].tensor.shape(), (Shape{1, 2}));
  expect_contains(message_of([&] {
                    open(from(folder.path("f")), {}, {kRow, size, {"mask", DType::kFloat32, {1}}})->at(0);
                  }),
                  "nothing fills the model's input 'mask'");
}

TEST(ArrayFrames, OfBytesArePicturesWhereTheRecipeSaysSo) {
  Folder folder;
  std::vector<uint8_t> pixels(2 * 6 * 8 * 3);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i % 3 == 0 ? 200 : i % 3);
  write_npy(folder.path("hwc.npy"), Tensor::from<uint8_t>({2, 6, 8, 3}, pixels));
  Frame frame = open(from(folder.path("hwc.npy")))->at(1);
  EXPECT_EQ(frame.inputs[0].tensor.data<float>()[0], 200);         // red plane first
  EXPECT_EQ(frame.inputs[0].tensor.data<float>()[6 * 8], 1);
  EXPECT_EQ(frame.geometry.source_width, 8);
  PipelineConfig gray = pictures();
  gray.preprocess->color = ColorOrder::kGray;
  gray.inputs.push_back({"images", InputKind::kPicture, "x", false, {}, {}});
  gray.labels.array = "y";
  write_npz(folder.path("xy.npz"), {{"x", Tensor::from<uint8_t>({3, 6, 8}, std::span(pixels).first(144))},
                                    {"y", Tensor::of<int64_t>({5, 6, 7})}});
  auto source = open(from(folder.path("xy.npz")), gray, {{"images", DType::kFloat32, {1, 1, 6, 8}}});
  ASSERT_EQ(source->count(), 3);
  EXPECT_EQ(source->at(2).truth->class_index, 7);
  // Floats are taken as prepared.
  write_npy(folder.path("ready.npy"), counting({2, 3, 6, 8}));
  EXPECT_EQ(open(from(folder.path("ready.npy")))->at(1).inputs[0].tensor.data<float>()[0], 144);
}

TEST(ExtraInputs, AreComputed) {
  Folder folder;
  folder.picture("a.png", 40, 20);
  PipelineConfig config = pictures();
  config.inputs = {{"size", InputKind::kSourceSize, "", false, {}, {}},
                   {"hw", InputKind::kInputSize, "", true, {}, {}},
                   {"mask", InputKind::kOnes, "", false, {}, {2, 5}},
                   {"threshold", InputKind::kConstant, "", false, {0.5}, {}}};
  std::vector<InputDescription> inputs = {{"threshold", DType::kFloat32, {}},
                                          {"size", DType::kInt64, {-1, 2}},
                                          kPicture,
                                          {"hw", DType::kFloat32, {2}},
                                          {"mask", DType::kBool, {-1, -1}}};
  Frame frame = open(from(folder.path()), config, inputs)->at(0);
  ASSERT_EQ(frame.inputs.size(), 5u);
  EXPECT_EQ(frame.inputs[0].tensor.data<float>()[0], 0.5f);
  EXPECT_EQ(frame.inputs[0].tensor.shape(), Shape{});
  EXPECT_EQ(frame.inputs[1].tensor.shape(), (Shape{1, 2}));
  EXPECT_EQ(frame.inputs[1].tensor.data<int64_t>()[0], 40);
  EXPECT_EQ(frame.inputs[1].tensor.data<int64_t>()[1], 20);
  EXPECT_EQ(frame.inputs[2].tensor.shape(), (Shape{1, 3, 6, 8}));
  EXPECT_EQ(frame.inputs[3].tensor.data<float>()[0], 6);
  EXPECT_EQ(frame.inputs[4].tensor.shape(), (Shape{2, 5}));
  EXPECT_TRUE(frame.inputs[4].tensor.data<bool>()[9]);
  config.inputs[2].shape.clear();
  expect_contains(message_of([&] { open(from(folder.path()), config, inputs); }), "write shape = ");
  config.inputs[2].name = "masc";
  expect_contains(message_of([&] { open(from(folder.path()), config, inputs); }), "did you mean 'mask'?");
}

TEST(CsvFrames, LeaveTheLabelOut) {
  Folder folder;
  PipelineConfig config;
  config.labels.kind = LabelKind::kColumn;
  std::string path = folder.text("rows.csv", "3,0.5,1\n4,1.5,2\n");
  auto source = open(from(path), config, {{"x", DType::kFloat32, {-1, 2}}});
  ASSERT_EQ(source->count(), 2);
  Frame frame = source->at(1);
  EXPECT_EQ(frame.truth->class_index, 4);
  EXPECT_EQ(frame.inputs[0].tensor.shape(), (Shape{1, 2}));
  EXPECT_EQ(frame.inputs[0].tensor.data<float>()[0], 1.5f);
  folder.text("rows.csv", "1,2,3\n4,5\n");
  expect_contains(message_of([&] { open(from(path), {}, {kRow}); }), "line 2 has 2 values");
  folder.text("rows.csv", "1,2\n4,x\n");
  expect_contains(message_of([&] { open(from(path), {}, {kRow}); }), "line 2: numbers are wanted");
}

// The data sets of the benchmarks load whole, with their labels.
TEST(SharedData, Loads) {
  std::string root = testing_frames::shared_data();
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
