// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace peal {

// A file about to be written. The target appears, or is replaced, in one step by commit(); without
// it nothing is left behind, even by a program that is killed where the file system has files
// without names.
class OutputFile {
 public:
  // Opens a temporary file in the folder of `path`, so that a path that cannot be written is an
  // Error before any work is done.
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

 private:
  [[nodiscard]] bool open_nameless();
  [[nodiscard]] std::string handle_path() const;
  [[nodiscard]] std::string name_of(int attempt) const;
  void take_name(const std::function<bool()>& create);
  [[noreturn]] void fail(int code, const char* way_out);
  void discard();

  std::string path_;
  std::string target_;
  std::string temporary_;  // the name of the file so far; empty while it has none
  int file_ = -1;
};

}  // namespace peal
