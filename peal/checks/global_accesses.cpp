// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/global_accesses.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "peal/checks/pipe_names.h"
#include "peal/checks/scalar_lines.h"

namespace peal {
namespace {

const char* verb(const Access& access) {
  if (access.signal) return access.atomic ? "notifies it" : "sets it";
  if (access.atomic) return "adds to it";
  return access.writes ? "writes it" : "reads it";
}

bool is_scalar(const Access& access) { return access.lane == Lane::scalar; }

}  // namespace

void GlobalAccesses::note_release(std::uint32_t core, PlaceId place, std::uint32_t number) {
  if (releases_.size() <= core) releases_.resize(core + 1);
  releases_[core].push_back({place, number});
}

void GlobalAccesses::add(const Access& access, const LaneClock& clock, std::uint64_t begin,
                         std::uint64_t end, std::uint64_t moment, const Special* special) {
  if (pending_.empty() || pending_.back().moment != moment) clocks_.push_back(clock);
  Pending& pending = pending_.emplace_back();
  pending.access = access;
  pending.clock = static_cast<std::uint32_t>(clocks_.size() - 1);
  pending.begin = begin;
  pending.end = end;
  pending.moment = moment;
  if (special == nullptr) return;
  pending.special = static_cast<std::uint32_t>(specials_.size());
  specials_.push_back(*special);
}

void GlobalAccesses::note_host_write(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  auto next = host_writes_.upper_bound(end);
  while (next != host_writes_.begin() && std::prev(next)->second >= begin) {
    --next;
    begin = std::min(begin, next->first);
    end = std::max(end, next->second);
    next = host_writes_.erase(next);
  }
  host_writes_.emplace_hint(next, begin, end);
}

void GlobalAccesses::collect_cell_stores() {
  for (Pending& pending : pending_) {
    const Access& access = pending.access;
    if (pending.collected || !access.writes || access.atomic || access.signal) continue;
    pending.collected = true;
    signals_.cells_in(pending.begin, pending.end, [&](std::uint32_t cell, std::uint64_t) {
      signals_.add_store({.access = access,
                          .clock = clocks_[pending.clock],
                          .cell = cell,
                          .moment = pending.moment});
    });
  }
}

void GlobalAccesses::judge() {
  std::size_t judged = 0;
  for (; judged < pending_.size(); ++judged) {
    const Pending& pending = pending_[judged];
    const std::uint32_t acquired = clocks_[pending.clock][Lane::acquired];
    if (acquired > signals_.settled_acquires(pending.access.core)) break;
    judge(pending);
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(judged));
  std::vector<LaneClock> clocks;
  std::vector<Special> specials{Special{}};
  std::uint32_t last = UINT32_MAX;
  for (Pending& pending : pending_) {
    if (pending.clock != last) clocks.push_back(clocks_[last = pending.clock]);
    pending.clock = static_cast<std::uint32_t>(clocks.size() - 1);
    if (pending.special == 0) continue;
    specials.push_back(specials_[pending.special]);
    pending.special = static_cast<std::uint32_t>(specials.size() - 1);
  }
  clocks_ = std::move(clocks);
  specials_ = std::move(specials);
}

// A core's own load from its rank's memory sees what its store has executed; from a peer's memory,
// and for everybody else and another store, the store has to be visible.
bool GlobalAccesses::is_over(const Access& earlier, const Access& access, const LaneClock& clock,
                             std::uint64_t address) const {
  const CoreOrder& order = cores_[earlier.core];
  if (task_precedence_.has_several() && are_apart(earlier, access, clock)) return false;
  if (earlier.core == access.core) {
    if (earlier.writes && !access.writes) {
      if (earlier.cached) return access.cached || order.has_ended(earlier, clock);
      if (clock[earlier.lane] < earlier.sequence) return false;
      return is_scalar(earlier) || order.has_ended(earlier, clock) ||
             is_own_memory(address, access.core);
    }
    if (is_scalar(earlier) && is_scalar(access)) return true;
    return order.has_ended(earlier, clock);
  }
  const std::uint32_t release = signals_.known(access.core, clock[Lane::acquired], earlier.core);
  return release > 0 && order.has_ended(earlier, order.release_clock(release));
}

bool GlobalAccesses::are_apart(const Access& earlier, const Access& access,
                               const LaneClock& clock) const {
  if (rank_of(earlier.core) != rank_of(access.core)) return false;
  const std::int64_t first = task_precedence_.task_of(earlier.core, earlier.number);
  const std::int64_t second = task_precedence_.task_of(access.core, access.number);
  if (first == TaskPrecedence::none || second == TaskPrecedence::none || first == second ||
      task_precedence_.precedes(first, second)) {
    return false;
  }
  const std::uint32_t release = signals_.known(access.core, clock[Lane::acquired], earlier.core);
  if (release == 0) return true;
  const std::int64_t by =
      task_precedence_.task_of(earlier.core, release_number(earlier.core, release));
  return by != first && !task_precedence_.precedes(first, by);
}

bool GlobalAccesses::is_own_memory(std::uint64_t address, std::uint32_t core) const {
  const MemoryRegions::Region* const region = regions_.find(address);
  return region == nullptr || region->rank == rank_of(core);
}

AccessHistory& GlobalAccesses::history(std::uint64_t address, int rank) {
  const MemoryRegions::Region* const region = regions_.find(address);
  if (region == nullptr) return private_histories_.try_emplace(rank, true).first->second;
  const bool written_at_first = region->kind == RegionKind::input ||
                                region->kind == RegionKind::inout ||
                                region->kind == RegionKind::signals || region->is_filled;
  return histories_.try_emplace(region->begin, written_at_first).first->second;
}

void GlobalAccesses::judge(const Pending& pending) {
  const Access& access = pending.access;
  const LaneClock& clock = clocks_[pending.clock];
  const Special& special = specials_[pending.special];
  if (special.line_write) judge_line(pending, special);
  if (special.only_line || pending.begin == pending.end) return;
  if (access.writes && !lines_.empty()) check_line_writes(pending, clock);
  const bool looks = !access.writes || access.atomic;
  history(pending.begin, rank_of(access.core))
      .add(
          pending.begin, pending.end, access,
          [&](const Access& earlier) {
            if (looks && earlier.writes) written(earlier.place).is_read = true;
            const bool is_itself = earlier.core == access.core && earlier.lane == access.lane &&
                                   earlier.number == access.number;
            const bool over = is_itself || is_over(earlier, access, clock, pending.begin);
            if (over && special.cached_read && earlier.writes && earlier.core != access.core &&
                !is_over(earlier, access, special.line_clock, pending.begin)) {
              stale(earlier, access, pending.begin, pending.end);
            }
            return over;
          },
          [&](const Access& earlier, std::uint64_t begin, std::uint64_t end) {
            conflict(earlier, pending, clock, begin, end);
          },
          [&](std::uint64_t begin, std::uint64_t end) { unwritten(pending, begin, end); });
  if (!access.writes || access.signal) return;
  Written& own = written(access.place);
  if (own.bytes == 0) {
    own.rank = rank_of(access.core);
    own.core = static_cast<int>(access.core);
    own.begin = pending.begin;
    own.end = pending.end;
  }
  own.bytes += pending.end - pending.begin;
}

// The whole line is written back, with what its other bytes held when it was filled.
void GlobalAccesses::judge_line(const Pending& pending, const Special& special) {
  const std::uint64_t line = scalar_line_of(pending.begin);
  const Access& access = pending.access;
  const auto look = [&](std::uint64_t from, std::uint64_t to) {
    const MemoryRegions::Region* const region = regions_.find(from);
    if (region == nullptr || from >= to) return;
    history(from, rank_of(access.core))
        .last_writes(from, to, [&](const Access& write, std::uint64_t begin, std::uint64_t end) {
          if (write.core == access.core || is_over(write, access, special.line_clock, begin))
            return;
          clobber(access, write, begin, end);
        });
  };
  look(line, pending.begin);
  look(std::max(pending.end, line), line + scalar_line_bytes);
  lines_[line].push_back({access, pending.begin, pending.end});
}

void GlobalAccesses::check_line_writes(const Pending& pending, const LaneClock& clock) {
  const Access& access = pending.access;
  const std::uint64_t first = scalar_line_of(pending.begin);
  for (auto line = lines_.lower_bound(first); line != lines_.end() && line->first < pending.end;
       ++line) {
    for (const LineWrite& earlier : line->second) {
      if (earlier.access.core == access.core) continue;
      const bool within = pending.begin >= earlier.begin && pending.end <= earlier.end;
      if (within || is_over(earlier.access, access, clock, pending.begin)) continue;
      clobber(earlier.access, access, std::max(pending.begin, line->first),
              std::min(pending.end, line->first + scalar_line_bytes));
    }
  }
}

int GlobalAccesses::rank_of(std::uint32_t core) const {
  return core < ranks_.size() ? ranks_[core] : 0;
}

void GlobalAccesses::note_call(std::uint32_t core, std::int64_t call, std::uint32_t number) {
  if (calls_.size() <= core) calls_.resize(core + 1);
  calls_[core].push_back({.number = number, .call = call, .task = {}});
}

void GlobalAccesses::note_task(std::uint32_t core, std::string name, std::uint32_t number) {
  if (tasks_.size() <= core) tasks_.resize(core + 1);
  tasks_[core].push_back({.number = number, .call = 0, .task = std::move(name)});
}

void GlobalAccesses::add_when(FindingSide& side, std::uint32_t core, std::uint32_t number) const {
  const auto last_before = [core, number](const std::vector<std::vector<Begin>>& begins) {
    const Begin* found = nullptr;
    if (core >= begins.size()) return found;
    const auto after = std::upper_bound(
        begins[core].begin(), begins[core].end(), number,
        [](std::uint32_t wanted, const Begin& begin) { return wanted <= begin.number; });
    if (after != begins[core].begin()) found = &*std::prev(after);
    return found;
  };
  if (const Begin* const task = last_before(tasks_)) side.task = task->task;
  const Begin* const call = last_before(calls_);
  if (call == nullptr) return;
  side.call = call->call;
  if (core >= waits_.size()) return;
  side.step = std::count_if(waits_[core].begin(), waits_[core].end(), [&](const Release& wait) {
    return wait.number > call->number && wait.number < number;
  });
}

FindingSide GlobalAccesses::side(const Access& access, const char* what) const {
  const bool is_engine = !access.signal && !is_scalar(access);
  FindingSide side{rank_of(access.core), static_cast<int>(access.core),
                   is_engine ? name(static_cast<Pipe>(access.lane)) : "", what,
                   findings_.places().line(access.place)};
  add_when(side, access.core, access.number);
  return side;
}

void GlobalAccesses::conflict(const Access& earlier, const Pending& pending, const LaneClock& clock,
                              std::uint64_t begin, std::uint64_t end) {
  const Access& access = pending.access;
  const bool looks_at_signal = (earlier.signal && !access.writes && is_scalar(access)) ||
                               (access.signal && !earlier.writes && is_scalar(earlier));
  if (looks_at_signal) {
    reads_signals_ = true;
    return;
  }
  const bool both_write = earlier.writes && access.writes;
  const FindingClass kind = (earlier.signal || access.signal) && both_write
                                ? FindingClass::lost_signal
                                : FindingClass::race;
  findings_.add(kind, earlier.place, access.place, [&] {
    Finding finding{.kind = kind,
                    .subject = regions_.describe(begin, end, rank_of(access.core)),
                    .sides = {side(earlier, verb(earlier)), side(access, verb(access))},
                    .reason = reason(earlier, access, clock)};
    if (kind == FindingClass::lost_signal) {
      finding.reason =
          "nothing orders the two: one may erase the other, and who waits for it "
          "waits for ever";
    }
    return finding;
  });
}

std::string GlobalAccesses::reason_on_core(const Access& earlier, const Access& access,
                                           const LaneClock& clock) const {
  if (earlier.cached && !access.cached) {
    return "the store is still in the scalar cache: dcci and dsb are missing between them";
  }
  const char* const from = name(static_cast<Pipe>(earlier.lane));
  const char* const to = name(static_cast<Pipe>(access.lane));
  if (earlier.writes && clock[earlier.lane] >= earlier.sequence) {
    return fmt::format(
        "{} waits until {} has executed the store, and it need not be visible then: a dsb is "
        "missing between them",
        to, from);
  }
  if (earlier.lane == access.lane) {
    return fmt::format(
        "two stores of one pipe are not ordered at their destination: "
        "pipe_barrier(PIPE_{}) is missing between them",
        from);
  }
  return fmt::format("nothing makes {} wait for {}: a flag or a barrier is missing between them",
                     to, from);
}

// Why nothing orders the two: the notify that was heard came too early, or none was.
std::string GlobalAccesses::reason(const Access& earlier, const Access& access,
                                   const LaneClock& clock) const {
  if (earlier.core == access.core) return reason_on_core(earlier, access, clock);
  const int from = rank_of(earlier.core), to = rank_of(access.core);
  const std::uint32_t known = signals_.known(access.core, clock[Lane::acquired], earlier.core);
  const auto& releases =
      earlier.core < releases_.size() ? releases_[earlier.core] : std::vector<Release>{};
  if (known > 0 && known <= releases.size() && releases[known - 1].number > earlier.number) {
    const FindingLine& line = findings_.places().line(releases[known - 1].place);
    const LaneClock& at = cores_[earlier.core].release_clock(known);
    if (earlier.writes && at[earlier.lane] >= earlier.sequence) {
      return fmt::format(
          "rank {} notifies at {} when its store has been drained and need not be visible: "
          "dsb(DSB_DDR) is missing before the notify",
          from, describe(line));
    }
    return fmt::format(
        "rank {} notifies at {} before its {} is drained: pipe_barrier(PIPE_ALL) or pipe_sync() "
        "is missing before the notify",
        from, describe(line), earlier.writes ? "store" : "load");
  }
  if (earlier.writes && known > 0 && known <= releases.size() &&
      releases[known - 1].number < earlier.number) {
    const FindingLine& line = findings_.places().line(releases[known - 1].place);
    if (!line.file.starts_with("peal/")) {
      return fmt::format(
          "rank {} writes it after its notify at {}, the last that rank {} has provably waited for",
          from, describe(line), to);
    }
  }
  const std::uint32_t waited = clock[Lane::acquired];
  if (waited > 0 && access.core < waits_.size() && waited <= waits_[access.core].size()) {
    const FindingLine& line = findings_.places().line(waits_[access.core][waited - 1].place);
    if (line.file.starts_with("peal/launch/") ||
        line.file.starts_with("peal/executors/")) {  // the end of a task, not a wait
      return fmt::format("nothing orders the two: rank {} has waited for nothing since", to);
    }
    return fmt::format(
        "nothing orders the two: what rank {} last waited for, at {}, can be "
        "satisfied without rank {} having come past this",
        to, describe(line), from);
  }
  return fmt::format("nothing orders the two: rank {} has waited for nothing before this", to);
}

void GlobalAccesses::clobber(const Access& line, const Access& write, std::uint64_t begin,
                             std::uint64_t end) {
  findings_.add(FindingClass::line_clobber, line.place, write.place, [&] {
    return Finding{
        .kind = FindingClass::line_clobber,
        .subject = regions_.describe(begin, end, rank_of(write.core)),
        .sides = {side(line, "rewrites its whole 64-byte line"), side(write, verb(write))},
        .reason =
            "the line may be written back with what these bytes held before; give signals of "
            "different writers lines of their own, or use an atomic add"};
  });
}

void GlobalAccesses::stale(const Access& earlier, const Access& read, std::uint64_t begin,
                           std::uint64_t end) {
  findings_.add(FindingClass::stale_read, earlier.place, read.place, [&] {
    return Finding{.kind = FindingClass::stale_read,
                   .subject = regions_.describe(begin, end, rank_of(read.core)),
                   .sides = {side(earlier, verb(earlier)),
                             side(read, "reads it from a line cached before that")},
                   .reason = "a dcci is missing between the wait and the read"};
  });
}

// A window is zero at first, so a kernel may well look at single elements of it, or at more than it
// needs; a whole load that finds nothing was meant for something else.
void GlobalAccesses::unwritten(const Pending& pending, std::uint64_t begin, std::uint64_t end) {
  const Access& access = pending.access;
  const auto after = host_writes_.upper_bound(begin);
  if (after != host_writes_.begin() && std::prev(after)->second > begin) {
    const std::uint64_t written_to = std::prev(after)->second;
    return written_to < end ? unwritten(pending, written_to, end) : void();
  }
  const MemoryRegions::Region* const region = regions_.find(begin);
  // What looks at results from outside of kernels has no line.
  if (region == nullptr || findings_.places().line(access.place).file.empty()) return;
  const auto make = [&] {
    return Finding{.kind = FindingClass::never_written,
                   .subject = regions_.describe(begin, end, rank_of(access.core)),
                   .sides = {side(access, "reads it")},
                   .reason = "nobody has written these bytes before"};
  };
  const bool is_part = begin != pending.begin || end != pending.end;
  if (region->kind == RegionKind::window && (is_part || (is_scalar(access) && end - begin <= 8))) {
    const bool is_known =
        std::any_of(suspicions_.begin(), suspicions_.end(),
                    [&](const auto& suspicion) { return suspicion.first == access.place; });
    if (!is_known && !signals_.has_cell_in(begin, end)) {
      suspicions_.emplace_back(access.place, make());
    }
    return;
  }
  findings_.add(FindingClass::never_written, access.place, access.place, make);
}

void GlobalAccesses::find_unwritten(bool is_wrong) {
  const FindingClass kind =
      is_wrong ? FindingClass::never_written : FindingClass::unwritten_window_read;
  for (auto& suspicion : suspicions_) {
    suspicion.second.kind = kind;
    findings_.add(kind, suspicion.first, suspicion.first, [&] { return suspicion.second; });
  }
}

// An output that no rank has written in any call holds what it held before.
void GlobalAccesses::find_unwritten_outputs() {
  std::map<std::string, std::pair<const MemoryRegions::Region*, bool>> outputs;  // and is written
  regions_.for_each([&](const MemoryRegions::Region& region) {
    if (region.kind != RegionKind::output || region.begin == region.end) return;
    const std::string name = region.name.substr(0, region.name.rfind(" of call "));
    auto& [first, is_written] = outputs.try_emplace(name, &region, false).first->second;
    const auto history = histories_.find(region.begin);
    is_written = is_written || (history != histories_.end() &&
                                history->second.has_writes(region.begin, region.end));
  });
  for (const auto& [name, output] : outputs) {
    if (output.second) continue;
    // Each output is a finding of its own, and none has a line.
    const Finding finding{
        .kind = FindingClass::never_written,
        .subject = regions_.describe(output.first->begin, output.first->end, output.first->rank),
        .sides = {},
        .reason = fmt::format("no rank writes the output `{}` in any call", name)};
    findings_.add_apart(finding);
  }
}

void GlobalAccesses::find_unread() {
  for (PlaceId place = 0; place < written_.size(); ++place) {
    const Written& first = written_[place];
    if (first.is_read || first.bytes == 0) continue;
    const MemoryRegions::Region* const region = regions_.find(first.begin);
    if (region == nullptr || region->kind != RegionKind::window) continue;
    if (signals_.has_cell_in(first.begin, first.end)) continue;
    findings_.add(FindingClass::unread_bytes, place, place, [&] {
      return Finding{
          .kind = FindingClass::unread_bytes,
          .subject = regions_.describe(first.begin, first.end, first.rank),
          .sides = {{first.rank, first.core, "", "writes it", findings_.places().line(place)}},
          .reason =
              fmt::format("none of the {} bytes that this line writes is ever read", first.bytes)};
    });
  }
}

}  // namespace peal
