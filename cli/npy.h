// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "peal/machine/dtype.h"

namespace peal {

// An array as numpy.save() writes it, in C order and little-endian.
struct NpyArray {
  DType dtype = DType::f32;
  std::vector<std::size_t> shape;
  std::vector<std::byte> data;
};

// Reads a .npy file of format version 1.0, 2.0 or 3.0. bf16 is the two-byte void type that
// ml_dtypes saves it as. Throws Error when the file cannot be read, is damaged, or has another
// order or type.
[[nodiscard]] NpyArray read_npy(const std::string& path);

// A .npy file about to be written. The target appears, or is replaced, in one step by commit();
// without it nothing is left behind.
class NpyOutput {
 public:
  // Opens a temporary file beside `path`, so that a path that cannot be written is an Error before
  // any work is done.
  explicit NpyOutput(std::string path);
  ~NpyOutput();
  NpyOutput(const NpyOutput&) = delete;
  NpyOutput& operator=(const NpyOutput&) = delete;

  // Writes the array, whose bytes are `chunks` one after the other, and renames it to the target.
  // To be called at most once. Throws Error when the disk is full or a like reason.
  void commit(DType dtype, std::span<const std::size_t> shape,
              std::span<const std::span<const std::byte>> chunks);

 private:
  void write(std::span<const std::byte> bytes);
  [[noreturn]] void fail(int code, const char* way_out);
  void discard();

  std::string path_;
  std::string target_;
  std::string temporary_;
  int file_ = -1;
};

}  // namespace peal
