// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/contribution_events.h"

namespace peal {
namespace {

Combination combination(const ContributionCall& call) {
  const bool combines = call.collective == "all_reduce" || call.collective == "reduce" ||
                        call.collective == "reduce_scatter";
  if (!combines) return Combination::move;
  return combination_of(call.op);
}

struct Part {
  int from = 0;              // the rank that it comes from, where it is moved
  std::int64_t element = 0;  // the first
};

void report(EventKind kind, std::span<EventReader* const> readers, const ContributionCall& call,
            const View& view, const Part& part) {
  if (view.empty()) return;
  const Footprint area{.address = reinterpret_cast<std::uint64_t>(view.data),
                       .element_bytes = static_cast<std::uint32_t>(size_bytes(view.dtype)),
                       .row_bytes = view.size_bytes(),
                       .stride_bytes = view.size_bytes()};
  const Event event{.kind = kind,
                    .combination = combination(call),
                    .rank = call.rank,
                    .peer = part.from,
                    .number = call.call,
                    .address = area.address,
                    .size_bytes = area.row_bytes,
                    .value = part.element,
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
  const auto own_block = static_cast<std::int64_t>(call.count) * call.rank;
  const auto tell = [&](const View& view, const Part& part) {
    report(EventKind::expectation, readers, call, view, part);
  };
  if (call.collective == "reduce_scatter") return tell(recv, {.element = own_block});
  if (call.collective == "broadcast") return tell(recv, {.from = call.root});
  if (call.collective == "scatter") return tell(recv, {.from = call.root, .element = own_block});
  if (call.collective == "all_reduce" || call.collective == "reduce") return tell(recv, {});
  for (int from = 0; from < call.ranks; ++from) {
    const View block = recv.part(static_cast<std::size_t>(from) * call.count, call.count);
    tell(block, {.from = from, .element = call.collective == "all_to_all" ? own_block : 0});
  }
}

}  // namespace peal
