#include "api/toolkit/run_output.h"

#include <gtest/gtest.h>

#include "octet/error.h"

namespace octet {
namespace {

TEST(RunOutput, NamesAFileAfterItsFrame) {
  EXPECT_EQ(answer_name("000003.png", false), "000003");
  EXPECT_EQ(answer_name("a/1.jpg", false), "a/1");
  EXPECT_EQ(answer_name("a/1.jpg", true), "a/1.jpg");
  EXPECT_EQ(answer_name("a.b/c.d.jpg", false), "a.b/c.d");
  EXPECT_EQ(answer_name("clip.avi#3", false), "clip_000003");
  EXPECT_EQ(answer_name("clip.avi#1234567", false), "clip_1234567");
  EXPECT_EQ(answer_name("frames.npz#12", false), "frames_000012");
  EXPECT_EQ(answer_name("person.png#2", true), "person.png_000002");
  EXPECT_EQ(answer_name("odd#name.png", false), "odd#name");
  EXPECT_EQ(answer_name("camera:1#7", false), "camera_1_000007");
  EXPECT_EQ(answer_name("/dev/video0#7", false), "video0_000007");
}

TEST(RunOutput, KeepsExtensionsWhereNothingElseTellsFilesApart) {
  EXPECT_FALSE(needs_extensions({}));
  EXPECT_FALSE(needs_extensions(std::vector<std::string>{"a/1.jpg", "a_1.jpg", "b/1.jpg"}));
  EXPECT_TRUE(needs_extensions(std::vector<std::string>{"0.png", "1.jpeg", "1.jpg"}));
}

TEST(RunOutput, RefusesWhatNothingIsWrittenTo) {
  for (const char* path : {"out.txt", "out.avi", "-", "out.npx"}) EXPECT_THROW(RunOutput{path}, Error) << path;
  EXPECT_TRUE(RunOutput("out.PNG").is_picture());
  EXPECT_TRUE(RunOutput("out.npz").is_arrays());
  EXPECT_TRUE(RunOutput("out").is_folder());
  EXPECT_TRUE(RunOutput("out.d/").is_folder());
  EXPECT_FALSE(RunOutput("").wanted());
  EXPECT_EQ(RunOutput("one.png").file_for("a/1.jpg", ".png"), "one.png");
}

}  // namespace
}  // namespace octet
