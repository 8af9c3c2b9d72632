// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/contribution_events.h"

namespace peal {
namespace {

Combination combination(const ContributionCall& call) {
  if (!shape(call.collective, call.ranks).has_op) return Combination::move;
  return combination_of(call.op);
}

void report(EventKind kind, std::span<EventReader* const> readers, const ContributionCall& call,
            const View& view, const ElementOrigin& origin, int block = 0) {
  if (view.empty()) return;
  const Footprint area{.address = reinterpret_cast<std::uint64_t>(view.data),
                       .element_bytes = static_cast<std::uint32_t>(size_bytes(view.dtype)),
                       .row_bytes = view.size_bytes(),
                       .stride_bytes = view.size_bytes()};
  const Event event{.kind = kind,
                    .combination = combination(call),
                    .rank = call.rank,
                    .peer = origin.from,
                    .number = call.call,
                    .threshold = static_cast<std::uint32_t>(block),
                    .address = area.address,
                    .size_bytes = area.row_bytes,
                    .value = static_cast<std::int64_t>(origin.element),
                    .writes = {&area, 1}};
  for (EventReader* reader : readers) reader->read(event);
}

}  // namespace

void report_contribution(std::span<EventReader* const> readers, const ContributionCall& call,
                         const View& send) {
  report(EventKind::contribution, readers, call, send, {.from = call.rank});
}

void report_expectation(std::span<EventReader* const> readers, const ContributionCall& call,
                        const View& recv) {
  const int blocks = shape(call.collective, call.ranks).recv_blocks;
  for (int block = 0; block < blocks; ++block) {
    report(EventKind::expectation, readers, call,
           recv.part(static_cast<std::size_t>(block) * call.count, call.count),
           origin(call.collective,
                  {.rank = call.rank, .root = call.root, .block = block, .count = call.count}),
           block);
  }
}

}  // namespace peal
