#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>

#include "frames/dataset_testing.h"

namespace octet {
namespace {

using namespace testing_frames;

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

}  // namespace
}  // namespace octet
