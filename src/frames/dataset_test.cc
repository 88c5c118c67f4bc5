#include "frames/dataset.h"

#include <opencv2/core.hpp>
#include <set>

#include "frames/dataset_testing.h"

namespace octet {
namespace {

using namespace testing_frames;

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

TEST(PictureFrames, AreLabelledByTheGivenFolderAlone) {
  Folder folder;
  for (const char* name : {"images/a.png", "images/b.png", "images/c.png"}) folder.picture(name);
  for (const char* name : {"labels/a.txt", "labels/b.txt", "labels/c.txt", "some/b.txt"}) folder.text(name, "3 0.5 0.5 0.5 0.5\n");
  folder.text("images/c.txt", "3 0.5 0.5 0.5 0.5\n");
  std::filesystem::create_directories(folder.path("none"));
  expect_contains(message_of([&] { open(from(folder.path("images"), folder.path("none"))); }),
                  "none: there is no label file for any of the 3 pictures, for instance none for 'a.png'");
  auto some = open(from(folder.path("images"), folder.path("some")));
  EXPECT_TRUE(some->at(0).truth->boxes.empty());
  EXPECT_EQ(some->at(1).truth->boxes.size(), 1u);
  EXPECT_TRUE(some->at(2).truth->boxes.empty());
  EXPECT_EQ(some->label_facts().assumed, 2);
  EXPECT_EQ(some->label_facts().largest_class, 3);
  expect_contains(message_of([&] { open(from(folder.path("images") + "[2:]", folder.path("some"))); }), "any of the 1 pictures");
  expect_contains(message_of([&] { open(from(folder.path("images") + "[3:]", folder.path("some"))); }), "the slice names no frame");
  // Without a path the recipe's kind finds them where YOLO has them.
  PipelineConfig yolo = pictures();
  yolo.labels.kind = LabelKind::kYolo;
  auto beside = open(from(folder.path("images")), yolo);
  EXPECT_EQ(beside->at(0).truth->boxes.size(), 1u);
  EXPECT_EQ(beside->label_facts().assumed, 0);
}

TEST(PictureFrames, TellWhatTheirLabelsSay) {
  Folder folder;
  folder.picture("cat/a.png");
  folder.picture("dog/b.png");
  LabelFacts facts = open(from(folder.path(), "folders"))->label_facts();
  EXPECT_TRUE(facts.numbered_by_name);
  EXPECT_EQ(facts.largest_class, 1);
  EXPECT_EQ(facts.largest_frame, "'dog/b.png'");
  PipelineConfig config = pictures();
  config.labels.classes = {"cow", "dog", "cat"};
  facts = open(from(folder.path(), "folders"), config)->label_facts();
  EXPECT_FALSE(facts.numbered_by_name);
  EXPECT_EQ(facts.largest_frame, "'cat/a.png'");
  EXPECT_EQ(open(from(folder.path()))->label_facts().largest_class, -1);
  EXPECT_EQ(open(from(folder.path() + "[1:]"))->file_ids().size(), 2u);   // whatever the slice
}

TEST(PictureFrames, AreRefusedWhereTheirFileIsTruncated) {
  Folder folder;
  cv::Mat noise(64, 64, CV_8UC3);
  cv::randu(noise, 0, 255);
  for (const char* name : {"a.jpg", "a.png"}) {
    cv::imwrite(folder.path(name), noise);
    std::ifstream in(folder.path(name), std::ios::binary);
    std::string whole{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(message_of([&] { open(from(folder.path(name)))->at(0); }), "no error");
    folder.text(name, whole + "what stands behind the end does not matter");
    EXPECT_EQ(message_of([&] { open(from(folder.path(name)))->at(0); }), "no error");
    for (size_t length = 8; length < whole.size(); length += 1 + whole.size() / 40) {
      folder.text(name, whole.substr(0, length));
      expect_contains(message_of([&] { open(from(folder.path(name)))->at(0); }), std::string(name) + ": the picture cannot be read: its file is truncated");
    }
    folder.text(name, whole.substr(0, whole.size() - 1));
    expect_contains(message_of([&] { open(from(folder.path(name)))->at(0); }), "truncated");
  }
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

}  // namespace
}  // namespace octet
