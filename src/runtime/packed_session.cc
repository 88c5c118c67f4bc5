// Sessions on packs and on the cache, and the making of packs.
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <optional>

#include "base/error.h"
#include "base/mapped_file.h"
#include "octet/arrays.h"
#include "octet/version.h"
#include "onnx/reader.h"
#include "runtime/session.h"

namespace octet {

namespace {

std::string hexadecimal(uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

uint64_t hash_of(const std::string& bytes) { return octet::hash_of(std::as_bytes(std::span(bytes))); }

bool same_file(const PackSource& a, const PackSource& b) {
  return a.path == b.path && a.bytes == b.bytes && a.inode == b.inode && a.modified_ns == b.modified_ns;
}

// Everything that an entry must agree with; the name of its file follows from it. Input shapes are no part of it. The program itself is:
// a rebuilt one may pack in another order.
std::string cache_key(const PackSource& model, Isa isa) {
  const PackSource program = identify("/proc/self/exe");
  return text(version(), '|', program.bytes, '|', program.modified_ns, '|', isa_name(isa), '|', model.path, '|', model.inode, '|', model.bytes, '|', model.modified_ns);
}

std::string entry_path(const std::string& directory, const std::string& key, std::span<const Shape> shapes) {
  std::string name = hexadecimal(hash_of(key));
  if (!shapes.empty()) {
    std::string list;
    for (const Shape& shape : shapes) list += shape.to_string() + ",";
    name += "-" + hexadecimal(hash_of(list));
  }
  return text(directory, '/', name, ".octet");
}

// An entry of the cache, or null when there is none that can be trusted.
std::shared_ptr<const Pack> find_entry(const std::string& path, const PackSource& model, Isa isa) {
  try {
    if (!looks_like_pack(path)) return nullptr;
    std::shared_ptr<const Pack> pack = Pack::open(path);
    const PackFacts& facts = pack->facts();
    bool fits = facts.isa == isa_name(isa) && facts.version == version() && facts.options == "cache" && same_file(facts.source, model) && pack->size() == 1;
    return fits ? pack : nullptr;
  } catch (const Error&) {
    return nullptr;   // damaged: it is made again
  }
}

}  // namespace

PackFacts facts_of(const Model& model, Isa isa, std::string options) {
  PackFacts facts;
  facts.isa = isa_name(isa);
  facts.version = version();
  facts.options = std::move(options);
  facts.source = identify(model.path);
  facts.metadata = model.metadata;
  facts.inputs = model_inputs(model);
  facts.outputs = model_outputs(model);
  return facts;
}

Session::Implementation::Compiled Session::Implementation::open_packed(const Pack& from, size_t index) {
  Compiled fresh;
  std::exception_ptr error;
  Stopwatch watch;
  double plan_ms = 0;
  auto build = [&] {
    try {
      Stopwatch own;
      Pack::Loaded loaded = from.load(index);
      PassOptions pass_options;
      pass_options.report = engine.pass_report;
      run_passes(*loaded.graph, engine_passes().last(1), pass_options);
      fresh.shapes = from.shapes(index);
      fresh.plan = compile_plan(std::move(loaded.graph), {isa, pool->threads(), pool.get(), &loaded.stored});
      fresh.execution = std::make_unique<Execution>(*fresh.plan, *pool, options.profile);
      plan_ms = own.milliseconds();
    } catch (...) {
      error = std::current_exception();
    }
  };
  // Building the plan is one task beside the checksums, which bring the pages in as well.
  bool first_plan = &from != pack.get() || compiled.empty();
  bool verify = options.verify_weights && !weights_verified;
  std::atomic<bool> whole{true};
  pool->parallel_for(1 + (first_plan || verify ? static_cast<int64_t>(from.pieces()) : 0), 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      auto piece = static_cast<size_t>(i - 1);
      if (i == 0) build();
      else if (!verify) from.bring_in_piece(piece);
      else if (!from.verify_piece(piece)) whole = false;
    }
  });
  times.plan_ms += plan_ms;
  times.verify_ms += watch.milliseconds() - plan_ms;
  if (!whole) throw Error(ErrorCode::kInvalidModel, "the pack is damaged: the checksum of a block of weights is wrong", "make it again with: octet pack");
  if (error != nullptr) std::rethrow_exception(error);
  if (&from == pack.get()) weights_verified |= verify;
  return fresh;
}

void Session::Implementation::need_model(const std::string& why) {
  if (model_read) return;
  const PackSource& source = pack->facts().source;
  // Where it was, or beside the pack.
  auto name_of = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  size_t slash = model.path.rfind('/');
  std::string beside = (slash == std::string::npos ? std::string() : model.path.substr(0, slash + 1)) + name_of(source.path);
  for (const std::string& path : {source.path, beside}) {
    PackSource found = identify(path);
    if (found.path.empty() || found.bytes != source.bytes) continue;
    bool same = same_file(found, source) || octet::hash_of(MappedFile::open(path)->bytes()) == source.hash;
    if (!same) continue;
    Model again = read_model(path);
    again.path = model.path;
    model = std::move(again);
    model_read = true;
    notes.push_back(text(why, ": compiled again from ", path));
    return;
  }
  throw Error(ErrorCode::kUnsupported, text("this pack cannot be used: ", why, ", and the model it was made of (", source.path, ") is gone or has changed"),
              "make it again with: octet pack");
}

