#include "tasks/decoder.h"

#include "base/error.h"
#include "base/nearest.h"

namespace octet {

#define OCTET_DECODER(name) const DecoderDef& name##_decoder();
#include "tasks/decoders.inc"
#undef OCTET_DECODER

namespace {

// Width and height of a picture input: N×C×H×W, or N×H×W×C.
struct Extents { int width = 0, height = 0; };

int known(int64_t extent) { return extent > 0 && extent < (1 << 20) ? static_cast<int>(extent) : 0; }

Extents picture_extents(const std::vector<InputDescription>& inputs) {
  for (const InputDescription& input : inputs) {
    const Shape& shape = input.shape;
    if (shape.rank() != 4) continue;
    if (shape[1] == 1 || shape[1] == 3) return {known(shape[3]), known(shape[2])};
    if (shape[3] == 1 || shape[3] == 3) return {known(shape[2]), known(shape[1])};
  }
  return {};
}

}  // namespace

int ModelDescription::picture_width() const { return picture_extents(inputs).width; }
int ModelDescription::picture_height() const { return picture_extents(inputs).height; }

std::span<const DecoderDef* const> decoders() {
  static const DecoderDef* const list[] = {
#define OCTET_DECODER(name) &name##_decoder(),
#include "tasks/decoders.inc"
#undef OCTET_DECODER
  };
  return list;
}

const DecoderDef& find_decoder(std::string_view kind) {
  std::vector<std::string_view> kinds;
  for (const DecoderDef* decoder : decoders()) {
    if (decoder->kind == kind) return *decoder;
    kinds.push_back(decoder->kind);
  }
  throw Error(ErrorCode::kInvalidArgument, text("there is no task kind '", kind, "'; the kinds are ", join_words(kinds)),
              suggest_word(kind, kinds));
}

}  // namespace octet
