#include "options.h"

#include <charconv>
#include <cstdio>

#include "octet/arrays.h"

namespace octet {

CLI::Validator at_least_one() {
  return CLI::Validator(
      [](std::string& given) {
        int64_t value = 0;
        auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
        bool good = error == std::errc() && end == given.data() + given.size() && value >= 1;
        return good ? std::string() : "'" + given + "' is not a whole number of at least 1";
      },
      "");
}

void add_data_options(CLI::App& app, DataOptions& data) {
  app.add_option("--data", data.frames, "frames: a folder of pictures, a picture, a video, camera:0, .npy, .npz; a part of it: DIR[:100]")->type_name("FRAMES");
  app.add_option("--labels", data.labels, "labels of the frames: COCO JSON, csv, a folder of YOLO txt, 'folders'")->type_name("PATH");
  app.add_option("--recipe", data.recipe, "TOML file with preprocessing, task and quantization (default: what the model carries)")->type_name("FILE");
  app.add_option("--frames", data.limit, "at most N frames (default: all)")->type_name("N")->check(at_least_one());
}

void add_session_options(CLI::App& app, SessionOptions& session) {
  app.add_option("--threads", session.threads, "worker threads (default: all processors)")->type_name("N")->check(at_least_one());
  app.add_option("--isa", session.isa, "force an instruction set level: reference, avx2, avx512vnni, amx, neon, dotprod, ...")->type_name("LEVEL");
}

void add_cache_option(CLI::App& app, SessionOptions& session) {
  app.add_option("--cache", session.cache_directory, "keep the compiled model there: the next start is as fast as from a pack")->type_name("FOLDER");
}

void add_shape_option(CLI::App& app, std::map<std::string, Shape>& shapes) {
  app.add_option_function<std::vector<std::string>>(
         "--shape", [&shapes](const std::vector<std::string>& given) {
           for (const std::string& text : given) shapes.insert(parse_named_shape(text));
         },
         "shape of a free input, NAME=1x3x224x224; may be repeated")
      ->type_name("NAME=SHAPE")
      ->take_all();
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace octet
