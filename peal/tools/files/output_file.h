// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct stat;

namespace peal {

// As the path of an output: stdout.
inline constexpr std::string_view stdout_path = "-";

// A file, and the option that names it.
struct NamedFile {
  std::string option;
  std::string path;
};

// Throws Error if an output is the same file as an input of this run or as another output, also
// under a different name. Streams (pipes, devices, stdout) may be shared.
void check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs);
// The list of the files that are given: leaves out the absent ones.
[[nodiscard]] std::vector<NamedFile> named_files(
    std::initializer_list<std::pair<const char*, std::optional<std::string>>> files);

// An output file that is written atomically: commit() makes a regular file appear, or replaces it
// and keeps its mode, in one step. Without commit() nothing is left behind; where the file system
// has unnamed temporary files (O_TMPFILE) that holds even for a program that is killed. Pipes,
// character devices and stdout (`-`) are written directly.
class OutputFile {
 public:
  // Opens a temporary file in the folder of `path`. Throws Error, and so before any work is done,
  // if the path cannot be written or names a file that is executable or not the user's own.
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Throws Error if writing fails, for example because the disk is full.
  void write(std::span<const std::byte> bytes);

  // Renames the temporary file to the target. Call it at most once. Throws as write() does.
  void commit();
  // Writes the text and commits.
  void commit(std::string_view text) {
    write(std::as_bytes(std::span(text)));
    commit();
  }

  // True if the output goes to stdout, so that the program should print nothing else there.
  [[nodiscard]] bool is_stdout() const { return is_stdout_; }

 private:
  void open_existing(const struct stat& status);
  [[nodiscard]] bool open_nameless();
  [[nodiscard]] std::string handle_path() const;
  [[nodiscard]] std::string name_of(int attempt) const;
  void take_name(const std::function<bool()>& create);
  [[noreturn]] void fail(int code, const char* way_out);
  void discard();

  std::string path_;
  std::string target_;
  std::string temporary_;         // name of the temporary file; empty while it has none
  std::optional<unsigned> mode_;  // mode of the file that is replaced, if any
  bool is_stream_ = false;
  bool is_stdout_ = false;
  int file_ = -1;
};

}  // namespace peal
