// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/memory/global_accesses.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "peal/checks/memory/scalar_lines.h"

namespace peal {
void GlobalAccesses::note_release(std::uint32_t core, SourceId place, std::uint32_t number) {
  if (releases_.size() <= core) releases_.resize(core + 1);
  releases_[core].push_back({.place = place, .number = number});
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
    if (pending.collected || !access.writes || access.atomic != 0 || access.signal) continue;
    pending.collected = true;
    const Special& special = specials_[pending.special];
    const auto collect = [&](std::uint64_t begin, std::uint64_t end) {
      signals_.log().cells_in(begin, end, [&](std::uint32_t cell, std::uint64_t) {
        if (signals_.log().cell(cell).is_word) return;  // word_stored events cover polled words
        signals_.add_store({.access = access,
                            .clock = clocks_[pending.clock],
                            .cell = cell,
                            .moment = pending.moment,
                            .value = special.value});
      });
    };
    if (special.only_line) {
      for_each_run(pending.begin, special.stored, collect);
    } else {
      collect(pending.begin, pending.end);
    }
  }
}

void GlobalAccesses::judge() {
  std::size_t judged = 0;
  for (; judged < pending_.size(); ++judged) {
    const Pending& pending = pending_[judged];
    const std::uint32_t acquired = clocks_[pending.clock][Lane::acquired];
    if (acquired > signals_.final_acquires(pending.access.core)) break;
    judge(pending);
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(judged));
  drop_unused_clocks();
}

// Moves what the pending accesses use to the front, in place: the memory serves the next batch.
void GlobalAccesses::drop_unused_clocks() {
  std::uint32_t clocks = 0, specials = 1, last = UINT32_MAX;
  for (Pending& pending : pending_) {
    if (pending.clock != last) clocks_[clocks++] = clocks_[last = pending.clock];
    pending.clock = clocks - 1;
    if (pending.special == 0) continue;
    if (pending.special != specials) specials_[specials] = specials_[pending.special];
    pending.special = specials++;
  }
  clocks_.erase(clocks_.begin() + clocks, clocks_.end());
  specials_.erase(specials_.begin() + specials, specials_.end());
}

std::vector<std::uint32_t> GlobalAccesses::oldest_asked() const {
  std::vector<std::uint32_t> result(cores_.size(), UINT32_MAX);
  for (const Pending& pending : pending_) {
    std::uint32_t& oldest = result[pending.access.core];
    oldest = std::min(oldest, clocks_[pending.clock][Lane::acquired]);
    const Special& special = specials_[pending.special];
    if (special.stored != 0 || special.cached_read) {
      oldest = std::min(oldest, special.line_clock[Lane::acquired]);
    }
  }
  return result;
}

// Happens-before between two accesses:
//   - Tasks that nothing orders are concurrent, whatever core ran them.
//   - Two cores: the earlier access has ended at the last release of its core that the other core
//     knows of.
//   - One core, a read after a write: through the scalar cache, both in the cache or the store
//     flushed; otherwise the store has executed and, if it is to a peer's memory or either of the
//     two is the DMA engine's, is visible.
//   - One core, otherwise: the earlier access has ended. A read of the DMA engine has at its next
//     transfer, without a wait for it. Scalar accesses end in program order, but
//     signals may overtake each other where the switch says so.
bool GlobalAccesses::is_over(const Access& earlier, const Access& access, const LaneClock& clock,
                             std::uint64_t address) const {
  const CoreOrder& order = cores_[earlier.core];
  if (task_precedence_.has_several() && are_apart(earlier, access, clock)) return false;
  if (earlier.core == access.core) {
    if (earlier.writes && !access.writes) {
      if (earlier.cached) return access.cached || order.has_ended(earlier, clock);
      if (clock[earlier.lane] < earlier.sequence) return false;
      const bool is_engine = earlier.lane == Lane::dma || access.lane == Lane::dma;
      return is_scalar(earlier) || order.has_ended(earlier, clock) ||
             (!is_engine && is_own_memory(address, access.core));
    }
    // The DMA engine carries out one transfer after another: a read of it ends before the next.
    const bool is_next_transfer =
        !earlier.writes && earlier.lane == Lane::dma && access.lane == Lane::dma;
    if (is_next_transfer) return clock[Lane::dma] >= earlier.sequence;
    if (is_scalar(earlier) && is_scalar(access)) {
      return signals_.signals_in_order() || !may_overtake(earlier, access, clock, address);
    }
    return order.has_ended(earlier, clock);
  }
  const std::uint32_t release = signals_.known(access.core, clock[Lane::acquired], earlier.core);
  return release > 0 && order.has_ended(earlier, order.release_clock(release));
}

// The order between two tasks of a rank must not come from the program order of the core that took
// one after the other. So the release through which the later access knows the earlier core counts
// only if it belongs to the earlier task or to one that the graph orders after it.
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

bool GlobalAccesses::may_overtake(const Access& earlier, const Access& access,
                                  const LaneClock& clock, std::uint64_t address) const {
  return earlier.signal && access.signal && !commute(earlier, access) &&
         !is_own_memory(address, access.core) && !has_heard_since(earlier, access, clock, address);
}

