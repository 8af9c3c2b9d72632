// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "peal/machine/dtype.h"
#include "peal/tools/files/output_file.h"

namespace peal {

// An array as numpy.save() writes it, in C order and little-endian.
struct NpyArray {
  DType dtype = DType::f32;
  std::vector<std::size_t> shape;
  std::vector<std::byte> data;
};

// Reads a .npy file of format version 1.0, 2.0 or 3.0. A two-byte void type is read as bf16,
// because ml_dtypes saves bf16 so. Throws Error if the file cannot be read, is malformed, or has an
// unsupported order or type.
[[nodiscard]] NpyArray read_npy(const std::string& path);

// A .npy file that is being written: an OutputFile for one array.
class NpyOutput {
 public:
  explicit NpyOutput(std::string path);
  [[nodiscard]] bool is_stdout() const { return file_.is_stdout(); }

  // Writes the array, whose bytes are the concatenation of `chunks`, and commits the file. Call it
  // at most once. Throws Error if writing fails, for example because the disk is full.
  void commit(DType dtype, std::span<const std::size_t> shape,
              std::span<const std::span<const std::byte>> chunks);

 private:
  OutputFile file_;
};

}  // namespace peal
