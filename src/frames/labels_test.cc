#include "frames/labels.h"

#include <limits>

#include "base/npy.h"
#include "frames/convert.h"
#include "frames/idx.h"
#include "frames/testing.h"

namespace octet {
namespace {

using testing_frames::expect_contains;
using testing_frames::Folder;
using testing_frames::message_of;

LabelSet read(const std::string& path, LabelsConfig config = {}, LabelContext context = {}) {
  return read_labels(config, path, context);
}

TEST(CsvLabels, ReadsHeadersNumbersAndNames) {
  Folder folder;
  LabelSet set = read(folder.text("a.csv",
                                  "\xEF\xBB\xBF"
                                  "file,class_index,class\r\na/x.png,1,cat\r\n\"b,c.png\",0,dog\r\n\r\n"));
  EXPECT_EQ(set.kind, LabelKind::kCsv);
  EXPECT_EQ(set.size(), 2u);
  EXPECT_EQ(set.find("a/x.png")->class_index, 1);
  EXPECT_EQ(set.find("elsewhere/x.png")->class_index, 1);   // by file name
  EXPECT_EQ(set.find("b,c.png")->class_index, 0);
  EXPECT_EQ(set.find("d.png"), nullptr);
  EXPECT_EQ(set.names.classes, (std::vector<std::string>{"dog", "cat"}));

  LabelSet bare = read(folder.text("b.csv", "x.png,7\ny.png,9\n"));
  EXPECT_EQ(bare.find("y.png")->class_index, 9);

  LabelSet named = read(folder.text("c.csv", "image,label\nx.png,tulip\ny.png,rose\nz.png,tulip\n"));
  EXPECT_EQ(named.names.classes, (std::vector<std::string>{"rose", "tulip"}));
  EXPECT_EQ(named.find("z.png")->class_index, 1);

  LabelsConfig config;
  config.classes = {"tulip", "rose"};
  EXPECT_EQ(read(folder.path("c.csv"), config).find("z.png")->class_index, 0);
  config.classes = {"tulips", "roses"};
  expect_contains(message_of([&] { read(folder.path("c.csv"), config); }), "did you mean 'tulips'?");
}

TEST(CsvLabels, TwoPicturesOfOneNameNeedTheirFolders) {
  Folder folder;
  LabelSet set = read(folder.text("a.csv", "a/x.png,1\nb/x.png,2\n"));
  EXPECT_EQ(set.find("b/x.png")->class_index, 2);
  EXPECT_EQ(set.find("c/x.png"), nullptr);
  EXPECT_EQ(set.find("./a//x.png")->class_index, 1);
}

TEST(CsvLabels, NamesTheBadLine) {
  Folder folder;
  expect_contains(message_of([&] { read(folder.text("a.csv", "file,class_index\nx.png\n")); }), "line 2");
  expect_contains(message_of([&] { read(folder.text("b.csv", "file,class_index\nx.png,-4\n")); }), "line 2");
  expect_contains(message_of([&] { read(folder.text("c.csv", "")); }), "empty");
  expect_contains(message_of([&] { read(folder.path("absent.csv")); }), "absent.csv");
  expect_contains(message_of([&] { read(folder.text("d.xml", "<a/>")); }), "no label file that is known");
}

TEST(CsvLabels, KeepNumbersAndNamesApart) {
  Folder folder;
  expect_contains(message_of([&] { read(folder.text("a.csv", "file,class_index\nx.png,abc\n")); }), "line 2: 'abc' is no number");
  expect_contains(message_of([&] { read(folder.text("b.csv", "file,label\nx.png,3\ny.png,cat\n")); }), "line 3 names its class, line 2 gives its number");
  EXPECT_TRUE(read(folder.text("c.csv", "file,class\nx.png,cat\n")).numbered_by_name);
  EXPECT_FALSE(read(folder.text("d.csv", "file,class\nx.png,1\n")).numbered_by_name);
}

TEST(Labels, AreAmongTheConfiguredClasses) {
  Folder folder;
  LabelsConfig config;
  config.classes = {"cat", "dog"};
  EXPECT_EQ(read(folder.text("a.csv", "file,class_index\nx.png,1\n"), config).size(), 1u);
  expect_contains(message_of([&] { read(folder.text("b.csv", "file,class_index\nx.png,2\n"), config); }),
                  "b.csv: 'x.png' has the class index 2, but [labels] classes lists 2");
  write_npy(folder.path("y.npy"), Tensor::of<int64_t>({0, 1, 99}));
  expect_contains(message_of([&] { read(folder.path("y.npy"), config); }), "label 2 has the class index 99");
  write_npy(folder.path("z.npy"), Tensor::of<int64_t>({0, -1}));
  expect_contains(message_of([&] { read(folder.path("z.npy")); }), "label 1 has the class index -1");
}

TEST(FolderLabels, TakeTheFoldersNames) {
  LabelContext context{"data", {"cat/1.png", "cat/2.png", "dog/1.png"}, 3};
  LabelSet set = read("folders", {}, context);
  EXPECT_EQ(set.names.classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(set.find("dog/1.png")->class_index, 1);
  LabelsConfig config;
  config.classes = {"dog", "cat", "cow"};
  EXPECT_EQ(read("", config, context).kind, LabelKind::kFolders);   // the names say it
  EXPECT_EQ(read("", config, context).find("dog/1.png")->class_index, 0);
  config.classes = {"dog"};
  expect_contains(message_of([&] { read("folders", config, context); }), "'cat' is not among");
  context.ids.push_back("loose.png");
  expect_contains(message_of([&] { read("folders", {}, context); }), "loose.png");
}

TEST(ArrayLabels, AreIndicesOrTargets) {
  Folder folder;
  write_npy(folder.path("y.npy"), Tensor::of<int32_t>({3, 1, 2}));
  LabelSet index = read(folder.path("y.npy"));
  EXPECT_EQ(index.kind, LabelKind::kIndex);
  ASSERT_EQ(index.rows.size(), 3u);
  EXPECT_EQ(index.rows[0].class_index, 3);
  LabelsConfig config;
  config.kind = LabelKind::kTargets;
  EXPECT_EQ(read(folder.path("y.npy"), config).rows[2].targets, std::vector<float>{2});
  write_npy(folder.path("t.npy"), Tensor::from<float>({2, 2}, std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(read(folder.path("t.npy")).rows[1].targets, (std::vector<float>{3, 4}));
  write_npz(folder.path("z.npz"), {{"x", Tensor::of<float>({1})}, {"y", Tensor::of<int64_t>({5})}});
  config = {};
  expect_contains(message_of([&] { read(folder.path("z.npz"), config); }), "array = ");
  config.array = "y";
  EXPECT_EQ(read(folder.path("z.npz"), config).rows[0].class_index, 5);
  EXPECT_EQ(read("", config, {folder.path("z.npz"), {}, 1}).rows[0].class_index, 5);   // in the data itself
}

TEST(ColumnLabels, ComeFromTheData) {
  Folder folder;
  LabelsConfig config;
  config.kind = LabelKind::kColumn;
  std::string path = folder.text("rows.csv", "class,a,b\n2,0.5,1\n0,1,1\n");
  LabelSet set = read("", config, {path, {}, 2});
  ASSERT_EQ(set.rows.size(), 2u);
  EXPECT_EQ(set.rows[0].class_index, 2);
  folder.text("rows.csv", "2,0.5\nx,1\n");
  expect_contains(message_of([&] { read("", config, {path, {}, 2}); }), "line 2");
}

constexpr const char* kInstances = R"({
  "images": [{"id": 7, "file_name": "a.jpg", "width": 20, "height": 10}, {"id": 9, "file_name": "b.jpg"}],
  "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}],
  "annotations": [
    {"image_id": 7, "category_id": 18, "bbox": [1, 2, 3, 4], "area": 5.5, "iscrowd": 0},
    {"image_id": 7, "category_id": 3, "bbox": [0, 0, 2, 2], "iscrowd": 1}]})";

TEST(CocoLabels, ReadsBoxesAndNumbersCategories) {
  Folder folder;
  LabelSet set = read(folder.text("instances.json", kInstances));
  EXPECT_EQ(set.kind, LabelKind::kCoco);
  EXPECT_EQ(set.names.classes, (std::vector<std::string>{"car", "dog"}));
  const GroundTruth* a = set.find("images/a.jpg");
  ASSERT_TRUE(a);
  ASSERT_EQ(a->boxes.size(), 2u);
  EXPECT_EQ(a->boxes[0].class_index, 1);
  EXPECT_EQ(a->boxes[0].x2, 4);
  EXPECT_EQ(a->boxes[0].y2, 6);
  EXPECT_EQ(a->boxes[0].area, 5.5f);
  EXPECT_FALSE(a->boxes[0].is_crowd);
  EXPECT_TRUE(a->boxes[1].is_crowd);
  EXPECT_EQ(a->boxes[1].area, 4);
  EXPECT_TRUE(set.find("b.jpg")->has_boxes);
  EXPECT_TRUE(set.find("b.jpg")->boxes.empty());
  EXPECT_EQ(set.sizes.at("a.jpg").width, 20);
  LabelsConfig config;
  config.classes = {"dog", "cat"};   // cars are not asked for
  LabelSet dogs = read(folder.path("instances.json"), config);
  ASSERT_EQ(dogs.find("a.jpg")->boxes.size(), 1u);
  EXPECT_EQ(dogs.find("a.jpg")->boxes[0].class_index, 0);
  config.classes = {"cow"};
  expect_contains(message_of([&] { read(folder.path("instances.json"), config); }), "none of its categories");
}

TEST(CocoLabels, ReadsKeypoints) {
  Folder folder;
  LabelSet set = read(folder.text("k.json", R"({"images": [{"id": 1, "file_name": "a.jpg"}],
    "categories": [{"id": 1, "name": "person", "keypoints": ["nose", "eye"]}],
    "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 9, "keypoints": [5, 6, 2, 7, 8, 0]}]})"));
  EXPECT_EQ(set.kind, LabelKind::kCocoKeypoints);
  EXPECT_EQ(set.names.points, (std::vector<std::string>{"nose", "eye"}));
  const GroundTruth* truth = set.find("a.jpg");
  ASSERT_TRUE(truth->has_points);
  ASSERT_EQ(truth->objects.size(), 1u);
  EXPECT_EQ(truth->objects[0].box.area, 9);
  ASSERT_EQ(truth->objects[0].points.size(), 2u);
  EXPECT_EQ(truth->objects[0].points[0].y, 6);
  EXPECT_EQ(truth->objects[0].points[1].visibility, 0);
}

TEST(FaceLabels, ReadsCorners) {
  Folder folder;
  LabelSet set = read(folder.text(
      "faces.json", R"({"images": [{"file_name": "a.jpg", "width": 9, "height": 9, "faces": [[1, 2, 4, 6]]}]})"));
  EXPECT_EQ(set.kind, LabelKind::kFaces);
  EXPECT_EQ(set.find("a.jpg")->boxes[0].area, 12);
  EXPECT_EQ(set.names.classes, std::vector<std::string>{"face"});
}

TEST(JsonLabels, RefuseWhatIsNotCoco) {
  Folder folder;
  for (
      const char* text :
      {"", "{", "[]", "3", "{}", R"({"images": 3})", R"({"images": [3], "annotations": []})",
       R"({"images": [{"id": "x", "file_name": "a"}], "annotations": []})",
       R"({"images": [], "annotations": [{"image_id": 1, "category_id": 1}]})",
       R"({"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1]}]})",
       R"({"images": [{"file_name": "a", "faces": [[1, 2, 3]]}]})",
       R"({"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "keypoints": [1]}]})"}) {
    std::string path = folder.text("bad.json", text);
    expect_contains(message_of([&] { read(path); }), "bad.json: ");
  }
  expect_contains(message_of([&] { read(folder.text("bad.json", "{\n\"images\": x}")); }), "bad.json: line 2 is no valid JSON");
  expect_contains(message_of([&] { read(folder.text("bad.json", "{\"images\": [")); }), "bad.json: is no whole JSON file");
  LabelsConfig boxes;
  boxes.kind = LabelKind::kCoco;
  expect_contains(message_of([&] { read(folder.text("a.csv", "file,class_index\nx.png,1\n"), boxes); }), "a.csv: the recipe wants boxes");
  EXPECT_THROW(read(folder.text("deep.json", std::string(100000, '['))), Error);
  // Damage of any kind ends in an Error or a set of labels.
  std::string whole = kInstances;
  for (size_t i = 0; i < whole.size(); i += 3) {
    std::string damaged = i % 2 ? whole.substr(0, i) : whole;
    if (i % 2 == 0) damaged[i] = static_cast<char>(damaged[i] ^ 1 << i % 7);
    std::string path = folder.text("damaged.json", damaged);
    try {
      read(path);
    } catch (const Error&) {
    }
  }
}

