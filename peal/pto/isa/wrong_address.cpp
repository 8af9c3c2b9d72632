// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/isa/wrong_address.h"

#include <fmt/format.h>

#include <cstdint>

#include "peal/base/memory/mapped_memory.h"

namespace peal {
namespace {

using Kind = KernelFailure::Kind;

// True for an offset from a null pointer.
bool is_near_null(const void* address) { return reinterpret_cast<std::uintptr_t>(address) < 65536; }

// Omits the address unless it is near null: host addresses differ from run to run.
std::string bad_pointer(const void* address) {
  if (is_near_null(address)) return fmt::format("at the bad pointer {}", address);
  return "at a bad pointer, to memory that is in no buffer";
}

// Describes an access to on-chip memory that this type of core does not have; nothing for others.
std::optional<std::string> describe_beyond_chip(Core& core, const std::byte* data,
                                                std::size_t bytes, const char* what) {
  const Platform& platform = core.fabric().platform();
  const std::ptrdiff_t offset = data - core.on_chip(OnChip::unified);
  if (offset < 0 || offset >= on_chip_bytes(platform)) return std::nullopt;
  return fmt::format(
      "{} of bytes {}..{} of on-chip memory, where Vec tiles have 0..{} and the "
      "other tiles what lies behind it",
      what, offset, offset + static_cast<std::ptrdiff_t>(bytes),
      on_chip_bytes(platform, OnChip::unified));
}

}  // namespace

std::optional<std::string> describe_outside(Core& core, const std::byte* data, std::size_t bytes,
                                            const char* what) {
  const int own = core.rank(), owner = core.fabric().memory().owner(data, own);
  const auto region = core.fabric().regions().find(data);
  if (owner != own && (!region || !is_shared(region->kind))) {
    return fmt::format("{} of {} bytes of rank {}'s memory that are in no window of it", what,
                       bytes, owner);
  }
  if (!region) return std::nullopt;
  const auto offset = static_cast<std::size_t>(data - region->data);
  return fmt::format("{} of bytes {}..{} of `{}` of rank {}, which has {} bytes", what, offset,
                     offset + bytes, region->name, region->rank, region->size_bytes);
}

WrongAddress describe_address(Core& core, const std::byte* data, std::size_t bytes,
                              const char* what) {
  auto outside = describe_outside(core, data, bytes, what);
  if (!outside) outside = describe_beyond_chip(core, data, bytes, what);
  if (outside) return {*outside, Kind::out_of_bounds};
  // A wild pointer: near null, or to memory of the process that the kernel was not given.
  const bool is_wild = is_near_null(data) || is_memory(data);
  return {fmt::format("{} of {} bytes {}", what, bytes, bad_pointer(data)),
          is_wild ? Kind::other : Kind::out_of_bounds};
}

}  // namespace peal
