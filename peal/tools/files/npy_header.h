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

  // Throws Error, which names the file `path`, when `text` is no such dictionary.
  [[nodiscard]] static NpyHeader parse(const std::string& path, std::string_view text);

  // The element type that `descr` stands for; throws Error when Peal has none.
  [[nodiscard]] DType dtype(const std::string& path) const;
};

// All that precedes the data of an array in a .npy file: magic, version 1.0, length, dictionary,
// and spaces up to a multiple of 64 bytes.
[[nodiscard]] std::string npy_preamble(DType dtype, std::span<const std::size_t> shape);

// As Python writes a tuple: (), (3,), (3, 4).
[[nodiscard]] std::string tuple_text(std::span<const std::size_t> shape);

}  // namespace peal
