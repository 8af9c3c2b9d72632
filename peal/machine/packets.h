// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/machine/signal.h"

namespace peal {

// A place in a window for a little data that comes together with the news of it, so that whoever
// waits for it needs no second trip to fetch it (other libraries call that a low-latency protocol).
// One rank alone puts there, and not again before it knows that what it has put was taken.
struct Packets {
  static constexpr std::size_t max_bytes = 2072;

  std::byte* data = nullptr;  // how they lie there is the device's own
  Signal signal;
};

// `count` such places, one of which is `row[i]`; Error for any other.
class PacketRow {
 public:
  PacketRow() = default;
  // The data and signals of two that follow one another lie so many bytes apart.
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
