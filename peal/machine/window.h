// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "peal/machine/signal.h"
#include "peal/machine/view.h"

namespace peal {

// Memory that every rank of a team has at the same place and that its peers can address: this
// rank's instance. Zero when it is allocated; 64-byte aligned; lives as long as the team.
struct Window {
  std::byte* data = nullptr;
  std::size_t size_bytes = 0;

  // `count` elements from `offset_bytes` on; throws Error when they do not fit.
  [[nodiscard]] View view(std::size_t offset_bytes, std::size_t count, DType dtype) const;
};

// The memory beside the signal in its cache line, for data of at most SignalCell::payload_bytes
// that is put and notified at once: elements of the type, as many as given.
[[nodiscard]] inline View payload(Signal signal, std::size_t count, DType dtype) {
  if (count > SignalCell::payload_bytes / size_bytes(dtype)) {
    throw OutOfRange("payload of " + std::to_string(count) + " elements of " +
                     std::to_string(size_bytes(dtype)) + " bytes; a signal's line has room for " +
                     std::to_string(SignalCell::payload_bytes) + " bytes, so put the rest apart");
  }
  return {signal.cell->payload, count, dtype};
}

}  // namespace peal
