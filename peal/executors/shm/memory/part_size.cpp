// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/memory/part_size.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>

#include "peal/base/error.h"
#include "peal/base/memory/machine_memory.h"
#include "peal/base/process/control_groups.h"
#include "peal/executors/shm/memory/pages.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr const char* variable = "PEAL_SHM_BYTES";

constexpr unsigned max_bits = 44;  // the size of all parts together is at most 2^max_bits bytes
constexpr unsigned max_part_bits = 36;
// A part is part_skew_bytes shorter than a multiple of 2^28. Otherwise the same offset in two parts
// would differ only in address bits above 27. Processors predict the way of a first-level cache by
// a hash of bits 12 to 27, so a load from this rank's part would wait for a store to the same
// offset of a peer's part.
constexpr std::size_t skew_multiple = std::size_t{1} << 28;
constexpr std::size_t part_skew_bytes = 37 * huge_page_bytes;
// Enough for the scratch of a few small collectives and for the lists of allocations.
constexpr std::size_t min_part_bytes = 4 * huge_page_bytes;

std::size_t lower_multiple(std::size_t multiple, std::size_t bytes) {
  return bytes / multiple * multiple;
}

// The largest size of a part up to `most` that skews the parts as described above: part_skew_bytes
// below a multiple of 2^28, or, if `most` is smaller, an odd number of huge pages.
std::size_t well_lying(std::size_t most) {
  const std::size_t skewed = lower_multiple(skew_multiple, most + part_skew_bytes);
  if (skewed >= skew_multiple) return skewed - part_skew_bytes;
  const std::size_t pages = most / huge_page_bytes;
  return (pages % 2 == 1 || pages == 0 ? pages : pages - 1) * huge_page_bytes;
}

std::size_t soft_limit(__rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return MemoryLimits::unlimited;
  }
  return limit.rlim_cur;
}

// Half of the address space that is left; the rest is for the program itself.
std::size_t free_address_space() {
  const std::size_t limit = soft_limit(RLIMIT_AS);
  if (limit == MemoryLimits::unlimited) return limit;
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const std::size_t used = pages * page_size_bytes();
  return (limit - std::min(limit, used)) / 2;
}

// The number in a file of a control group. Version 2 writes "max" for no limit, version 1 a number
// beyond the memory of any machine.
std::size_t limit_in(const fs::path& file) {
  constexpr std::size_t most = std::size_t{1} << 60;
  std::size_t bytes = 0;
  std::ifstream text(file);
  return text >> bytes && bytes < most ? bytes : MemoryLimits::unlimited;
}

struct Bound {
  PartLimit limit{};
  std::size_t bytes = 0;  // for all ranks together
};

}  // namespace

std::size_t group_memory(std::istream& groups, const fs::path& mounted) {
  std::size_t least = MemoryLimits::unlimited;
  for (const fs::path& group : control_groups(groups, mounted, "memory")) {
    for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
      least = std::min(least, limit_in(group / name));
    }
  }
  return least;
}

MemoryLimits memory_limits() {
  std::ifstream groups("/proc/self/cgroup");
  return {.address_space = free_address_space(),
          .file_size = soft_limit(RLIMIT_FSIZE),
          .group_memory = group_memory(groups, "/sys/fs/cgroup")};
}

std::optional<std::size_t> wanted_part_bytes() {
  const char* const text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  std::string_view digits = text;
  constexpr std::string_view units = "KMG";
  const std::size_t unit = units.find(digits.back());
  if (unit != std::string_view::npos) digits.remove_suffix(1);
  const unsigned shift =
      unit == std::string_view::npos ? 0 : 10 * (static_cast<unsigned>(unit) + 1);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  const std::size_t most = std::size_t{1} << max_part_bits;
  if (!is_number || number > most >> shift || number << shift < min_part_bytes) {
    throw UsageError(
        fmt::format("{} is `{}`; give the bytes of each rank's memory, from {} to {}, such "
                    "as 64M or 4G",
                    variable, text, min_part_bytes, most));
  }
  return number << shift;
}

PartSize part_size(int ranks, std::size_t head_bytes, const MemoryLimits& limits,
                   std::optional<std::size_t> wanted) {
  const auto count = static_cast<std::size_t>(ranks);
  const auto rank_bits = static_cast<unsigned>(std::bit_width(static_cast<unsigned>(ranks - 1)));
  const std::size_t usual =
      (std::size_t{1} << std::min(max_part_bits, max_bits - rank_bits)) - part_skew_bytes;
  // map_shared_file() reserves one huge page more while it aligns the mapping.
  const std::size_t aligning = head_bytes + huge_page_bytes;
  const Bound bounds[] = {{PartLimit::address_space, limits.address_space},
                          {PartLimit::file_size, limits.file_size},
                          {PartLimit::group_memory, limits.group_memory}};
  PartSize result{wanted ? lower_multiple(huge_page_bytes, *wanted) : usual,
                  wanted ? PartLimit::variable : PartLimit::none};
  for (const Bound& bound : bounds) {
    // Pages count only once they are touched, and a caller who sets the size may know that most are
    // not.
    if (wanted && bound.limit == PartLimit::group_memory) continue;
    const std::size_t rest = bound.bytes - std::min(bound.bytes, aligning);
    const std::size_t most = rest / count;
    if (most >= result.bytes) continue;
    const std::size_t least = wanted ? result.bytes : min_part_bytes;
    if (wanted || well_lying(most) < least) {
      throw UsageError(fmt::format(
          "shm: {} ranks need {} bytes for memory that they share, and {} are to be had{}; {}",
          ranks, aligning + count * least, bound.bytes,
          bound.limit == PartLimit::address_space ? ", half of what is left" : "",
          wanted ? fmt::format("{}, or set {} lower", way_out(bound.limit), variable)
                 : fmt::format("{}, or use fewer ranks", way_out(bound.limit))));
    }
    result = {well_lying(most), bound.limit};
  }
  return result;
}

std::string way_out(PartLimit limit) {
  switch (limit) {
    case PartLimit::variable:
      return fmt::format("raise {}", variable);
    case PartLimit::address_space:
      return "raise `ulimit -v` (RLIMIT_AS)";
    case PartLimit::file_size:
      return "raise `ulimit -f` (RLIMIT_FSIZE)";
    case PartLimit::group_memory:
      return fmt::format(
          "raise the container's memory (memory.max of its control group), or set {} where not all "
          "is used",
          variable);
    case PartLimit::none:
      break;
  }
  return "use fewer ranks";
}

std::string explain_failure(const char* call, int code, const std::string& limit) {
  const char* const text = std::strerror(code);
  if (code == EPERM || code == ENOSYS || code == EACCES) {
    return fmt::format(
        "the system refuses {}(2): {}; allow it, as in the seccomp filter of a "
        "container",
        call, text);
  }
  return fmt::format("{}; {}", text, limit);
}

}  // namespace peal
