// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sched.h>

#include <cstddef>
#include <filesystem>
#include <istream>
#include <optional>
#include <vector>

namespace peal {

// Processors of a machine of any size.
class ProcessorSet {
 public:
  // Those that this thread may run on, where the system says so.
  [[nodiscard]] static std::optional<ProcessorSet> allowed();

  [[nodiscard]] int count() const;
  [[nodiscard]] std::optional<int> first() const;
  // Of the same machine.
  [[nodiscard]] ProcessorSet only(int processor) const;
  void remove(int processor);
  // Lets this thread run on these, and no others. Whether that could be done.
  bool allow() const;

 private:
  [[nodiscard]] std::size_t size_bytes() const { return sets_.size() * sizeof(cpu_set_t); }

  std::vector<cpu_set_t> sets_;
};

// The processors that this process may use: by its affinity mask and its control group's quota.
[[nodiscard]] int usable_processors();

// The quota of a process's control groups in processors, or 0 where there is none. `groups` is as
// /proc/self/cgroup has it, the files of the groups are below `mounted`, in version 1 or 2.
[[nodiscard]] double group_quota(std::istream& groups, const std::filesystem::path& mounted);

// What so many processors have of the last-level caches that they share, all together.
[[nodiscard]] std::size_t shared_cache_bytes(int processors);

}  // namespace peal
