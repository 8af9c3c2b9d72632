// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "peal/base/api.h"
#include "peal/machine/signal.h"
#include "peal/machine/view.h"

namespace PEAL_API peal {

// This rank's instance of symmetric memory, which every rank of a team has and all peers can
// address. Zero when allocated; 64-byte aligned; lives as long as the team.
struct Window {
  std::byte* data = nullptr;
  std::size_t size_bytes = 0;

  // `count` elements from `offset_bytes` on; throws Error when they do not fit.
  [[nodiscard]] View view(std::size_t offset_bytes, std::size_t count, DType dtype) const;
};

// A view of `count` elements in the signal's own cache line, for data that is put and notified at
// once. Throws OutOfRange for more than SignalCell::payload_bytes.
[[nodiscard]] inline View payload(Signal signal, std::size_t count, DType dtype) {
  if (count > SignalCell::payload_bytes / size_bytes(dtype)) {
    throw OutOfRange("payload of " + std::to_string(count) + " elements of " +
                     std::to_string(size_bytes(dtype)) + " bytes; a signal's line has room for " +
                     std::to_string(SignalCell::payload_bytes) + " bytes, so put the rest apart");
  }
  return {signal.cell->payload, count, dtype};
}

}  // namespace peal
