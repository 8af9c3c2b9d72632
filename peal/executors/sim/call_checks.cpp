// SPDX-License-Identifier: Apache-2.0
// Checks the arguments of a verb before anything is issued: a bad address that a pipe meets later
// would look like a defect of Peal.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "peal/base/memory/machine_memory.h"
#include "peal/base/memory/mapped_memory.h"
#include "peal/base/process/last_words.h"
#include "peal/executors/sim/memory.h"
#include "peal/executors/sim/rank_device.h"
#include "peal/machine/calls/verb_error.h"

namespace peal {

// Only the simulator's thread can switch fibers or abandon a kernel, so a verb on any other thread
// can neither run nor fail: the process aborts, after it has left the reason in its last words.
void SimDevice::end_thread() const {
  if (LastWords* const words = last_words()) {
    say_last(words->failure, core_.rank(), core_.index(),
             "it calls a verb on a thread that it has started; call verbs on the kernel's own");
  }
  std::abort();
}

// A kernel may have cast any number to an enumeration.
void SimDevice::check_type(const char* verb, DType dtype, SourcePlace place) const {
  if (static_cast<std::size_t>(dtype) < std::size(all_dtypes)) return;
  throw VerbError(fmt::format("{} on rank {}: the type of a view has the value {}, which is no "
                              "DType",
                              verb, rank(), static_cast<int>(dtype)),
                  place);
}

void SimDevice::check_operation(const char* verb, ReduceOp op, SourcePlace place) const {
  if (static_cast<std::size_t>(op) < std::size(all_reduce_ops)) return;
  throw VerbError(fmt::format("{} on rank {}: the operation has the value {}, which is no ReduceOp",
                              verb, rank(), static_cast<int>(op)),
                  place);
}

// Memory outside of simulated memory may be the kernel's own; it only has to be mapped.
void SimDevice::check_exists(const std::byte* data, std::size_t bytes, SourcePlace place) const {
  if (bytes == 0 || map().owner(data, -1) >= 0) return;
  for (const std::byte* const end : {data, data + (bytes - 1)}) {
    const auto page = reinterpret_cast<std::uintptr_t>(end) / page_size_bytes();
    if (std::count(known_pages_.begin(), known_pages_.end(), page) != 0) continue;
    if (!is_memory(end)) {
      throw NotInWindow(
          fmt::format("{} bytes at {}, which is no memory of rank {}; keep within the "
                      "buffers that the kernel is given",
                      bytes, static_cast<const void*>(data), rank()),
          place);
    }
    known_pages_[next_known_page_++ % known_pages_.size()] = page;
  }
}

void SimDevice::check_cell(const char* verb, Signal signal, SourcePlace place) const {
  const auto* const data = reinterpret_cast<const std::byte*>(signal.cell);
  check_exists(data, sizeof(SignalCell), place);
  if (reinterpret_cast<std::uintptr_t>(data) % alignof(SignalCell) == 0) return;
  throw VerbError(
      fmt::format("{} on rank {}: a signal at {}, which is no multiple of {} bytes; take "
                  "signals from a row",
                  verb, rank(), static_cast<const void*>(data), alignof(SignalCell)),
      place);
}

void SimDevice::check_extent(const std::byte* data, const View& shape, SourcePlace place) const {
  const Regions& regions = run_.fabric.regions();
  const std::size_t element_bytes = size_bytes(shape.dtype);
  if (shape.count <= SIZE_MAX / element_bytes && regions.holds(data, shape.size_bytes())) return;
  const std::size_t max_bytes_beyond = run_.fabric.observed() ? std::size_t{1} << 20 : 0;
  const std::optional<Region> region = regions.find(data);
  if (!region && shape.count <= SIZE_MAX / element_bytes) {
    check_exists(data, shape.size_bytes(), place);
  }
  std::size_t room = SIZE_MAX - (std::size_t{1} << 20);
  if (region && shape.count != 0) {
    const auto offset = static_cast<std::size_t>(data - region->data);
    room = region->size_bytes - std::min(offset, region->size_bytes);
  }
  if (shape.count <= (room + max_bytes_beyond) / element_bytes) return;
  constexpr std::size_t absurd_count = std::size_t{1} << 40;
  throw NotInWindow(
      fmt::format("{} elements reach past the end of {}, which has room for {}; {}", shape.count,
                  region ? "`" + region->name + "`" : "all memory", room / element_bytes,
                  shape.count > absurd_count ? "is the count a difference that went below 0?"
                                             : "use fewer, or a larger buffer"),
      place);
}

}  // namespace peal
