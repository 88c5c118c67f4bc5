#include "runtime/session.h"

#include <algorithm>
#include <new>

#include "base/error.h"
#include "onnx/reader.h"

namespace octet {

namespace {

TensorInfo info_of(const Value& value) {
  TensorInfo info;
  info.name = value.name;
  info.dtype = value.dtype;
  info.has_rank = value.shape.has_value();
  if (value.shape) info.shape = *value.shape;
  info.symbols = value.symbols;
  return info;
}

// Extents that only a run reveals may ask for more than there is.
Error out_of_memory() { return Error(ErrorCode::kResourceLimit, "out of memory", "the model or its inputs are too large for this machine"); }

// A plan per shape is kept up to this many; a model fed ever new shapes must not eat the machine.
constexpr size_t kPlansKept = 8;

}  // namespace

Session::Implementation::Implementation(Model source, const SessionOptions& session_options, EngineOptions engine_options)
    : model(std::move(source)), options(session_options), engine(std::move(engine_options)),
      isa(options.isa.empty() ? active_isa() : isa_from_name(options.isa)) {
  require(isa_supported(isa), ErrorCode::kUnsupported, "this machine lacks the instruction set level '", isa_name(isa), "'");
  int threads = options.threads > 0 ? options.threads : hardware_threads();
  Stopwatch watch;
  pool = engine.pool != nullptr ? engine.pool : shared_thread_pool(threads);
  times.threads_ms = watch.milliseconds();
  inputs = model_inputs(model);
  outputs = model_outputs(model);
}

std::vector<TensorInfo> model_inputs(const Model& model) {
  std::vector<TensorInfo> infos;
  for (const Value* value : model.graph->inputs)
    if (!value->is_constant()) infos.push_back(info_of(*value));
  return infos;
}

std::vector<TensorInfo> model_outputs(const Model& model) {
  std::vector<TensorInfo> infos;
  for (const Value* value : model.graph->outputs) infos.push_back(info_of(*value));
  return infos;
}

Execution& Session::Implementation::execution_for(std::span<const Shape> shapes) {
  if (Execution* known = find(shapes, [](const Shape& shape) -> const Shape& { return shape; })) return *known;
  int index = pack != nullptr ? pack->find(shapes) : -1;
  try {
    if (index >= 0 && pack->facts().isa == isa_name(isa)) {
      compiled.push_front(open_packed(*pack, static_cast<size_t>(index)));
    } else if (!options.cache_directory.empty()) {
      compiled.push_front(compile_cached(shapes));
    } else {
      if (!model_read && index >= 0) need_model(text("it was packed for the level ", pack->facts().isa, ", and this run uses ", isa_name(isa)));
      else if (!model_read) need_model("it holds no plan for these input shapes");
      compiled.push_front(compile(shapes, nullptr));
    }
  } catch (const Error& error) {
    throw error.with_file(model.path);
  } catch (const std::bad_alloc&) {
    throw out_of_memory().with_file(model.path);
  }
  if (compiled.size() > kPlansKept) {
    if (last == compiled.back().execution.get()) last = nullptr;
    compiled.pop_back();
  }
  return *compiled.front().execution;
}

Session::Implementation::Compiled Session::Implementation::compile(std::span<const Shape> shapes, std::unique_ptr<Graph>* before_layout) {
  Stopwatch watch;
  std::unique_ptr<Graph> graph = model.graph->clone();
  size_t next = 0;
  std::vector<Value*> fed;
  for (Value* value : graph->inputs)
    if (!value->is_constant()) {
      value->shape = shapes[next++];
      fed.push_back(value);
    }
  graph->inputs = fed;
  PassOptions pass_options;
  pass_options.pool = pool.get();
  pass_options.disabled = engine.disabled_passes;
  pass_options.report = engine.pass_report;
  std::span<const Pass> passes = engine_passes();   // choose-layout is the last
  run_passes(*graph, passes.first(passes.size() - 1), pass_options);
  if (before_layout != nullptr) *before_layout = graph->clone();
  run_passes(*graph, passes.last(1), pass_options);
  Compiled fresh;
  fresh.shapes.assign(shapes.begin(), shapes.end());
  fresh.plan = compile_plan(std::move(graph), {isa, pool->threads(), pool.get(), nullptr});
  fresh.execution = std::make_unique<Execution>(*fresh.plan, *pool, options.profile);
  times.plan_ms += watch.milliseconds();
  return fresh;
}

bool Session::Implementation::start_if_fixed() {
  std::vector<Shape> shapes;
  for (const TensorInfo& input : inputs) {
    if (!input.has_rank || !input.shape.is_concrete()) return false;
    shapes.push_back(input.shape);
  }
  execution_for(shapes);
  return true;
}

Session make_session(Model model, const SessionOptions& options, EngineOptions engine) {
  auto implementation = std::make_unique<Session::Implementation>(std::move(model), options, std::move(engine));
  implementation->start_if_fixed();
  return Session(std::move(implementation));
}

Session Session::open(const std::string& path, const SessionOptions& options) {
  if (looks_like_pack(path)) return open_pack(path, options);
  if (!options.cache_directory.empty()) return open_cached(path, options);
  Stopwatch watch;
  Model model = read_model(path);
  double read_ms = watch.milliseconds();
  Session session = make_session(std::move(model), options);
  session.implementation().times.read_ms = read_ms;
  return session;
}

Session::Session(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

const std::vector<TensorInfo>& Session::inputs() const { return implementation_->inputs; }
const std::vector<TensorInfo>& Session::outputs() const { return implementation_->outputs; }

std::string Session::metadata(std::string_view key) const {
  const std::string* value = implementation_->model.find_metadata(key);
  return value != nullptr ? *value : std::string();
}

namespace {

// Throws when a tensor of this type and shape cannot be this input.
void check_input(const TensorInfo& info, const Shape& shape, const char* hint = "free extents are shown as ?") {
  if (!info.has_rank) return;
  bool fits = shape.rank() == info.shape.rank();
  for (int axis = 0; fits && axis < shape.rank(); ++axis) fits = info.shape[axis] == Shape::kUnknown || info.shape[axis] == shape[axis];
  if (!fits)
    throw Error(ErrorCode::kShapeMismatch, text("input '", info.name, "' has the shape ", shape, ", but the model takes ", info.shape),
                hint);
}

}  // namespace

void Session::prepare(std::span<const Shape> shapes) {
  const auto& infos = implementation_->inputs;
  require(shapes.size() == infos.size(), ErrorCode::kInvalidArgument, "the model takes ", infos.size(), " inputs, ", shapes.size(), " shapes were given");
  for (size_t i = 0; i < shapes.size(); ++i) check_input(infos[i], shapes[i]);
  implementation_->last = &implementation_->execution_for(shapes);
}

const std::vector<Tensor>& Session::run(std::span<const Tensor> inputs) {
  const auto& infos = implementation_->inputs;
  const std::string& file = implementation_->model.path;
  try {
    require(inputs.size() == infos.size(), ErrorCode::kInvalidArgument, "the model takes ", infos.size(), " inputs, ", inputs.size(), " were given");
    for (size_t i = 0; i < inputs.size(); ++i) {
      require(inputs[i].dtype() == infos[i].dtype, ErrorCode::kShapeMismatch, "input '", infos[i].name, "' is ", inputs[i].dtype(),
              ", but the model takes ", infos[i].dtype);
      check_input(infos[i], inputs[i].shape());
    }
    Execution* execution = implementation_->find(inputs, [](const Tensor& input) -> const Shape& { return input.shape(); });
    if (execution == nullptr) {
      std::vector<Shape> shapes;
      for (const Tensor& input : inputs) shapes.push_back(input.shape());
      execution = &implementation_->execution_for(shapes);
    }
    implementation_->last = execution;
    return execution->run(inputs, {}, implementation_->engine.sink);
  } catch (const Error& error) {
    throw error.with_file(file);
  } catch (const std::bad_alloc&) {
    throw out_of_memory().with_file(file);
  }
}

std::vector<StepProfile> Session::profile() const {
  std::vector<StepProfile> report;
  const Execution* execution = implementation_->last;
  if (execution == nullptr || !implementation_->options.profile) return report;
  const Plan& plan = execution->plan();
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    StepProfile& line = report.emplace_back();
    line.layer = step.node->name.empty() && step.node->output(0) != nullptr ? step.node->output(0)->name : step.node->name;
    line.operator_type = step.node->op->name;
    line.kernel = step.kernel_name;
    if (step.node->output(0) != nullptr && step.node->output(0)->shape) line.output_shape = step.node->output(0)->shape->to_string();
    line.macs = step.cost.macs;
    line.bytes = step.cost.weight_bytes + step.cost.activation_bytes;
    line.weight_bytes = step.cost.weight_bytes;
    for (const Value* input : step.node->inputs) line.is_integer |= input != nullptr && (input->dtype == DType::kInt8 || input->dtype == DType::kUInt8);
    line.milliseconds = execution->step_milliseconds(s);
  }
  return report;
}

void Session::reset_profile() {
  for (auto& compiled : implementation_->compiled) compiled.execution->reset_profile();
}

const std::vector<std::string>& Session::notes() const { return implementation_->notes; }
const OpeningTimes& Session::opening() const { return implementation_->times; }
std::string Session::isa() const { return isa_name(implementation_->isa); }
int Session::threads() const { return implementation_->pool->threads(); }

int64_t Session::memory_bytes() const {
  int64_t bytes = 0;
  for (const auto& compiled : implementation_->compiled) bytes += compiled.execution->memory_bytes();
  return bytes;
}

std::vector<Shape> default_shapes(std::span<const TensorInfo> inputs, const std::map<std::string, Shape>& wanted) {
  std::vector<Shape> shapes;
  for (const auto& [name, shape] : wanted) {
    bool known = false;
    for (const TensorInfo& input : inputs) known |= input.name == name;
    require(known, ErrorCode::kInvalidArgument, "--shape names '", name, "', which is no input of the model");
  }
  // A free axis means one extent wherever its name stands.
  std::map<std::string, int64_t> extents;
  auto symbol = [](const TensorInfo& input, int axis) {
    return static_cast<size_t>(axis) < input.symbols.size() ? input.symbols[static_cast<size_t>(axis)] : std::string();
  };
  for (const TensorInfo& input : inputs)
    if (auto it = wanted.find(input.name); it != wanted.end())
      for (int axis = 0; axis < it->second.rank(); ++axis)
        if (std::string name = symbol(input, axis); !name.empty()) extents.emplace(name, it->second[axis]);
  for (const TensorInfo& input : inputs) {
    if (auto it = wanted.find(input.name); it != wanted.end()) {
      check_input(input, it->second, "give --shape an extent for every axis, and the model's own where it is fixed; free ones are shown as ?");
      shapes.push_back(it->second);
      continue;
    }
    require(input.has_rank, ErrorCode::kInvalidArgument, "the rank of input '", input.name, "' is free: give its shape with --shape");
    Shape shape = input.shape;
    bool picture = shape.rank() == 4;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] != Shape::kUnknown) continue;
      bool channels_first = picture && (input.shape[1] == 1 || input.shape[1] == 3 || input.shape[1] == Shape::kUnknown);
      std::string name = symbol(input, axis);
      if (auto known = extents.find(name); known != extents.end()) shape[axis] = known->second;
      else if (axis == 0) shape[axis] = 1;
      else if (picture && axis == 1 && channels_first) shape[axis] = 3;
      else shape[axis] = picture ? 320 : 32;
      if (!name.empty()) extents.emplace(name, shape[axis]);
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::string hint_on_shapes(std::span<const TensorInfo> inputs, std::span<const Shape> shapes) {
  std::string assumed;
  for (size_t i = 0; i < inputs.size() && i < shapes.size(); ++i) {
    const Shape& shape = inputs[i].shape;
    bool open = !inputs[i].has_rank || std::find(shape.begin(), shape.end(), Shape::kUnknown) != shape.end();
    if (open) assumed += text(assumed.empty() ? "" : ", ", inputs[i].name, "=", shapes[i]);
  }
  return assumed.empty() ? assumed : text("where the model leaves shapes open, ", assumed, " was taken: give others with --shape");
}

}  // namespace octet
