// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peal/machine/dtype.h"

namespace peal {

inline constexpr std::string_view npy_magic = "\x93NUMPY";

// The Python dictionary at the head of a .npy file.
struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::size_t> shape;

  // Parses the dictionary. Throws Error, which names the file `path`, if `text` is malformed.
  [[nodiscard]] static NpyHeader parse(const std::string& path, std::string_view text);

  // The element type that `descr` denotes; throws Error if Peal does not support it.
  [[nodiscard]] DType dtype(const std::string& path) const;
};

// Everything before the data in a .npy file: magic, version 1.0, length and dictionary, padded with
// spaces to a multiple of 64 bytes.
[[nodiscard]] std::string npy_preamble(DType dtype, std::span<const std::size_t> shape);

// A shape as a Python tuple: (), (3,), (3, 4).
[[nodiscard]] std::string tuple_text(std::span<const std::size_t> shape);

}  // namespace peal