Session::Implementation::Compiled Session::Implementation::compile_cached(std::span<const Shape> shapes) {
  const std::string key = cache_key(cached, isa);
  const std::string first = entry_path(options.cache_directory, key, {}), own = entry_path(options.cache_directory, key, shapes);
  if (auto entry = find_entry(own, cached, isa)) {
    try {
      if (int index = entry->find(shapes); index >= 0) {
        weights_verified = false;
        return open_packed(*entry, static_cast<size_t>(index));
      }
    } catch (const Error&) {   // damaged: it is made again
    }
  }
  if (!model_read) {
    Model source = read_model(cached.path);
    source.path = model.path;
    model = std::move(source);
    model_read = true;
  }
  std::unique_ptr<Graph> before_layout;
  Compiled fresh = compile(shapes, &before_layout);
  PackFacts facts = facts_of(model, isa, "cache");
  if (!same_file(facts.source, cached)) return fresh;   // the model has changed under our hands: keep no mixture
  PackedGraph packed{fresh.shapes, before_layout.get(), fresh.plan.get(), absent_constants(*before_layout, *fresh.plan->graph, *fresh.plan)};
  try {
    if (mkdir(options.cache_directory.c_str(), 0777) != 0 && errno != EEXIST) errno = 0;   // writing says what is wrong
    write_pack(pack == nullptr ? first : own, facts, {&packed, 1});
  } catch (const Error& error) {
    notes.push_back(text("the compiled model could not be cached: ", error.what()));
  }
  return fresh;
}

Session open_pack(const std::string& path, const SessionOptions& options) {
  Stopwatch watch;
  std::shared_ptr<const Pack> pack = Pack::open(path);
  double read_ms = watch.milliseconds();
  Model empty;
  empty.path = path;
  empty.metadata = pack->facts().metadata;
  auto implementation = std::make_unique<Session::Implementation>(std::move(empty), options, EngineOptions{});
  implementation->options.cache_directory.clear();   // a pack needs none
  implementation->times.read_ms = read_ms;
  implementation->pack = pack;
  implementation->model_read = false;
  implementation->inputs = pack->facts().inputs;
  implementation->outputs = pack->facts().outputs;
  const PackSource& source = pack->facts().source;
  if (PackSource now = identify(source.path); !now.path.empty() && !same_file(now, source)) {
    bool same = now.bytes == source.bytes && hash_of(MappedFile::open(source.path)->bytes()) == source.hash;
    if (!same) implementation->notes.push_back(text(source.path, " has changed since this pack was made of it"));
  }
  // A pack of one plan takes the shapes of that; one of several is as free as the model.
  if (pack->size() == 1) {
    for (size_t i = 0; i < implementation->inputs.size(); ++i) {
      implementation->inputs[i].shape = pack->shapes(0)[i];
      implementation->inputs[i].has_rank = true;
      implementation->inputs[i].symbols.clear();
    }
    implementation->execution_for(pack->shapes(0));
  }
  return Session(std::move(implementation));
}

Session open_cached(const std::string& path, const SessionOptions& options) {
  PackSource identity = identify(path);
  if (identity.path.empty()) return make_session(read_model(path), options);   // says what is wrong with it
  Isa isa = options.isa.empty() ? active_isa() : isa_from_name(options.isa);
  std::shared_ptr<const Pack> pack = find_entry(entry_path(options.cache_directory, cache_key(identity, isa), {}), identity, isa);
  auto start = [&](std::shared_ptr<const Pack> entry) {
    Model model;
    if (entry == nullptr) model = read_model(path);
    else model.metadata = entry->facts().metadata;
    model.path = path;
    auto implementation = std::make_unique<Session::Implementation>(std::move(model), options, EngineOptions{});
    implementation->cached = identity;
    implementation->pack = entry;
    if (entry != nullptr) {
      implementation->model_read = false;
      implementation->inputs = entry->facts().inputs;
      implementation->outputs = entry->facts().outputs;
    }
    if (!implementation->start_if_fixed() && entry != nullptr) implementation->execution_for(entry->shapes(0));   // damage shows now, while it can be mended
    return Session(std::move(implementation));
  };
  if (pack != nullptr) {
    try {
      return start(pack);
    } catch (const Error&) {   // damaged: it is made again
    }
  }
  return start(nullptr);
}

void pack_model(const std::string& path, const std::string& output, const PackOptions& options) {
  if (looks_like_pack(path)) throw Error(ErrorCode::kInvalidArgument, "this is a pack already", "give the model it was made of").with_file(path);
  pack_model(read_model(path), output, options, hash_of(MappedFile::open(path)->bytes()));
}

void pack_model(Model model, const std::string& output, const PackOptions& options, uint64_t hash) {
  SessionOptions session_options;
  session_options.threads = options.threads;
  session_options.isa = options.isa;
  const std::string path = model.path;
  Session::Implementation session(std::move(model), session_options, EngineOptions{});
  std::vector<std::map<std::string, Shape>> wanted = options.shapes;
  if (wanted.empty()) wanted.emplace_back();
  std::vector<Session::Implementation::Compiled> plans;
  std::vector<std::unique_ptr<Graph>> graphs;
  std::vector<PackedGraph> packed;
  try {
    for (const auto& shapes : wanted) {
      std::vector<Shape> list = default_shapes(session.inputs, shapes);
      plans.push_back(session.compile(list, &graphs.emplace_back()));
      packed.push_back({std::move(list), graphs.back().get(), plans.back().plan.get(), absent_constants(*graphs.back(), *plans.back().plan->graph, *plans.back().plan)});
    }
  } catch (const Error& error) {
    throw error.with_file(path);
  }
  PackFacts facts = facts_of(session.model, session.isa, "");
  facts.source.hash = hash;
  write_pack(output, facts, packed);
}

}  // namespace octet
