// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/memory/on_chip_check.h"

#include <fmt/format.h>

#include "peal/checks/rules/pipe_names.h"

namespace peal {

void OnChipCheck::access(const Event& event, const CoreOrder::Start& start, SourceId place,
                         std::span<const Footprint> touched, bool writes) {
  const auto core = static_cast<std::size_t>(event.core);
  for (const Footprint& part : touched) {
    const MemoryRegions::Region* const region = regions_.find(part.address);
    if (region == nullptr || region->kind != RegionKind::on_chip) continue;
    const Access access{.core = static_cast<std::uint32_t>(core),
                        .sequence = start.sequence,
                        .number = event.number,
                        .place = place,
                        .lane = lane_of(event.pipe),
                        .end = lane_of(event.pipe),
                        .writes = writes};
    for (std::uint32_t row = 0; row < part.rows; ++row) {
      const std::uint64_t begin = part.address + row * part.stride_bytes;
      histories_[core].add(
          begin, begin + part.row_bytes, access,
          [&](const Access& earlier) {
            const bool is_itself = earlier.number == access.number && earlier.lane == access.lane;
            return start.clock[earlier.lane] >= earlier.sequence || is_itself;
          },
          [&](const Access& earlier, std::uint64_t from, std::uint64_t to) {
            conflict(event, earlier, access, from, to);
          },
          [&](std::uint64_t from, std::uint64_t to) { unwritten(event, access, from, to); });
    }
  }
}

void OnChipCheck::conflict(const Event& event, const Access& earlier, const Access& access,
                           std::uint64_t begin, std::uint64_t end) {
  findings_.add(FindingClass::missing_flag, earlier.place, access.place, [&] {
    const char* const from = name(static_cast<Pipe>(earlier.lane));
    const char* const to = name(event.pipe);
    const auto verb = [](const Access& of) { return of.writes ? "writes it" : "reads it"; };
    return Finding{.kind = FindingClass::missing_flag,
                   .subject = regions_.describe(begin, end, event.rank),
                   .sides = {{event.rank, event.core, from, verb(earlier),
                              findings_.places().line(earlier.place)},
                             {event.rank, event.core, to, verb(access),
                              findings_.places().line(access.place)}},
                   .reason = fmt::format(
                       "nothing makes {} wait for {}: set_flag and wait_flag from PIPE_{} to "
                       "PIPE_{} are missing between them",
                       to, from, from, to)};
  });
}

void OnChipCheck::unwritten(const Event& event, const Access& access, std::uint64_t begin,
                            std::uint64_t end) {
  findings_.add(FindingClass::never_written, access.place, access.place, [&] {
    return Finding{
        .kind = FindingClass::never_written,
        .subject = regions_.describe(begin, end, event.rank),
        .sides = {{event.rank, event.core, name(event.pipe), "reads it",
                   findings_.places().line(access.place)}},
        .reason = "nothing has written these bytes; they hold what the last kernel left"};
  });
}

}  // namespace peal
