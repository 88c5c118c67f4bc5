#include "frames/dataset.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>

#include "base/error.h"
#include "frames/assemble.h"
#include "frames/labels.h"
#include "frames/prefetch.h"
#include "frames/raw_source.h"

namespace octet {

namespace {

namespace fs = std::filesystem;

// One frame to be: a raw frame, or one of the labelled objects on it.
struct Item {
  int64_t raw = 0;
  int object = -1;
};

uint64_t next_random(uint64_t& state) {   // splitmix64
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

// The boxes that ResizeMode::kBox cuts out, in the order of the labels.
std::vector<const TruthBox*> boxes_of(const GroundTruth& truth) {
  std::vector<const TruthBox*> boxes;
  if (truth.has_points)
    for (const TruthPoints& object : truth.objects) boxes.push_back(&object.box);
  else
    for (const TruthBox& box : truth.boxes) boxes.push_back(&box);
  return boxes;
}

bool is_wanted(const GroundTruth& truth, size_t object, const TruthBox& box, int box_class) {
  if (box.is_crowd || box.x2 <= box.x1 || box.y2 <= box.y1) return false;
  if (box_class >= 0 && box.class_index != box_class) return false;
  if (!truth.has_points) return true;
  const std::vector<TruthKeypoint>& points = truth.objects[object].points;
  return points.empty() ||
         std::any_of(points.begin(), points.end(), [](const TruthKeypoint& p) { return p.visibility > 0; });
}

class Frames : public FrameSource {
 public:
  Frames(const FrameOptions& options, const PipelineConfig& config, std::span<const InputDescription> inputs)
      : options_(options), slice_(parse_data_slice(options.data)), assembler_(config, inputs), config_(config) {
    RawOptions raw;
    raw.gray = assembler_.wants_gray();
    raw.inputs.assign(inputs.begin(), inputs.end());
    if (config.labels.kind == LabelKind::kColumn) raw.label_column = config.labels.column;
    raw_ = open_raw(slice_.path, raw);
    LabelContext context{slice_.path, raw_->ids(), raw_->count()};
    labels_ = std::make_shared<LabelSet>(read_labels(config.labels, options.labels, context));
    if (labels_->kind == LabelKind::kNone) labels_->names.classes = config.labels.classes;
    choose();
    restart();
  }

  ~Frames() override { prefetcher_.reset(); }

  int64_t count() const override { return known_ ? static_cast<int64_t>(items_.size()) : -1; }
  const std::vector<std::string>& file_ids() const override { return raw_->ids(); }
  bool is_endless() const override { return raw_->is_endless(); }
  bool has_labels() const override { return labels_->kind != LabelKind::kNone; }
  LabelKind label_kind() const override { return labels_->kind; }
  const LabelNames& names() const override { return labels_->names; }

  LabelFacts label_facts() const override {
    LabelFacts facts;
    facts.path = labels_->path;
    facts.numbered_by_name = labels_->numbered_by_name;
    int64_t last = -1;
    for (const Item& item : items_) {
      const GroundTruth* truth = find_truth(item.raw);
      if (!truth || item.raw == last) continue;   // one picture's objects come one after another
      last = item.raw;
      int64_t largest = truth->class_index;
      for (const TruthBox* box : boxes_of(*truth)) largest = std::max<int64_t>(largest, box->class_index);
      if (largest > facts.largest_class) {
        facts.largest_class = largest;
        facts.largest_frame = truth->id.empty() ? text("frame ", item.raw) : text("'", truth->id, "'");
      }
      facts.assumed += truth->is_assumed;
    }
    return facts;
  }

  bool next(Frame& frame) override { return prefetcher_ ? prefetcher_->take(frame) : make_next(frame); }
  void reset() override { restart(); }

  Frame at(int64_t index) override {
    require(known_, ErrorCode::kUnsupported, slice_.path,
            ": the frames of a video or camera come only one after another");
    require(index >= 0 && index < count(), ErrorCode::kInvalidArgument, "there is no frame ", index, " of ", count());
    Frame frame;
    make(items_[static_cast<size_t>(index)], frame);
    return frame;
  }

  std::string description() const override {
    std::string out = known_ ? text(count(), count() == 1 ? " frame of " : " frames of ") : "frames of ";
    out += options_.data;
    if (has_labels()) out += text(", labels from ", labels_->path);
    return out;
  }

 private:
  // Which frames, in which order.
  void choose() {
    bool from_the_end = slice_.begin < 0 || (slice_.end && *slice_.end < 0);
    bool sequential = raw_->count() < 0;
    raw_count_ = sequential && (from_the_end || options_.shuffle_seed) ? raw_->measure_count() : raw_->count();
    const int64_t raw_count = raw_count_;
    known_ = raw_count >= 0;
    if (!known_) {
      if (from_the_end)
        throw Error(ErrorCode::kInvalidArgument, "a camera's pictures have no end to count from")
            .with_file(slice_.path);
      return;
    }
    auto from_end = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + raw_count : at, 0, raw_count); };
    int64_t begin = from_end(slice_.begin), end = slice_.end ? from_end(*slice_.end) : raw_count;
    check_labels(begin, end);
    for (int64_t i = begin; i < end; ++i) {
      if (!assembler_.wants_boxes() || !has_labels()) {
        items_.push_back({i, -1});
        continue;
      }
      const GroundTruth* truth = find_truth(i);
      if (!truth) continue;   // no labelled object on it
      std::vector<const TruthBox*> boxes = boxes_of(*truth);
      for (size_t k = 0; k < boxes.size(); ++k)
        if (is_wanted(*truth, k, *boxes[k], config_.preprocess->box_class)) items_.push_back({i, static_cast<int>(k)});
    }
    if (items_.empty())
      throw Error(ErrorCode::kInvalidArgument, begin >= end ? text("the slice names no frame: there are ", raw_count)
                                                            : std::string("no labelled object is on any picture"))
          .with_file(options_.data);
    if (options_.shuffle_seed) {
      uint64_t state = *options_.shuffle_seed;
      for (size_t i = items_.size(); i > 1; --i) std::swap(items_[i - 1], items_[next_random(state) % i]);
    }
    if (options_.frames >= 0) items_.resize(std::min(items_.size(), static_cast<size_t>(options_.frames)));
    // A sample of a video comes in its order: it can only be decoded forward.
    if (sequential) std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) { return a.raw < b.raw; });
    require(!items_.empty(), ErrorCode::kInvalidArgument, options_.data, ": no frames are asked for");
  }

  void check_labels(int64_t begin, int64_t end) const {
    if (!has_labels()) return;
    int64_t raw_count = raw_count_;
    if (labels_->by_row()) {
      if (static_cast<int64_t>(labels_->rows.size()) != raw_count)
        throw Error(ErrorCode::kInvalidModel,
                    text("there are ", labels_->rows.size(), " labels for ", raw_count, " frames of ", slice_.path),
                    "they must come in the same number and order")
            .with_file(labels_->path);
      return;
    }
    if (raw_->ids().empty())
      throw Error(ErrorCode::kInvalidModel, "these labels belong to named pictures, and the frames have no names")
          .with_file(labels_->path);
    check_assumed(begin, end);
    if (assembler_.wants_boxes()) return;   // pictures without labelled objects make no frames
    int64_t missing = 0, first = -1;
    for (int64_t i = begin; i < end; ++i) {
      if (find_truth(i)) continue;
      if (missing++ == 0) first = i;
    }
    if (missing == 0) return;
    throw Error(ErrorCode::kInvalidModel,
                text("'", raw_->ids()[static_cast<size_t>(first)], "' has no label",
                     missing == 1 ? "" : text(" (nor have ", missing - 1, " others)"), "; ", labels_->size(),
                     " pictures are labelled, ", end - begin, " are given"),
                text("label it, or point --data at the labelled pictures; ", slice_.path, " was searched"))
        .with_file(labels_->path);
  }

  // A picture without a file has nothing on it, but labels without a file for any picture are those of other pictures.
  void check_assumed(int64_t begin, int64_t end) const {
    if (begin >= end) return;   // the slice is the fault
    for (int64_t i = begin; i < end; ++i)
      if (const GroundTruth* truth = find_truth(i); !truth || !truth->is_assumed) return;
    throw Error(ErrorCode::kInvalidModel,
                text("there is no label file for any of the ", end - begin, " pictures, for instance none for '", raw_->ids()[static_cast<size_t>(begin)], "'"),
                "YOLO labels are one .txt per picture with the picture's name")
        .with_file(labels_->path);
  }

  const GroundTruth* find_truth(int64_t raw) const {
    if (!has_labels()) return nullptr;
    if (labels_->by_row())
      return raw < static_cast<int64_t>(labels_->rows.size()) ? &labels_->rows[static_cast<size_t>(raw)] : nullptr;
    return raw < static_cast<int64_t>(raw_->ids().size()) ? labels_->find(raw_->ids()[static_cast<size_t>(raw)])
                                                          : nullptr;
  }

  void restart() {
    prefetcher_.reset();
    next_ = 0;
    if (options_.prefetch > 0)
      prefetcher_ = std::make_unique<Prefetcher<Frame>>(static_cast<size_t>(options_.prefetch),
                                                        [this](Frame& frame) { return make_next(frame); });
  }

  bool make_next(Frame& frame) {
    if (known_) {
      if (next_ >= count()) return false;
      make(items_[static_cast<size_t>(next_++)], frame);
      return true;
    }
    int64_t index = slice_.begin + next_;
    if ((slice_.end && index >= *slice_.end) || (options_.frames >= 0 && next_ >= options_.frames)) return false;
    if (!make({index, -1}, frame)) return false;
    ++next_;
    return true;
  }

  bool make(const Item& item, Frame& frame) {
    RawFrame raw;
    {
      std::lock_guard lock(raw_mutex_);
      if (!raw_->read(item.raw, raw)) return false;
    }
    frame = {};
    frame.id = raw.id;
    frame.path = raw.path;
    try {
      auto picture = assembler_.picture_of(raw);
      TruthBox box;
      attach(item, picture.get(), frame, box);
      bool whole = assembler_.wants_boxes() && item.object < 0 && picture;   // unlabelled: the whole picture is the box
      if (whole) box = {0, 0, static_cast<float>(picture->cols), static_cast<float>(picture->rows)};
      assembler_.assemble(raw, picture, assembler_.wants_boxes() ? &box : nullptr, frame);
      if (options_.keep_picture) frame.picture = picture;
    } catch (const Error& error) {
      throw error.with_file(raw.path);
    }
    return true;
  }

  // The frame's truth in source pixels; `box` is the object's that the frame is about.
  void attach(const Item& item, const cv::Mat* picture, Frame& frame, TruthBox& box) const {
    const GroundTruth* truth = find_truth(item.raw);
    if (!truth) {
      require(!has_labels(), ErrorCode::kInvalidModel, labels_->path, ": there is no label for frame '", frame.id,
              "'");
      return;
    }
    if (!labels_->relative_boxes && item.object < 0) {
      check_size(*truth, picture);
      frame.truth = std::shared_ptr<const GroundTruth>(labels_, truth);
      return;
    }
    auto own = std::make_shared<GroundTruth>(*truth);
    if (labels_->relative_boxes) {
      require(picture != nullptr, ErrorCode::kInvalidModel,
              "the labels are fractions of a picture, and the frame is none");
      scale_truth(*own, static_cast<float>(picture->cols), static_cast<float>(picture->rows));
    } else {
      check_size(*truth, picture);
    }
    if (item.object >= 0) {
      auto object = static_cast<size_t>(item.object);
      box = *boxes_of(*own)[object];
      if (own->has_points) own->objects = {TruthPoints(own->objects[object])};
      else own->boxes = {box};
      frame.id += text('#', item.object);
    }
    frame.truth = own;
  }

  static void scale_truth(GroundTruth& truth, float width, float height) {
    auto scale = [&](TruthBox& box) {
      box.x1 *= width;
      box.x2 *= width;
      box.y1 *= height;
      box.y2 *= height;
      box.area *= width * height;
    };
    for (TruthBox& box : truth.boxes) scale(box);
    for (TruthPoints& object : truth.objects) {
      scale(object.box);
      for (TruthKeypoint& point : object.points) {
        point.x *= width;
        point.y *= height;
      }
    }
  }

  void check_size(const GroundTruth& truth, const cv::Mat* picture) const {
    auto size = labels_->sizes.find(truth.id);
    if (size == labels_->sizes.end() || !picture) return;
    if (size->second.width == picture->cols && size->second.height == picture->rows) return;
    throw Error(ErrorCode::kInvalidArgument,
                text("the labels are for a picture of ", size->second.width, " x ", size->second.height,
                     ", this one is ", picture->cols, " x ", picture->rows),
                "was it resized or turned after it was labelled?");
  }

  FrameOptions options_;
  DataSlice slice_;
  Assembler assembler_;
  PipelineConfig config_;
  std::unique_ptr<RawSource> raw_;
  std::mutex raw_mutex_;
  std::shared_ptr<LabelSet> labels_;
  std::vector<Item> items_;
  bool known_ = true;
  int64_t raw_count_ = -1;
  int64_t next_ = 0;
  std::unique_ptr<Prefetcher<Frame>> prefetcher_;
};

