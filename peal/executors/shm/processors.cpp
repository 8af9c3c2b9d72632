// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/processors.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "peal/base/process/control_groups.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// A CPU quota in processors: time per period. Returns 0 for no limit.
double worth(const std::string& quota, double period) {
  const double time = std::strtod(quota.c_str(), nullptr);  // "max" and -1 are no limits
  return time > 0 && period > 0 ? time / period : 0;
}

double quota_of(const fs::path& group) {
  std::string quota;
  double period = 0;
  if (std::ifstream file(group / "cpu.max"); file >> quota >> period) return worth(quota, period);
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
  return quota_file >> quota && period_file >> period ? worth(quota, period) : 0;
}

// The smaller of two quotas, where 0 is no limit.
double lesser(double left, double right) {
  return left == 0 || right == 0 ? std::max(left, right) : std::min(left, right);
}

// The number of bits set in a hexadecimal mask such as "00000000,000000ff".
int count_mask(std::string_view mask) {
  int count = 0;
  for (const char& digit : mask) {
    unsigned value = 0;
    std::from_chars(&digit, &digit + 1, value, 16);
    count += std::popcount(value);
  }
  return count;
}

}  // namespace

double group_quota(std::istream& groups, const fs::path& mounted) {
  double least = 0;
  for (const fs::path& group : control_groups(groups, mounted, "cpu")) {
    least = lesser(least, quota_of(group));
  }
  return least;
}

std::optional<ProcessorSet> ProcessorSet::allowed() {
  // The call fails with EINVAL if the mask is shorter than the kernel's.
  constexpr std::size_t max_sets = 1024;
  for (std::size_t sets = 1; sets <= max_sets; sets *= 2) {
    ProcessorSet result;
    result.sets_.resize(sets);
    if (::sched_getaffinity(0, result.size_bytes(), result.sets_.data()) == 0) return result;
    if (errno != EINVAL) break;
  }
  return std::nullopt;
}

int ProcessorSet::count() const { return CPU_COUNT_S(size_bytes(), sets_.data()); }

void ProcessorSet::remove(int processor) { CPU_CLR_S(processor, size_bytes(), sets_.data()); }

std::optional<int> ProcessorSet::first() const {
  const int room = static_cast<int>(sets_.size()) * CPU_SETSIZE;
  for (int processor = 0; processor < room; ++processor) {
    if (CPU_ISSET_S(processor, size_bytes(), sets_.data())) return processor;
  }
  return std::nullopt;
}

ProcessorSet ProcessorSet::only(int processor) const {
  ProcessorSet result;
  result.sets_.resize(sets_.size());
  CPU_SET_S(processor, size_bytes(), result.sets_.data());
  return result;
}

bool ProcessorSet::allow() const { return ::sched_setaffinity(0, size_bytes(), sets_.data()) == 0; }

int usable_processors() {
  const std::optional<ProcessorSet> allowed = ProcessorSet::allowed();
  int count = allowed ? allowed->count() : 1;
  std::ifstream groups("/proc/self/cgroup");
  const double quota = group_quota(groups, "/sys/fs/cgroup");
  if (quota > 0) count = std::min(count, std::max(1, static_cast<int>(std::ceil(quota))));
  return std::max(1, count);
}

std::size_t shared_cache_bytes(int processors) {
  constexpr std::size_t assumed = std::size_t{32} << 20;
  const std::string folder =
      fmt::format("/sys/devices/system/cpu/cpu{}/cache/index3", std::max(0, ::sched_getcpu()));
  std::size_t kibibytes = 0;
  std::string mask;
  std::ifstream size_file(folder + "/size"), mask_file(folder + "/shared_cpu_map");
  if (size_file >> kibibytes && mask_file >> mask && kibibytes > 0) {
    const int sharing = std::max(1, count_mask(mask));
    const int caches = std::max(1, (processors + sharing - 1) / sharing);
    return (kibibytes << 10) * static_cast<std::size_t>(caches);
  }
  const long known = ::sysconf(_SC_LEVEL3_CACHE_SIZE);  // on some machines, that of all processors
  return known > 0 ? static_cast<std::size_t>(known) : assumed;
}

}  // namespace peal
