// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <optional>
#include <string>

namespace peal {

// What bounds the part of a rank, if it is not the usual size.
enum class PartLimit : std::uint32_t { none, variable, address_space, file_size, group_memory };

// How much memory the system lets the ranks share. No limit is `unlimited`.
struct MemoryLimits {
  static constexpr std::size_t unlimited = SIZE_MAX;

  std::size_t address_space = unlimited;  // of each process (RLIMIT_AS), that is still free here
  std::size_t file_size = unlimited;      // RLIMIT_FSIZE
  std::size_t group_memory = unlimited;   // of the control group, that is of the container
};
// Those of this process.
[[nodiscard]] MemoryLimits memory_limits();

// The least limit of the control groups (version 1 or 2) of a process whose list of them that is,
// and whose hierarchies lie in the folder.
[[nodiscard]] std::size_t group_memory(std::istream& groups, const std::filesystem::path& mounted);

// The size that the environment's PEAL_SHM_BYTES gives to a rank's part, such as 64M, if it does.
// Throws Error for a text that is no number of bytes.
[[nodiscard]] std::optional<std::size_t> wanted_part_bytes();

struct PartSize {
  std::size_t bytes = 0;
  PartLimit limit = PartLimit::none;
};
// The part of each of so many ranks, beside `head_bytes` of all together: what is wanted, or as
// much as fits the limits. Throws Error, with the bytes that are needed and what sets the limit,
// when those are too low.
[[nodiscard]] PartSize part_size(int ranks, std::size_t head_bytes, const MemoryLimits& limits,
                                 std::optional<std::size_t> wanted);

// What to do about that limit, such as "raise `ulimit -v` (RLIMIT_AS)".
[[nodiscard]] std::string way_out(PartLimit limit);

// Why a system call has failed, by its errno: the error, and what to do, which is not the same for
// a call that is forbidden as for one that has met a limit.
[[nodiscard]] std::string explain_failure(const char* call, int code, const std::string& limit);

}  // namespace peal
