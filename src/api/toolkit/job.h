// What every job of the toolkit starts with: the recipe, the frames, the task.
#pragma once

#include <memory>
#include <string>

#include "frames/dataset.h"
#include "frames/pipeline_config.h"
#include "graph/graph.h"
#include "measure/frame_stream.h"
#include "octet/toolkit.h"
#include "quantize/recipe.h"
#include "tasks/task.h"

namespace octet {

struct Instructions {
  Recipe recipe;             // how to quantize
  std::vector<std::string> keys;   // those that the file's [quantize] has
  PipelineConfig pipeline;   // preprocessing, inputs, labels, task: each of the recipe file, else what the model carries
};

// `recipe_path` may be empty. `base`: what the recipe says where the file does not.
Instructions read_instructions(const std::string& recipe_path, const Model& model, const Recipe& base = {});
// The same with the first model that carries anything.
Instructions read_instructions(const std::string& recipe_path, std::initializer_list<const Model*> models, const Recipe& base = {});

// Throws Error when no file can be written at `path`: its folder is missing, or it is a folder itself. Before the work, not after it.
void check_output(const std::string& path);

// Throws Error when `data.frames` is empty.
std::unique_ptr<FrameSource> open_source(const DataOptions& data, const PipelineConfig& pipeline, std::span<const TensorInfo> inputs,
                                         bool keep_picture = false, bool random_order = false);
// Throws Error where an input holds NaN or infinite values, which no range can be chosen from.
void check_finite(const Frame& frame);
// Borrows the source.
FrameStream stream_of(FrameSource& source);

// The model's task; null where the pipeline names none, or it is "auto" and nothing fits.
std::unique_ptr<Task> task_of(const PipelineConfig& pipeline, std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs,
                              const LabelNames& names);

// Tells model files apart, whatever they are called.
std::string fingerprint_of(const std::string& path);
// Throws Error where labels have classes that the model does not, or where it is not known which class is which.
void check_labels(const Task& task, const FrameSource& source);
// What a reader of the score ought to know about its labels; empty: nothing.
std::string note_on_labels(const FrameSource& source);

}  // namespace octet
