// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace peal {

// A file about to be written. The target appears, or is replaced, in one step by commit(); without
// it nothing is left behind.
class OutputFile {
 public:
  // Opens a temporary file beside `path`, so that a path that cannot be written is an Error before
  // any work is done.
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Throws Error when the disk is full or for a like reason.
  void write(std::span<const std::byte> bytes);

  // Renames what was written to the target; to be called at most once. Throws as write() does.
  void commit();

 private:
  [[noreturn]] void fail(int code, const char* way_out);
  void discard();

  std::string path_;
  std::string target_;
  std::string temporary_;
  int file_ = -1;
};

}  // namespace peal
