// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "peal/machine/barrier.h"

namespace peal {

// The time in ns that `call` takes on this rank when it begins as soon as all ranks have passed a
// barrier on `rounds`. Every rank calls it.
template <class Call>
[[nodiscard]] std::int64_t timed_call_ns(Device& device, const SignalRow& rounds, Call&& call) {
  barrier(device, rounds, SourcePlace::here(SourceOrigin::runtime));
  const auto begin = std::chrono::steady_clock::now();
  call();
  const auto end = std::chrono::steady_clock::now();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
}

}  // namespace peal
