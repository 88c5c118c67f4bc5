// NonMaxSuppression: per picture and class the best boxes that do not overlap a better one too much.
#include <algorithm>

#include "ops/axes.h"

namespace octet::ops {

namespace {

struct Box { float x1, y1, x2, y2; };

// Corners in any order (y, x, y, x), or centre and size (x, y, w, h).
Box corners(const float* b, bool centre) {
  if (centre) return {b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2};
  return {std::min(b[1], b[3]), std::min(b[0], b[2]), std::max(b[1], b[3]), std::max(b[0], b[2])};
}

bool overlap(const Box& a, const Box& b, float threshold) {
  float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1), height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (!(width > 0) || !(height > 0)) return false;
  float both = width * height, area_a = (a.x2 - a.x1) * (a.y2 - a.y1), area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
  float either = area_a + area_b - both;
  if (!(area_a > 0) || !(area_b > 0) || !(either > 0)) return false;
  return both / either > threshold;
}

void check(const Shape& boxes, const Shape& scores) {
  require(boxes.rank() == 3 && scores.rank() == 3 && may_agree(boxes[2], 4) && may_agree(boxes[0], scores[0]) && may_agree(boxes[1], scores[2]),
          ErrorCode::kShapeMismatch, "boxes of shape ", boxes, " and scores of shape ", scores);
}

void infer(InferContext& context) {
  if (context.has_rank(0) && context.has_rank(1)) check(context.shape(0), context.shape(1));
  context.set_output(0, DType::kInt64, Shape{Shape::kUnknown, 3});
}

void evaluate(EvaluateContext& context) {
  const Tensor &boxes = context.input(0), &scores = context.input(1);
  check(boxes.shape(), scores.shape());
  auto given = [&](size_t i) { return context.has_input(i) && context.input(i).elements() > 0; };
  const int64_t most = given(2) ? std::max<int64_t>(integer_of(context.input(2)), 0) : 0;
  const float overlap_limit = given(3) ? static_cast<float>(real_of(context.input(3))) : 0.0f;
  const bool has_score_limit = given(4);
  const float score_limit = has_score_limit ? static_cast<float>(real_of(context.input(4))) : 0.0f;
  const bool centre = context.attributes().integer("center_point_box", 0) != 0;
  const int64_t batches = boxes.shape()[0], count = boxes.shape()[1], classes = scores.shape()[1];
  const float *all_boxes = typed<float>(boxes), *all_scores = typed<float>(scores);
  std::vector<int64_t> selected;
  std::vector<int64_t> order;
  std::vector<Box> kept, of_batch(static_cast<size_t>(count));
  for (int64_t batch = 0; batch < batches && most > 0; ++batch) {
    for (int64_t i = 0; i < count; ++i) of_batch[static_cast<size_t>(i)] = corners(all_boxes + (batch * count + i) * 4, centre);
    for (int64_t c = 0; c < classes; ++c) {
      const float* score = all_scores + (batch * classes + c) * count;
      order.clear();
      kept.clear();
      for (int64_t i = 0; i < count; ++i)
        if (score[i] == score[i] && (!has_score_limit || score[i] > score_limit)) order.push_back(i);   // never NaN
      std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return score[a] > score[b] || (score[a] == score[b] && a < b); });
      for (int64_t i : order) {
        if (static_cast<int64_t>(kept.size()) >= most) break;
        const Box& box = of_batch[static_cast<size_t>(i)];
        if (std::any_of(kept.begin(), kept.end(), [&](const Box& better) { return overlap(box, better, overlap_limit); })) continue;
        kept.push_back(box);
        selected.insert(selected.end(), {batch, c, i});
      }
    }
  }
  int64_t* y = context.output(0, DType::kInt64, Shape{static_cast<int64_t>(selected.size() / 3), 3}).data<int64_t>();
  std::copy(selected.begin(), selected.end(), y);
}

constexpr OperatorDef definitions[] = {
    {.name = "NonMaxSuppression", .since_version = 10, .min_inputs = 2, .max_inputs = 5, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> non_max_suppression_operators() { return definitions; }

}  // namespace octet::ops
