#include "base/npy.h"
#include "frames/dataset_testing.h"

namespace octet {
namespace {

using namespace testing_frames;

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

}  // namespace
}  // namespace octet
