// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/window.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

View Window::view(std::size_t offset_bytes, std::size_t count, DType dtype) const {
  const std::size_t element_bytes = peal::size_bytes(dtype);
  if (offset_bytes > size_bytes || count > (size_bytes - offset_bytes) / element_bytes) {
    throw UsageError(
        fmt::format("window: {} elements of {} at byte {} do not fit into its {} bytes; allocate a "
                    "larger window",
                    count, name(dtype), offset_bytes, size_bytes));
  }
  return {data + offset_bytes, count, dtype};
}

}  // namespace peal
