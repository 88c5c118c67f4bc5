#include "tasks/coco_names.h"

#include <string>

#include <gtest/gtest.h>

namespace octet {
namespace {

TEST(CocoNames, IdsAndIndexesAreInverse) {
  int previous = 0;
  for (int i = 0; i < kCocoClasses; ++i) {
    int id = coco_category_id(i);
    EXPECT_GT(id, previous);
    EXPECT_EQ(coco_class_index(id), i);
    previous = id;
  }
  for (int gap : {0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91, -1}) EXPECT_EQ(coco_class_index(gap), -1);
  EXPECT_EQ(coco_category_id(80), -1);
  EXPECT_EQ(coco_category_id(-1), -1);
}

TEST(CocoNames, KnownEntries) {
  EXPECT_STREQ(coco_class_names()[0], "person");
  EXPECT_STREQ(coco_class_names()[static_cast<size_t>(coco_class_index(44))], "bottle");
  EXPECT_STREQ(coco_class_names()[79], "toothbrush");
  EXPECT_STREQ(coco_point_names()[16], "right_ankle");
  EXPECT_EQ(coco_skeleton().size(), 19u);
  EXPECT_EQ(coco_point_sigmas().size(), 17u);
}

}  // namespace
}  // namespace octet
