// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "peal/machine/dtype.h"
#include "peal/machine/view.h"

namespace peal {

// The memory that buffers refer to, on one device of a worker. It is given back with its last
// Buffer, and not before the end of the runs that use it.
struct BufferMemory {
  BufferMemory() = default;
  ~BufferMemory();
  BufferMemory(const BufferMemory&) = delete;
  BufferMemory& operator=(const BufferMemory&) = delete;

  std::uint64_t worker = 0;  // identifies it
  std::string name;
  int device = 0;  // its number, and its place among the worker's
  int device_index = 0;
  std::byte* data = nullptr;
  std::size_t size_bytes = 0;
  bool in_window = false;
  std::string gone = {};               // why it cannot be used any more, such as "was freed"
  int runs = 0;                        // in flight, that use it
  std::function<void()> release = {};  // gives it back to the devices
};

// `count` elements of `dtype` in the memory of one device of a worker: all or a part of what
// Worker::allocate returned, or of a domain's window. A handle: copies refer to the same memory.
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::shared_ptr<BufferMemory> memory, std::size_t offset_bytes, std::size_t count,
         DType dtype)
      : memory_(std::move(memory)), offset_bytes_(offset_bytes), count_(count), dtype_(dtype) {}

  [[nodiscard]] int device() const { return memory().device; }
  [[nodiscard]] const std::string& name() const { return memory().name; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] DType dtype() const { return dtype_; }

  // `count` elements from element `first` on; throws OutOfRange when there are not as many.
  [[nodiscard]] Buffer part(std::size_t first, std::size_t count) const;

  // For the runtime. Throws Error for a handle that refers to nothing.
  [[nodiscard]] BufferMemory& memory() const;
  [[nodiscard]] const std::shared_ptr<BufferMemory>& shared() const { return memory_; }
  // What is gone has no place, but a length and a type.
  [[nodiscard]] View view() const {
    std::byte* const data = memory().data;
    return {data == nullptr ? nullptr : data + offset_bytes_, count_, dtype_};
  }

 private:
  std::shared_ptr<BufferMemory> memory_;
  std::size_t offset_bytes_ = 0;
  std::size_t count_ = 0;
  DType dtype_ = DType::u8;
};

}  // namespace peal
