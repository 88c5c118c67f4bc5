#include "quantize/frame_passes.h"

#include <algorithm>

#include "base/error.h"
#include "base/interrupt.h"

namespace octet {

namespace {

// Frames that layer by layer methods run again and again: as many as this, evenly drawn, and no more bytes than that.
constexpr int64_t kKeptFrames = 48;
constexpr size_t kKeptBytes = size_t{512} << 20;

}  // namespace

void FramePasses::pass(const char* what, const std::function<void(std::span<const Tensor>)>& use, const char* need) {
  if (frames_.rewind) frames_.rewind();   // another job may have gone through them
  if (started_ && !frames_.rewind) {
    for (const std::vector<Tensor>& inputs : memory_) use(inputs);
    return;
  }
  count_ = 0;
  for (std::vector<Tensor> inputs; frames_.next(inputs); ++count_) {
    check_interrupt();
    if (progress_) progress_(what, count_, 0);
    use(inputs);
    if (!frames_.rewind) memory_.push_back(inputs);
  }
  started_ = true;
  if (count_ == 0) throw Error(ErrorCode::kInvalidArgument, text(need, ", and there were none"), "give some with --data, or use --method dynamic");
}

const KeptFrames& FramePasses::kept(const char* need) {
  if (!kept_.empty()) return kept_;
  if (!started_) pass("counting frames", [](std::span<const Tensor>) {}, need);
  int64_t all = count_, wanted = std::min(all, kKeptFrames), index = 0;
  size_t bytes = 0;
  pass("drawing frames", [&](std::span<const Tensor> inputs) {
    int64_t i = index++;
    if (i * wanted / all == (i + 1) * wanted / all || bytes > kKeptBytes) return;
    std::vector<Tensor>& own = kept_.emplace_back();
    for (const Tensor& input : inputs) {
      own.push_back(input.clone());
      bytes += input.bytes();
    }
  });
  return kept_;
}

}  // namespace octet
