#include "tasks/coco_names.h"

namespace octet {

namespace {

struct Category { int id; const char* name; };

constexpr Category kCategories[kCocoClasses] = {
    {1, "person"}, {2, "bicycle"}, {3, "car"}, {4, "motorcycle"}, {5, "airplane"}, {6, "bus"}, {7, "train"}, {8, "truck"},
    {9, "boat"}, {10, "traffic light"}, {11, "fire hydrant"}, {13, "stop sign"}, {14, "parking meter"}, {15, "bench"},
    {16, "bird"}, {17, "cat"}, {18, "dog"}, {19, "horse"}, {20, "sheep"}, {21, "cow"}, {22, "elephant"}, {23, "bear"},
    {24, "zebra"}, {25, "giraffe"}, {27, "backpack"}, {28, "umbrella"}, {31, "handbag"}, {32, "tie"}, {33, "suitcase"},
    {34, "frisbee"}, {35, "skis"}, {36, "snowboard"}, {37, "sports ball"}, {38, "kite"}, {39, "baseball bat"},
    {40, "baseball glove"}, {41, "skateboard"}, {42, "surfboard"}, {43, "tennis racket"}, {44, "bottle"}, {46, "wine glass"},
    {47, "cup"}, {48, "fork"}, {49, "knife"}, {50, "spoon"}, {51, "bowl"}, {52, "banana"}, {53, "apple"}, {54, "sandwich"},
    {55, "orange"}, {56, "broccoli"}, {57, "carrot"}, {58, "hot dog"}, {59, "pizza"}, {60, "donut"}, {61, "cake"},
    {62, "chair"}, {63, "couch"}, {64, "potted plant"}, {65, "bed"}, {67, "dining table"}, {70, "toilet"}, {72, "tv"},
    {73, "laptop"}, {74, "mouse"}, {75, "remote"}, {76, "keyboard"}, {77, "cell phone"}, {78, "microwave"}, {79, "oven"},
    {80, "toaster"}, {81, "sink"}, {82, "refrigerator"}, {84, "book"}, {85, "clock"}, {86, "vase"}, {87, "scissors"},
    {88, "teddy bear"}, {89, "hair drier"}, {90, "toothbrush"},
};

struct NameTable { const char* names[kCocoClasses]; };

constexpr NameTable make_names() {
  NameTable table{};
  for (int i = 0; i < kCocoClasses; ++i) table.names[i] = kCategories[i].name;
  return table;
}

constexpr NameTable kNames = make_names();

constexpr const char* kPointNames[kCocoPoints] = {
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"};

constexpr PointPair kSkeleton[] = {
    {15, 13}, {13, 11}, {16, 14}, {14, 12}, {11, 12}, {5, 11}, {6, 12}, {5, 6}, {5, 7}, {6, 8}, {7, 9}, {8, 10},
    {1, 2}, {0, 1}, {0, 2}, {1, 3}, {2, 4}, {3, 5}, {4, 6}};

// pycocotools, cocoeval.py: Params.setKpParams.
constexpr double kSigmas[kCocoPoints] = {.026, .025, .025, .035, .035, .079, .079, .072, .072,
                                         .062, .062, .107, .107, .087, .087, .089, .089};

}  // namespace

std::span<const char* const> coco_class_names() { return kNames.names; }

int coco_category_id(int class_index) {
  return class_index >= 0 && class_index < kCocoClasses ? kCategories[class_index].id : -1;
}

int coco_class_index(int category_id) {
  for (int i = 0; i < kCocoClasses; ++i)
    if (kCategories[i].id == category_id) return i;
  return -1;
}

std::span<const char* const> coco_point_names() { return kPointNames; }
std::span<const PointPair> coco_skeleton() { return kSkeleton; }
std::span<const double> coco_point_sigmas() { return kSigmas; }

}  // namespace octet
