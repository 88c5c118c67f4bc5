// Decoders turn a model's outputs into Predictions. One kind of model per file; decoders.inc lists them.
//
// A decoder is made once from the task's parameters and the model's description, and is then const: decode may be called
// from several threads. It expects one frame: batch axis 1.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frames/frame.h"
#include "frames/pipeline_config.h"
#include "tasks/predictions.h"

namespace octet {

// Inputs and outputs have the same three facts.
using OutputDescription = InputDescription;

// What a decoder may know about a model beforehand. Extents may be Shape::kUnknown.
struct ModelDescription {
  std::vector<InputDescription> inputs;
  std::vector<OutputDescription> outputs;

  // Extents of the picture input (rank 4, 1 or 3 channels first or last); 0 where unknown.
  int picture_width() const;
  int picture_height() const;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const = 0;
  virtual int64_t class_count() const { return 0; }   // 0 where the model's description does not tell
};

// What predictions hold, and so which metric fits.
enum class Answer { kClasses, kDetections, kPoints, kValues };

// Sureness of a guess, 0 to 1, and why.
struct Recognition {
  double confidence = 0;
  std::string reason;
};

struct DecoderDef {
  const char* kind;      // the word in the recipe: "yolox"
  const char* summary;   // one line for help texts
  Answer answer;
  double match_iou = 0;  // the metric's default for this kind; 0: COCO's thresholds
  // Takes its parameters from the reader (the caller then refuses those that nobody took).
  std::unique_ptr<Decoder> (*make)(ParameterReader& parameters, const ModelDescription& model);
  // How well a model's outputs fit this decoder.
  Recognition (*recognise)(const ModelDescription& model);
};

std::span<const DecoderDef* const> decoders();
// Throws Error that names the known kinds and the nearest.
const DecoderDef& find_decoder(std::string_view kind);

}  // namespace octet
