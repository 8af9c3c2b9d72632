// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sched.h>

#include <cstddef>
#include <filesystem>
#include <istream>
#include <optional>
#include <vector>

namespace peal {

// A set of processors, on machines with any number of them.
class ProcessorSet {
 public:
  // The affinity mask of the calling thread; nullopt if the system does not tell.
  [[nodiscard]] static std::optional<ProcessorSet> allowed();

  [[nodiscard]] int count() const;
  [[nodiscard]] std::optional<int> first() const;
  // A set of this one processor.
  [[nodiscard]] ProcessorSet only(int processor) const;
  void remove(int processor);
  // Sets the affinity mask of the calling thread to this set. Returns false if the system refuses.
  bool allow() const;

 private:
  [[nodiscard]] std::size_t size_bytes() const { return sets_.size() * sizeof(cpu_set_t); }

  std::vector<cpu_set_t> sets_;
};

// How many processors this process may use, by its affinity mask and its control groups' quota.
[[nodiscard]] int usable_processors();

// The smallest CPU quota of a process's control groups, version 1 or 2, in processors; 0 if there
// is none. `groups` has the form of /proc/self/cgroup; the groups' files are below `mounted`.
[[nodiscard]] double group_quota(std::istream& groups, const std::filesystem::path& mounted);

// The total size in bytes of the last-level caches that `processors` processors use.
[[nodiscard]] std::size_t shared_cache_bytes(int processors);

}  // namespace peal
