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

// Stands for stdout where the path of an output is asked for.
inline constexpr std::string_view stdout_path = "-";

// A file that an option names.
struct NamedFile {
  std::string option;
  std::string path;
};

// Throws Error for an output that is also an input of this run, or is named by two options, under
// whatever names; streams may be.
void check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs);
// The same, leaving out what is not given.
[[nodiscard]] std::vector<NamedFile> named_files(
    std::initializer_list<std::pair<const char*, std::optional<std::string>>> files);

// An output about to be written. A regular file appears, or is replaced with the mode that it had,
// in one step by commit(); without it nothing is left behind, even by a program that is killed
// where the file system has files without names. A pipe or a character device is written as it is,
// and so is stdout, which `-` names.
class OutputFile {
 public:
  // Opens a temporary file in the folder of `path`, so that a path that cannot be written is an
  // Error before any work is done; and so is an existing file that is not the user's, or that may
  // be executed.
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Throws Error when the disk is full or for a like reason.
  void write(std::span<const std::byte> bytes);

  // Renames what was written to the target; to be called at most once. Throws as write() does.
  void commit();
  // Writes the text, and that.
  void commit(std::string_view text) {
    write(std::as_bytes(std::span(text)));
    commit();
  }

  // Whether it goes where this program prints, so that nothing else should.
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
  std::string temporary_;         // the name of the file so far; empty while it has none
  std::optional<unsigned> mode_;  // of the file that is replaced
  bool is_stream_ = false;
  bool is_stdout_ = false;
  int file_ = -1;
};

}  // namespace peal