TEST(YoloLabels, FindTheirTexts) {
  Folder folder;
  folder.text("labels/a.txt", "2 0.5 0.5 0.5 1.0\n\n0 0.25 0.25 0.1 0.1\n");
  folder.text("labels/sub/b.txt", "0 0.5 0.5 1 1 0.1 0.2 2 0.3 0.4 1\n");
  LabelContext context{folder.path(), {"images/a.jpg", "images/none.jpg", "images/sub/b.jpg"}, 3};
  LabelSet set = read(folder.path("labels"), {}, context);
  EXPECT_EQ(set.kind, LabelKind::kYolo);
  EXPECT_TRUE(set.relative_boxes);
  ASSERT_EQ(set.find("images/a.jpg")->boxes.size(), 2u);
  EXPECT_EQ(set.find("images/a.jpg")->boxes[0].class_index, 2);
  EXPECT_EQ(set.find("images/a.jpg")->boxes[0].x1, 0.25f);
  EXPECT_EQ(set.find("images/a.jpg")->boxes[0].y2, 1.0f);
  EXPECT_TRUE(set.find("images/none.jpg")->boxes.empty());
  ASSERT_EQ(set.find("images/sub/b.jpg")->objects.size(), 1u);
  EXPECT_EQ(set.find("images/sub/b.jpg")->objects[0].points[1].visibility, 1);
  for (const char* bad : {"x 0.5 0.5 0.5 0.5", "0 0.5 0.5", "0 12 30 4 5", "0 0.5 0.5 nan 1", "-1 0.5 0.5 0.5 0.5",
                          "0.5 0.5 0.5 0.5 0.5"}) {
    folder.text("labels/a.txt", bad);
    expect_contains(message_of([&] { read(folder.path("labels"), {}, context); }), "a.txt: line 1");
  }
  folder.text("labels/a.txt", "0 0.5 0.5 0.5 0.5\n");
  context.ids = {"one/a.jpg", "two/a.jpg", "sub/b.jpg"};   // whose a.txt is it?
  set = read(folder.path("labels"), {}, context);
  EXPECT_TRUE(set.find("one/a.jpg")->is_assumed);
  EXPECT_TRUE(set.find("two/a.jpg")->is_assumed);
  EXPECT_FALSE(set.find("sub/b.jpg")->is_assumed);
  context.ids = {"other.jpg"};
  expect_contains(message_of([&] { read(folder.path("labels"), {}, context); }), "other.jpg");
}

