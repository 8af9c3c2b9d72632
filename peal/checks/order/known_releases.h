// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace peal {

// The relation "x < W" of signal_order.h as a vector clock for every wait: row(core, acquired)[of]
// is the number of the last release of core `of` that happens before the point at which `core` has
// passed `acquired` waits. One number per pair of cores suffices: if a release happens before W, so
// do all earlier ones of its core. The rows of one core never decrease from wait to wait. A core's
// own entry is 0; its own releases are compared by program order.
class KnownReleases {
 public:
  // Requires that no row has been added: the number of cores is known before the first wait.
  void set_core_count(std::size_t count) {
    count_ = count;
    rows_.assign(count, std::vector<std::uint32_t>(count));
    first_.assign(count, 0);
  }
  [[nodiscard]] std::size_t core_count() const { return count_; }

  void add_row(std::uint32_t core) { rows_[core].resize(rows_[core].size() + count_); }
  [[nodiscard]] std::uint32_t last(std::uint32_t core) const {
    return first_[core] + static_cast<std::uint32_t>(rows_[core].size() / count_) - 1;
  }
  [[nodiscard]] std::uint32_t first(std::uint32_t core) const { return first_[core]; }
  // A dropped row is answered by the oldest kept one, which says only what every core knows by its
  // last final wait (drop_rows in final_waits.cpp).
  [[nodiscard]] const std::uint32_t* row(std::uint32_t core, std::uint32_t acquired) const {
    const std::uint32_t index = acquired < first_[core] ? 0 : acquired - first_[core];
    return rows_[core].data() + index * count_;
  }
  // The same for writing; the row must not have been dropped.
  [[nodiscard]] std::uint32_t* kept_row(std::uint32_t core, std::uint32_t acquired) {
    return rows_[core].data() + (acquired - first_[core]) * count_;
  }
  [[nodiscard]] std::uint32_t known(std::uint32_t core, std::uint32_t acquired,
                                    std::uint32_t of) const {
    return core < rows_.size() ? row(core, acquired)[of] : 0;
  }
  // Drops a core's rows of fewer than `acquired` waits.
  void drop_before(std::uint32_t core, std::uint32_t acquired) {
    const std::size_t dropped = acquired - first_[core];
    rows_[core].erase(rows_[core].begin(),
                      rows_[core].begin() + static_cast<std::ptrdiff_t>(dropped * count_));
    first_[core] = acquired;
  }

 private:
  std::size_t count_ = 0;
  std::vector<std::vector<std::uint32_t>> rows_;
  std::vector<std::uint32_t> first_;
};

}  // namespace peal
