// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "peal/base/api.h"
#include "peal/machine/dtype.h"
#include "peal/machine/view.h"

namespace PEAL_API peal {

// The memory that buffers refer to, on one device of a worker. It is freed with its last Buffer;
// runs that use it hold a reference until they end.
struct BufferMemory {
  BufferMemory() = default;
  ~BufferMemory();
  BufferMemory(const BufferMemory&) = delete;
  BufferMemory& operator=(const BufferMemory&) = delete;

  std::uint64_t worker = 0;  // WorkerState::id
  std::string name;
  int device = 0;  // device number
  int device_index = 0;
  std::byte* data = nullptr;
  std::size_t size_bytes = 0;
  bool in_window = false;
  std::string gone = {};               // why it cannot be used any more; empty while it can
  int runs = 0;                        // number of runs that use it and have not ended
  std::function<void()> release = {};  // frees the memory on the device
};

// A handle of `count` elements of `dtype` in the memory of one device: all or a part of what
// Worker::allocate returned, or of a domain's window. Copies refer to the same memory.
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

  // The `count` elements from element `first` on; throws OutOfRange if there are fewer.
  [[nodiscard]] Buffer part(std::size_t first, std::size_t count) const;

  // For the runtime. Throws Error for a default-constructed handle.
  [[nodiscard]] BufferMemory& memory() const;
  [[nodiscard]] const std::shared_ptr<BufferMemory>& shared() const { return memory_; }
  // The view of memory that is gone has null data, but its length and type.
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
