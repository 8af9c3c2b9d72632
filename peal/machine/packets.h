// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/base/api.h"
#include "peal/machine/signal.h"

namespace PEAL_API peal {

// A place in a window for up to max_bytes of data that arrive together with their notification: a
// low-latency (LL) protocol, in which the receiver polls the data itself. Only one rank may put to
// a place, and it must not put again before it knows that its last put was taken.
struct Packets {
  static constexpr std::size_t max_bytes = 2072;

  std::byte* data = nullptr;  // its layout is private to the device
  Signal signal;
};

// `count` places, of which `row[i]` is one. Throws Error for an index outside of the row.
class PacketRow {
 public:
  PacketRow() = default;
  // The strides are the distances in bytes between the data, and the signals, of adjacent places.
  PacketRow(const Packets& first, std::size_t data_stride, std::size_t signal_stride, int count)
      : first_(first), data_stride_(data_stride), signal_stride_(signal_stride), count_(count) {}

  [[nodiscard]] Packets operator[](int index) const {
    if (index < 0 || index >= count_) refuse(index);
    const auto at = static_cast<std::size_t>(index);
    auto* const signals = reinterpret_cast<std::byte*>(first_.signal.cell);
    return {first_.data + at * data_stride_,
            {reinterpret_cast<SignalCell*>(signals + at * signal_stride_)}};
  }
  [[nodiscard]] int count() const { return count_; }

 private:
  [[noreturn]] void refuse(int index) const;

  Packets first_;
  std::size_t data_stride_ = 0, signal_stride_ = 0;
  int count_ = 0;
};

}  // namespace peal
