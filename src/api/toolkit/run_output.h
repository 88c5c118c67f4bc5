// Where the answers of `run` go: nowhere, into one file, or into a folder with one file per frame.
#pragma once

#include <span>
#include <string>

namespace octet {

// The name of a frame's file in a folder, without its suffix: the id without the file's extension, its number in a video or array
// with at least six digits. "a/1.jpg" → "a/1", "v.avi#3" → "v_000003". Different ids give different names as long as
// `keep_extension` is set wherever two files differ in nothing else (1.jpg, 1.jpeg).
std::string answer_name(const std::string& id, bool keep_extension);

// Whether two of the files differ only in their extension.
bool needs_extensions(std::span<const std::string> file_ids);

class RunOutput {
 public:
  // Only looks at the path; throws Error for one that nothing can be written to.
  explicit RunOutput(const std::string& path);

  bool wanted() const { return kind_ != Kind::kNone; }
  bool is_picture() const { return kind_ == Kind::kPicture; }
  bool is_arrays() const { return kind_ == Kind::kArrays; }
  bool is_folder() const { return kind_ == Kind::kFolder; }

  // Makes the folder where one is meant. `file_ids`: of all files that frames may come from.
  void prepare(std::span<const std::string> file_ids);
  // The file for this frame; `suffix` is that of files in a folder. Makes the folders on the way.
  std::string file_for(const std::string& id, const char* suffix) const;

 private:
  enum class Kind { kNone, kPicture, kArrays, kFolder };

  std::string path_;
  Kind kind_ = Kind::kNone;
  bool keep_extensions_ = false;
};

}  // namespace octet
