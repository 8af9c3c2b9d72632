// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// A tensor argument of a kernel: a buffer, an offset into it and a shape; 128 bytes.
struct ChipTensor {
  struct Buffer {
    std::uint64_t addr = 0;
    std::uint64_t size = 0;
  } buffer;
  std::uint64_t start_offset = 0;  // elements
  std::uint32_t shapes[5] = {};
  std::uint32_t strides[5] = {};
  std::uint32_t ndims = 0;
  std::int32_t dtype = 0;
  std::uint8_t reserved[56] = {};
};
static_assert(sizeof(ChipTensor) == 128);
using Tensor = ChipTensor;
using TaskTensor = ChipTensor;
