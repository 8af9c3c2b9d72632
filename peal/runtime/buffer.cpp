// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/buffer.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

BufferMemory::~BufferMemory() {
  if (release) release();
}

BufferMemory& Buffer::memory() const {
  if (memory_ == nullptr) {
    throw UsageError(
        "buffer: this handle refers to nothing; use one that Worker::allocate or a domain "
        "has returned");
  }
  return *memory_;
}

Buffer Buffer::part(std::size_t first, std::size_t count) const {
  if (first > count_ || count > count_ - first) {
    throw OutOfRange(fmt::format(
        "buffer `{}`: {} elements from {} on are not within its {}; give a smaller part", name(),
        count, first, count_));
  }
  return {memory_, offset_bytes_ + first * peal::size_bytes(dtype_), count, dtype_};
}

}  // namespace peal