bool GlobalAccesses::has_heard_since(const Access& earlier, const Access& access,
                                     const LaneClock& clock, std::uint64_t address) const {
  const std::uint32_t then = waits_before(access.core, earlier.number);
  const int owner = regions_.find(address)->rank;
  for (std::uint32_t core = 0; core < cores_.size(); ++core) {
    if (rank_of(core) == owner && signals_.known(access.core, clock[Lane::acquired], core) >
                                      signals_.known(access.core, then, core)) {
      return true;
    }
  }
  return false;
}

// A fill reads memory: as is_over(), for a read, but that what the core itself has stored through
// its cache is in its own line, and that its notify to a peer may still be on its way.
bool GlobalAccesses::is_in_line(const Access& write, const Access& access, const LaneClock& clock,
                                std::uint64_t address) const {
  Access fill = access;
  fill.writes = false;
  fill.cached = true;
  if (!is_over(write, fill, clock, address)) return false;
  return !write.signal || write.core != access.core || access.signal ||
         is_own_memory(address, access.core) || has_heard_since(write, access, clock, address);
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
  if (special.look != 0 && signals_.take_waiting_look(access.core, special.look)) return;
  if (special.stored != 0) judge_line(pending, special);
  if (special.only_line || pending.begin == pending.end) return;
  if (access.writes && !lines_.empty()) check_line_writes(pending, clock);
  const bool looks = !access.writes || access.atomic != 0;
  history(pending.begin, rank_of(access.core))
      .add(
          pending.begin, pending.end, access,
          [&](const Access& earlier) {
            if (looks && earlier.writes) written(earlier.place).is_read = true;
            const bool is_itself = earlier.core == access.core && earlier.lane == access.lane &&
                                   earlier.number == access.number;
            const bool over = is_itself || is_over(earlier, access, clock, pending.begin);
            if (over && special.cached_read && earlier.writes &&
                !is_in_line(earlier, access, special.line_clock, pending.begin)) {
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

// A write-back against the writes before it in the run: it rewrites the bytes of the line that its
// core did not store with what they held at the fill, so a write that is not over at the fill may
// be lost, be it another core's or of a pipe of its own. Later writes find the write-back in
// `lines_`.
void GlobalAccesses::judge_line(const Pending& pending, const Special& special) {
  const std::uint64_t line = scalar_line_of(pending.begin);
  const Access& access = pending.access;
  for_each_run(line, ~special.stored, [&](std::uint64_t from, std::uint64_t to) {
    if (regions_.find(from) == nullptr) return;
    history(from, rank_of(access.core))
        .last_writes(from, to, [&](const Access& write, std::uint64_t begin, std::uint64_t end) {
          if (is_in_line(write, access, special.line_clock, begin)) return;
          clobber(access, write, begin, end);
        });
  });
  // Of one core, line of source and range the last write-back is enough: if it is over, so are the
  // earlier ones.
  std::vector<LineWrite>& writes = lines_[line];
  const auto before = std::find_if(writes.begin(), writes.end(), [&](const LineWrite& earlier) {
    return earlier.access.core == access.core && earlier.access.place == access.place &&
           earlier.access.end == access.end && earlier.stored == special.stored;
  });
  if (before == writes.end()) {
    writes.push_back({access, special.stored});
  } else {
    before->access = access;
  }
}

// A write against the write-backs before it in the run: one that is not over when the write starts
// may come after it and put old bytes over it. Within one core, its stores through the cache and
// its notifies (which clean their line first) follow its write-backs in program order; its pipes,
// and stores past the cache, do not.
void GlobalAccesses::check_line_writes(const Pending& pending, const LaneClock& clock) {
  const Access& access = pending.access;
  const std::uint64_t first = scalar_line_of(pending.begin);
  for (auto line = lines_.lower_bound(first); line != lines_.end() && line->first < pending.end;
       ++line) {
    const std::uint64_t written = bytes_in_line(line->first, pending.begin, pending.end);
    for (const LineWrite& earlier : line->second) {
      const std::uint64_t rewritten = written & ~earlier.stored;
      if (rewritten == 0) continue;
      const bool is_own = earlier.access.core == access.core;
      const bool over = is_own ? access.cached || access.signal ||
                                     cores_[access.core].has_ended(earlier.access, clock)
                               : is_over(earlier.access, access, clock, pending.begin);
      if (over) continue;
      for_each_run(line->first, rewritten, [&](std::uint64_t begin, std::uint64_t end) {
        clobber(earlier.access, access, begin, end);
      });
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
  side.step = waits_before(core, number) - waits_before(core, call->number + 1);
}

std::uint32_t GlobalAccesses::waits_before(std::uint32_t core, std::uint32_t number) const {
  if (core >= waits_.size()) return 0;
  const auto end = std::partition_point(waits_[core].begin(), waits_[core].end(),
                                        [&](const Release& wait) { return wait.number < number; });
  return static_cast<std::uint32_t>(end - waits_[core].begin());
}

}  // namespace peal
