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

// Reads a .npy file of format version 1.0, 2.0 or 3.0. bf16 is the two-byte void type that
// ml_dtypes saves it as. Throws Error when the file cannot be read, is damaged, or has another
// order or type.
[[nodiscard]] NpyArray read_npy(const std::string& path);

// A .npy file about to be written: an OutputFile with an array in it.
class NpyOutput {
 public:
  explicit NpyOutput(std::string path);
  [[nodiscard]] bool is_stdout() const { return file_.is_stdout(); }

  // Writes the array, whose bytes are `chunks` one after the other, and commits the file. To be
  // called at most once. Throws Error when the disk is full or for a like reason.
  void commit(DType dtype, std::span<const std::size_t> shape,
              std::span<const std::span<const std::byte>> chunks);

 private:
  OutputFile file_;
};

}  // namespace peal
