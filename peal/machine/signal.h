// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "peal/base/alignment.h"

namespace peal {

// One signal as it lies in a window, alone on its cache line. Peers add to `arrived`; `consumed`
// is the owner's alone. Both wrap at 2^32 and are compared by their difference. What is left of the
// line may carry data, which then comes together with its signal.
// Where ranks really wait, peers add to `added`, whose lower half is what has arrived: its upper
// bits are the sum of the stamps of the calls in which they did (see stamped_arrival). One peer may
// count in `stored` instead, which it alone stores; `sleepers` counts those who sleep until there
// are more arrivals; and what the owner has consumed lies in a owner_state elsewhere, so many bytes
// on, because a line that both write to is slow.
struct alignas(cache_line_bytes) SignalCell {
  static constexpr std::size_t payload_bytes = 40;

  union {
    std::uint64_t added = 0;
    std::uint32_t arrived;  // little-endian, as every machine is that Peal runs on
  };
  std::uint64_t stored = 0;
  std::uint32_t sleepers = 0;
  union {
    std::uint32_t consumed = 0;  // where waits are simulated
    std::uint32_t owner_state;   // the distance, where they are real
  };
  std::byte payload[payload_bytes] = {};
};
static_assert(sizeof(SignalCell) == 64 && std::endian::native == std::endian::little);

// What a notify does to a cell.
enum class NotifyOp : std::uint8_t { add, set };

// How a wait compares a cell (as int32) with its value. `reached` asks for cell - value >= 0
// modulo 2^32, so that counts may wrap.
enum class WaitCmp : std::uint8_t { reached, eq, ne, gt, ge, lt, le };

[[nodiscard]] bool holds(WaitCmp cmp, std::uint32_t cell, std::uint32_t value);
// ">=" for `reached`, too.
[[nodiscard]] const char* symbol(WaitCmp cmp);

// A handle of a signal: counts the arrivals of notifies on each rank's own cell. Nobody resets it;
// what was consumed survives from call to call. It names nobody: where more than one rank
// notifies, use a row, or prove that no notifier can be a round ahead.
struct Signal {
  SignalCell* cell = nullptr;
};

// `count` signals side by side, one of which is `row[i]`; Error for any other.
class SignalRow {
 public:
  SignalRow() = default;
  SignalRow(SignalCell* first, int count) : first_(first), count_(count) {}

  [[nodiscard]] Signal operator[](int index) const {
    if (index < 0 || index >= count_) refuse(index);
    return {first_ + index};
  }
  // The signals from one on.
  [[nodiscard]] SignalRow from(int index) const {
    if (index < 0 || index > count_) refuse(index);
    return {first_ + index, count_ - index};
  }
  [[nodiscard]] int count() const { return count_; }

 private:
  [[noreturn]] void refuse(int index) const;

  SignalCell* first_ = nullptr;
  int count_ = 0;
};

}  // namespace peal
