// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "peal/base/alignment.h"
#include "peal/base/api.h"

namespace PEAL_API peal {

// One signal in a window, alone on its cache line: a counter of arrivals, which peers increase, and
// which its owner compares with what it has consumed. Counts wrap at 2^32; only differences are
// compared. The rest of the line may carry data, which then arrives together with its signal.
//
// Simulated ranks use `arrived` and `consumed`. Real ranks (executors/shm) use these members:
//   added        peers add to it atomically; the lower 40 bits count arrivals, the upper 24 are the
//                sum of the histories that they carry (calls/call_record.h);
//   stored       the same for one peer, the single writer, which stores its own total; the number
//                of arrivals is the lower half of added + stored (SignalOwnerState has the
//                protocol);
//   sleepers     the futex word of the owner's wait (WaitWord);
//   owner_state  the distance in bytes to the SignalOwnerState, where the owner counts what it has
//                consumed, outside of the line that peers write (false sharing).
struct alignas(cache_line_bytes) SignalCell {
  static constexpr std::size_t payload_bytes = 40;

  union {
    std::uint64_t added = 0;
    std::uint32_t arrived;  // the lower half of `added`: Peal runs on little-endian machines only
  };
  std::uint64_t stored = 0;
  std::uint32_t sleepers = 0;
  union {
    std::uint32_t consumed = 0;  // simulated ranks
    std::uint32_t owner_state;   // real ranks
  };
  std::byte payload[payload_bytes] = {};
};
static_assert(sizeof(SignalCell) == 64 && std::endian::native == std::endian::little);

// What a notify does to a cell.
enum class NotifyOp : std::uint8_t { add, set };

// How a wait compares a cell (as int32) with its value. `reached` asks for cell - value >= 0
// modulo 2^32, so that counts may wrap.
enum class WaitCmp : std::uint8_t { reached, eq, ne, gt, ge, lt, le };

// True if `cell cmp value`.
[[nodiscard]] bool holds(WaitCmp cmp, std::uint32_t cell, std::uint32_t value);
// The operator for reports; ">=" for both `reached` and `ge`.
[[nodiscard]] const char* symbol(WaitCmp cmp);

// A handle of a signal, which has one cell on each rank. A cell counts notifies and is never reset:
// arrivals and what was consumed carry over from call to call. A count does not tell who notified:
// if several ranks notify one cell, use a row with a signal for each, or prove that no notifier can
// be a round ahead of another.
struct Signal {
  SignalCell* cell = nullptr;
};

// `count` signals, of which `row[i]` is one. Throws Error for an index outside of the row.
class SignalRow {
 public:
  SignalRow() = default;
  SignalRow(SignalCell* first, int count) : first_(first), count_(count) {}

  [[nodiscard]] Signal operator[](int index) const {
    if (index < 0 || index >= count_) refuse(index);
    return {first_ + index};
  }
  // The row of signals `index` to count() - 1; may be empty.
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
