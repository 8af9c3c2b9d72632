// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/windows.h"

#include <fmt/format.h>

#include <utility>

#include "peal/base/error.h"

namespace peal {

const SimWindow& SimWindows::window(std::vector<std::size_t>& order, std::size_t index,
                                    std::string_view name, std::size_t size_bytes, int rank,
                                    RegionKind kind) {
  if (index < order.size()) {
    const SimWindow& known = windows_[order[index]];
    if (known.name != name || known.size_bytes != size_bytes) {
      throw UsageError(fmt::format(
          "window `{}` of {} bytes is allocation {} of rank {}, but another rank's is `{}` of {} "
          "bytes; make the same allocations in the same order on every rank",
          name, size_bytes, index, rank, known.name, known.size_bytes));
    }
    return known;
  }
  PEAL_CHECK(index == order.size());
  const SimWindow& made = add(name, size_bytes, kind);
  order.push_back(windows_.size() - 1);
  return made;
}

const SimWindow& SimWindows::add(std::string_view name, std::size_t size_bytes, RegionKind kind) {
  SimWindow window{std::string(name), 0, size_bytes, kind};
  place(window);
  has_private_ = has_private_ || !is_shared(kind);
  windows_.push_back(std::move(window));
  return windows_.back();
}

}  // namespace peal
