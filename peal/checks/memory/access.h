// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/checks/findings.h"
#include "peal/checks/order/lane_clock.h"

namespace peal {

// One access to memory. Small, because an AccessHistory keeps one for every byte range.
struct Access {
  std::uint32_t core = 0;
  std::uint32_t sequence = 0;  // in its lane; through the scalar cache: CoreOrder::cached_store()
  std::uint32_t number = 0;    // in the program order of its core
  SourceId place = 0;
  Lane lane{};  // the lane of its execution
  Lane end{};   // the lane that tells its end: of a store, its visibility
  bool writes = false;
  std::uint8_t atomic = 0;      // atomic_code() of an atomic write, which commutes with its like
  bool signal = false;          // a notify
  bool cached = false;          // through the scalar cache
  std::uint8_t look_bytes = 0;  // of a scalar read of one aligned window word: its size; else 0
};

[[nodiscard]] inline bool commute(const Access& a, const Access& b) {
  return a.atomic != 0 && a.atomic == b.atomic;
}

[[nodiscard]] inline bool is_scalar(const Access& access) { return access.lane == Lane::scalar; }

}  // namespace peal
