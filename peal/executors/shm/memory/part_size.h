// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <optional>
#include <string>

namespace peal {

// What determined the size of a rank's part: `none` for the usual size, `variable` for
// PEAL_SHM_BYTES, else the limit that made it smaller.
enum class PartLimit : std::uint32_t { none, variable, address_space, file_size, group_memory };

// The system's limits for the memory that all ranks share, in bytes.
struct MemoryLimits {
  static constexpr std::size_t unlimited = SIZE_MAX;

  std::size_t address_space = unlimited;  // half of what this process has left of RLIMIT_AS
  std::size_t file_size = unlimited;      // RLIMIT_FSIZE
  std::size_t group_memory = unlimited;   // of the control group, such as a container's
};
// The limits of this process.
[[nodiscard]] MemoryLimits memory_limits();

// The smallest memory limit, in bytes, of a process's control groups, version 1 or 2. `groups` has
// the form of /proc/self/cgroup; `mounted` is the folder that the hierarchies are mounted in.
[[nodiscard]] std::size_t group_memory(std::istream& groups, const std::filesystem::path& mounted);

// The bytes of a rank's part according to the environment's PEAL_SHM_BYTES, such as 64M; nullopt if
// it is unset or empty. Throws Error if it is not a number of bytes within the limits.
[[nodiscard]] std::optional<std::size_t> wanted_part_bytes();

struct PartSize {
  std::size_t bytes = 0;
  PartLimit limit = PartLimit::none;
};
// Returns the size of each rank's part, for an arena of `head_bytes` plus `ranks` parts: what is
// wanted, or else as much as the limits allow. Throws Error, with the bytes needed and the limit to
// raise, if the limits are too low.
[[nodiscard]] PartSize part_size(int ranks, std::size_t head_bytes, const MemoryLimits& limits,
                                 std::optional<std::size_t> wanted);

// Advice for that limit, such as "raise `ulimit -v` (RLIMIT_AS)".
[[nodiscard]] std::string way_out(PartLimit limit);

// Explains the errno `code` of a failed system call: the system's text and the way out, which is to
// allow the call if it is forbidden, and `limit` otherwise.
[[nodiscard]] std::string explain_failure(const char* call, int code, const std::string& limit);

}  // namespace peal
