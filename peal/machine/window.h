// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

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

}  // namespace peal
