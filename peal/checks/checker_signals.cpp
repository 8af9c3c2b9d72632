// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <set>
#include <tuple>

#include "peal/checks/checker.h"

// Notifies and waits: their part of the dispatch, and the findings about them.

namespace peal {

void Checker::notify(const Event& event, CoreOrder& order) {
  end_poll(static_cast<std::size_t>(event.core));
  refresh_line(event, order);
  const CoreOrder::Start start{order.scalar(), 0};
  const auto core = static_cast<std::uint32_t>(event.core);
  const std::uint32_t release = signals_.release(core);
  accesses_.note_release(core, place_, event.number);
  if (regions_.find(event.address) == nullptr) return;  // a signal of the runtime
  signals_.notify(event, release, place_, moment_);
  const Access access{.core = core,
                      .sequence = order.scalar()[Lane::scalar],
                      .number = event.number,
                      .place = place_,
                      .lane = Lane::scalar,
                      .end = Lane::scalar,
                      .writes = true,
                      .atomic = event.op == NotifyOp::add ? atomic_code(ReduceOp::sum, DType::i32)
                                                          : std::uint8_t{0},
                      .signal = true};
  const std::uint64_t end = event.address + event.size_bytes;
  const GlobalAccesses::Special set{
      .stored = bytes_in_line(scalar_line_of(event.address), event.address, end),
      .line_clock = start.clock};
  accesses_.add(access, start.clock, event.address, end, moment_,
                event.op == NotifyOp::set ? &set : nullptr);
  const auto [known, is_new] = notified_.try_emplace({place_, event.address});
  if (is_new) {
    known->second = {event.rank, event.core, "", "notifies it", findings_.places().line(place_)};
  }
  ++notify_counts_[{event.address, event.rank, place_}];
}

void Checker::wait(const Event& event, CoreOrder& order) {
  if (regions_.find(event.address) == nullptr) return;  // a signal of the runtime
  looked_at_.insert(event.address);
  refresh_line(event, order);
  note_poll(event);
  const std::uint32_t acquire = order.acquire();
  note_successor(event, acquire);
  signals_.wait(event, acquire, order.scalar(), place_, moment_);
  accesses_.note_wait(static_cast<std::uint32_t>(event.core), place_, event.number);
}

// The first wait is judged before or after the second is read, depending on where a batch ends.
void Checker::note_successor(const Event& event, std::uint32_t acquire) {
  const bool is_greater = event.cmp == WaitCmp::gt;  // as `ge` for one more
  const WaitCmp cmp = is_greater ? WaitCmp::ge : event.cmp;
  const std::uint32_t threshold = event.threshold + (is_greater ? 1 : 0);
  const auto core = static_cast<std::uint32_t>(event.core);
  CoreState::LastWait& last = states_[core].last_wait;
  const bool is_pair = last.number != 0 && event.number == last.number + 1 &&
                       event.address == last.cell && cmp == last.cmp &&
                       (cmp == WaitCmp::reached || cmp == WaitCmp::ge);
  const bool asks_more = static_cast<std::int32_t>(threshold - last.threshold) > 0;
  if (is_pair && asks_more && !last.is_judged) followed_.emplace(core, last.acquire);
  if (is_pair && asks_more && last.vacuous != nullptr) --last.vacuous->vacuous;
  if (is_pair && !asks_more && !event.polled) repeated_.emplace(core, acquire);
  last = {.cell = event.address,
          .number = event.number,
          .acquire = acquire,
          .threshold = threshold,
          .cmp = cmp};
}

std::string Checker::cell_name(std::uint64_t address) const {
  const MemoryRegions::Region* const region = regions_.find(address);
  if (region == nullptr) return "a signal";
  const std::uint64_t offset = address - region->begin;
  if (region->kind == RegionKind::signals) {
    return fmt::format("signal `{}[{}]` of {}", region->name, offset / sizeof(SignalCell),
                       findings_.name_of(region->rank));
  }
  return fmt::format("the signal at byte {} of `{}` of {}", offset, region->name,
                     findings_.name_of(region->rank));
}

FindingSide Checker::side(const Operation& operation) const {
  const char* const what = operation.kind == Operation::Kind::add   ? "notifies it"
                           : operation.kind == Operation::Kind::set ? "sets it"
                                                                    : "stores to it";
  FindingSide side{states_[operation.core].rank, static_cast<int>(operation.core), "", what,
                   findings_.places().line(operation.place)};
  accesses_.add_when(side, operation.core, operation.number);
  return side;
}

FindingSide Checker::side(const SatisfiedWait& wait) const {
  FindingSide side{states_[wait.core].rank, static_cast<int>(wait.core), "", "waits for it",
                   findings_.places().line(wait.place)};
  accesses_.add_when(side, wait.core, accesses_.wait_number(wait.core, wait.acquire));
  return side;
}

// missed_value is reported for each wait; the other two for each line of source, at the end: as
// vacuous if one of its waits is, as unneeded if all of them are redundant (finish).
void Checker::judge_wait(const SatisfiedWait& wait) {
  if (wait.is_look) return judge_look(wait);
  const WaitVerdict verdict = signals_.judge(wait);
  const auto subject = [&] { return cell_name(signals_.log().cell(wait.cell).address); };
  if (verdict.missed_by != nullptr) {
    const Operation& by = *verdict.missed_by;
    findings_.add(FindingClass::missed_value, wait.place, by.place, [&] {
      return Finding{
          .kind = FindingClass::missed_value,
          .subject = subject(),
          .sides = {side(wait), side(by)},
          .reason = fmt::format("nothing orders the two: the second can carry the signal away from "
                                "what the wait asks for ({} {}), and then the wait never ends",
                                symbol(wait.cmp), static_cast<std::int32_t>(wait.threshold))};
    });
  }
  if (wait.polled) return judge_poll(wait);
  WaitLine& line = wait_lines_[wait.place];
  const bool is_repeated = repeated_.erase({wait.core, wait.acquire}) != 0;
  if (verdict.is_redundant || is_repeated) ++line.redundant;
  if (line.total++ == 0) {
    line.first = {.kind = FindingClass::unneeded_sync,
                  .subject = subject(),
                  .sides = {side(wait)},
                  .reason = "all that can count for the wait is ordered before it already"};
  }
  const bool is_followed = followed_.erase({wait.core, wait.acquire}) != 0;
  const bool is_vacuous = verdict.is_vacuous && !is_followed && !is_repeated;
  CoreState::LastWait& last = states_[wait.core].last_wait;
  if (last.number != 0 && last.acquire == wait.acquire) {
    last.is_judged = true;
    if (is_vacuous) last.vacuous = &line;
  }
  if (!is_vacuous || line.vacuous++ != 0) return;
  line.first = {
      .kind = FindingClass::vacuous_wait,
      .subject = subject(),
      .sides = {side(wait), side(*verdict.unordered)},
      .reason =
          "what the rank has waited for before satisfies the wait, and nothing orders the "
          "two: it does not wait for the second (a stale or reused signal)"};
}

std::vector<Checker::Notifier> Checker::notifiers(std::uint64_t cell) const {
  std::vector<Notifier> result;
  for (auto count = notify_counts_.lower_bound({cell, 0, 0});
       count != notify_counts_.end() && std::get<0>(count->first) == cell; ++count) {
    const auto& [address, rank, place] = count->first;
    result.push_back({notified_.at({place, cell}), count->second});
    result.back().side.rank = rank;
  }
  return result;
}

std::vector<Checker::Unreached> Checker::unreached_notifies(std::uint64_t cell) const {
  const MemoryRegions::Region* const own = regions_.find(cell);
  std::map<SourceId, std::set<int>>
      reached;  // by line: ranks that notified this signal, of any rank
  for (const auto& [key, count] : notify_counts_) {
    const auto& [address, rank, place] = key;
    const MemoryRegions::Region* const region = regions_.find(address);
    if (own == nullptr || region == nullptr || region->name != own->name ||
        address - region->begin != cell - own->begin) {
      continue;
    }
    reached[place].insert(rank);
  }
  std::vector<Unreached> result;
  for (const auto& [place, ranks] : reached) {
    result.push_back({findings_.places().line(place), ranks});
  }
  return result;
}

std::vector<FindingSide> Checker::notifiers_elsewhere(std::uint64_t cell) const {
  std::vector<FindingSide> result;
  const MemoryRegions::Region* const own = regions_.find(cell);
  SourceId last = UINT32_MAX;
  for (const auto& [key, side] : notified_) {
    const MemoryRegions::Region* const region = regions_.find(key.second);
    if (own == nullptr || region == nullptr || key.first == last || region->rank == own->rank ||
        region->name != own->name || key.second - region->begin != cell - own->begin) {
      continue;
    }
    last = key.first;
    result.push_back(side);
    result.back().what =
        fmt::format("notifies the same signal of {}", findings_.name_of(region->rank));
  }
  return result;
}

void Checker::find_unwaited() {
  std::map<SourceId, const FindingSide*> unwaited;
  for (const auto& [key, side] : notified_) {
    if (!looked_at_.contains(key.second)) unwaited.try_emplace(key.first, &side);
  }
  for (const auto& [key, side] : notified_) {
    if (looked_at_.contains(key.second)) unwaited.erase(key.first);
  }
  for (const auto& [place, side] : unwaited) {
    findings_.add(FindingClass::unwaited_notify, place, place, [&, &side = side] {
      return Finding{.kind = FindingClass::unwaited_notify,
                     .subject = "a signal that nobody looks at",
                     .sides = {*side},
                     .reason = "no rank waits for it or reads it"};
    });
  }
}

void Checker::read_signal_as_data(const Event& event, CoreOrder& order) {
  if (event.kind != EventKind::scalar_read || !signals_.log().is_cell(event.address)) return;
  looked_at_.insert(event.address);
  if (!switches_.signals_in_order && undecided_.empty()) {
    undecided_ = "the kernel reads a signal as data";
  }
  signals_read_.insert(event.address);
  signals_.read_as_data(event, order.acquire());
  accesses_.note_wait(static_cast<std::uint32_t>(event.core), place_, event.number);
}

}  // namespace peal