TEST(IdxFiles, AreReadAndRefused) {
  Folder folder;
  std::string header("\0\0\x08\x01\0\0\0\x03", 8);
  LabelSet set = read(folder.text("t-labels-idx1-ubyte", header + "\x01\x02\x09"));
  ASSERT_EQ(set.rows.size(), 3u);
  EXPECT_EQ(set.rows[2].class_index, 9);
  std::string shorts("\0\0\x0B\x01\0\0\0\x01\x01\x02", 10);
  EXPECT_EQ(read_idx(folder.text("s.idx", shorts)).data<int16_t>()[0], 0x102);
  for (size_t length = 0; length < 11; ++length)
    EXPECT_THROW(read_idx(folder.text("cut.idx", (header + "\x01\x02\x09").substr(0, length))), Error) << length;
  EXPECT_THROW(
      read_idx(folder.text(
          "huge.idx", std::string("\0\0\x08\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 20))),
      Error);
  EXPECT_TRUE(is_idx_path("a/t10k-images-idx3-ubyte.gz"));
  EXPECT_TRUE(is_idx_path("x.idx"));
  EXPECT_FALSE(is_idx_path("idx3-folder/x.png"));
}

TEST(Convert, CountsWhatIsNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(count_not_finite(Tensor::of<float>({1, kNan, -kInfinity, 0})), 2);
  EXPECT_EQ(count_not_finite(Tensor::of<double>({1, 1e300})), 0);
  EXPECT_EQ(count_not_finite(Tensor::of<Float16>({Float16{0x7C00}, Float16{0x7E00}, Float16{0x3C00}})), 2);
  EXPECT_EQ(count_not_finite(Tensor::of<int64_t>({1})), 0);
}

TEST(Convert, KeepsValuesOrRefuses) {
  EXPECT_EQ(convert_tensor(Tensor::of<uint8_t>({255}), DType::kFloat32, "x").data<float>()[0], 255);
  EXPECT_EQ(convert_tensor(Tensor::of<double>({0.5}), DType::kFloat32, "x").data<float>()[0], 0.5f);
  EXPECT_EQ(convert_tensor(Tensor::of<int64_t>({-3}), DType::kInt8, "x").data<int8_t>()[0], -3);
  EXPECT_EQ(convert_tensor(Tensor::of<int64_t>({1}), DType::kBool, "x").data<bool>()[0], true);
  EXPECT_EQ(convert_tensor(Tensor::of<bool>({true}), DType::kInt32, "x").data<int32_t>()[0], 1);
  EXPECT_EQ(convert_tensor(Tensor::of<Float16>({Float16{0x3C00}}), DType::kFloat64, "x").data<double>()[0], 1.0);
  expect_contains(message_of([] { convert_tensor(Tensor::of<int64_t>({300}), DType::kUInt8, "sizes"); }),
                  "sizes: the value 300");
  expect_contains(message_of([] { convert_tensor(Tensor::of<float>({1}), DType::kInt64, "x"); }),
                  "float32 are given, int64 is wanted");
  EXPECT_THROW(convert_tensor(Tensor::of<int64_t>({2}), DType::kBool, "x"), Error);
}

}  // namespace
}  // namespace octet