bool parse_number(std::string_view text, std::optional<int64_t>& value) {
  if (text.empty()) return true;
  int64_t number = 0;
  auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  value = number;
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

}  // namespace

DataSlice parse_data_slice(const std::string& data) {
  DataSlice slice{data, 0, std::nullopt};
  std::error_code ignored;
  size_t open = data.rfind('[');
  if (open == std::string::npos || !data.ends_with(']') || fs::exists(data, ignored)) return slice;
  std::string_view inside = std::string_view(data).substr(open + 1, data.size() - open - 2);
  size_t colon = inside.find(':');
  std::optional<int64_t> begin;
  bool good = colon != std::string_view::npos && parse_number(inside.substr(0, colon), begin) &&
              parse_number(inside.substr(colon + 1), slice.end);
  if (!good)
    throw Error(ErrorCode::kInvalidArgument, text("'[", inside, "]' is no slice"),
                "write DATA[begin:end], DATA[:100] or DATA[100:]")
        .with_file(data.substr(0, open));
  slice.path = data.substr(0, open);
  slice.begin = begin.value_or(0);
  return slice;
}

std::unique_ptr<FrameSource> open_frames(const FrameOptions& options, const PipelineConfig& config,
                                         std::span<const InputDescription> inputs) {
  // The engine's threads are busy already, and the library never prints.
  cv::setNumThreads(1);
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  return std::make_unique<Frames>(options, config, inputs);
}

}  // namespace octet
