// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "peal/checks/memory/global_accesses.h"
#include "peal/checks/rules/pipe_names.h"

// The findings about accesses to global memory, and their reasons in words.

namespace peal {
namespace {

const char* verb(const Access& access) {
  if (access.signal) return access.atomic != 0 ? "notifies it" : "sets it";
  if (access.atomic != 0) return "combines into it";
  return access.writes ? "writes it" : "reads it";
}

}  // namespace

FindingSide GlobalAccesses::side(const Access& access, const char* what) const {
  const bool is_engine = !access.signal && !is_scalar(access);
  FindingSide side{rank_of(access.core), static_cast<int>(access.core),
                   is_engine ? name(static_cast<Pipe>(access.lane)) : "", what,
                   findings_.places().line(access.place)};
  add_when(side, access.core, access.number);
  return side;
}

// True if [begin, end) consists of polled words and the store to each of them is known to have
// happened before the access, because its core, or one that its core knows of, saw the value
// (lemma 5 of signal_order.h).
bool GlobalAccesses::has_seen(const Access& store, const Pending& pending, const LaneClock& clock,
                              std::uint64_t begin, std::uint64_t end) const {
  if (!store.writes || store.core == pending.access.core) return false;
  std::uint64_t seen = begin;
  signals_.log().cells_in(begin, end, [&](std::uint32_t id, std::uint64_t address) {
    const Cell& cell = signals_.log().cell(id);
    const bool follows = cell.is_word && address == seen &&
                         signals_.has_seen(cell, pending.access.core, clock[Lane::acquired], store);
    if (follows) seen += cell.size_bytes;
  });
  return seen >= end;
}

void GlobalAccesses::note_read_while_changed(const Access& earlier, const Access& access,
                                             std::uint64_t begin) {
  const Access& read = access.writes ? earlier : access;
  const bool is_look =
      read.look_bytes != 0 && earlier.writes != access.writes && earlier.core != access.core;
  if (!is_look) return;
  const std::uint64_t word = begin & ~(std::uint64_t{read.look_bytes} - 1);
  std::uint32_t& size = read_while_changed_[word];
  size = std::max(size, std::uint32_t{read.look_bytes});
  if (signals_.is_word(word)) raced_reads_.emplace(read.core, read.number);
}

void GlobalAccesses::conflict(const Access& earlier, const Pending& pending, const LaneClock& clock,
                              std::uint64_t begin, std::uint64_t end) {
  const Access& access = pending.access;
  if (has_seen(earlier, pending, clock, begin, end)) return;
  note_read_while_changed(earlier, access, begin);
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
    if (earlier.atomic != 0 && access.atomic != 0) {
      finding.reason =
          "atomic writes of another operation or type do not commute, and " + finding.reason;
    }
    if (kind == FindingClass::lost_signal) {
      finding.reason =
          earlier.core == access.core
              ? "signals of one core may overtake each other: one may erase the other, and who "
                "waits for it waits for ever"
              : "nothing orders the two: one may erase the other, and who waits for it waits for "
                "ever";
    }
    return finding;
  });
}

// The run may have executed first what comes second in program order: the reason names the two in
// program order.
std::string GlobalAccesses::reason_on_core(const Access& earlier, const Access& access,
                                           const LaneClock& clock) const {
  const bool is_turned = earlier.number > access.number;
  const Access& first = is_turned ? access : earlier;
  const Access& second = is_turned ? earlier : access;
  if (first.writes && first.cached && !second.cached) {
    return "the store is still in the scalar cache: dcci and dsb are missing between them";
  }
  const char* const from = name(static_cast<Pipe>(first.lane));
  const char* const to = name(static_cast<Pipe>(second.lane));
  if (first.lane == Lane::dma) {
    return fmt::format(
        "nothing makes {} wait until the asynchronous transfer has ended: the Wait of its event is "
        "missing between them",
        to);
  }
  if (first.lane == second.lane && first.writes && second.writes) {
    return fmt::format(
        "two stores of one pipe are not ordered at their destination: "
        "pipe_barrier(PIPE_{}) is missing between them",
        from);
  }
  if (!is_turned && first.writes && clock[first.lane] >= first.sequence) {
    return fmt::format(
        "{} waits until {} has executed the store, and it need not be visible then: a dsb is "
        "missing between them",
        to, from);
  }
  return fmt::format("nothing makes {} wait for {}: a flag or a barrier is missing between them",
                     to, from);
}

// Why the two are unordered, from the last release of the earlier access's core that the other core
// knows: it is issued after the access but before the access has ended; it precedes the access; or
// none is known, and then the last wait is named that could have given one.
std::string GlobalAccesses::reason(const Access& earlier, const Access& access,
                                   const LaneClock& clock) const {
  if (earlier.core == access.core) return reason_on_core(earlier, access, clock);
  const std::string from = findings_.name_of(rank_of(earlier.core));
  const std::string to = findings_.name_of(rank_of(access.core));
  const std::uint32_t known = signals_.known(access.core, clock[Lane::acquired], earlier.core);
  const auto& releases =
      earlier.core < releases_.size() ? releases_[earlier.core] : std::vector<Release>{};
  if (known > 0 && known <= releases.size() && releases[known - 1].number > earlier.number) {
    const FindingLine& line = findings_.places().line(releases[known - 1].place);
    const LaneClock& at = cores_[earlier.core].release_clock(known);
    const bool is_transfer = earlier.lane == Lane::dma;
    const char* const early =
        earlier.cached && earlier.writes
            ? "line of the scalar cache is written back: dcci and dsb(DSB_DDR) are"
        : is_transfer    ? "asynchronous transfer has ended: the Wait of its event is"
        : earlier.writes ? "store is drained: pipe_barrier(PIPE_ALL) or pipe_sync() is"
                         : "load is drained: pipe_barrier(PIPE_ALL) or pipe_sync() is";
    if (releases[known - 1].is_store) {
      return fmt::format(
          "{} stores the word that {} looks at, at {}, before its {} missing before the "
          "store",
          from, to, describe(line), early);
    }
    if (earlier.writes && !earlier.cached && at[earlier.lane] >= earlier.sequence) {
      return fmt::format(
          "{} notifies at {} when its store has been drained and need not be visible: "
          "dsb(DSB_DDR) is missing before the notify",
          from, describe(line));
    }
    return fmt::format("{} notifies at {} before its {} missing before the notify", from,
                       describe(line), early);
  }
  if (earlier.writes && known > 0 && known <= releases.size() &&
      releases[known - 1].number < earlier.number) {
    const FindingLine& line = findings_.places().line(releases[known - 1].place);
    if (releases[known - 1].is_store && releases[known - 1].place == earlier.place) {
      return fmt::format(
          "{} has looked at words that {} stores there: that says nothing of other "
          "bytes, "
          "nor of later stores",
          to, from);
    }
    if (line.origin == SourceOrigin::kernel) {
      return fmt::format(
          "{} writes it after its {} at {}, the last that {} has provably waited for", from,
          releases[known - 1].is_store ? "store" : "notify", describe(line), to);
    }
  }
  std::uint32_t waited = clock[Lane::acquired];
  const auto is_known = [&] {
    return waited > 0 && access.core < waits_.size() && waited <= waits_[access.core].size();
  };
  if (is_known() && wait_number(access.core, waited) == access.number) --waited;  // the look itself
  if (is_known()) {
    const FindingLine& line = findings_.places().line(waits_[access.core][waited - 1].place);
    if (line.origin == SourceOrigin::runtime) {  // which waited for a task there
      return fmt::format("nothing orders the two: {} has waited for nothing since", to);
    }
    return fmt::format(
        "nothing orders the two: what {} last waited for, at {}, can be "
        "satisfied without {} having come past this",
        to, describe(line), from);
  }
  return fmt::format("nothing orders the two: {} has waited for nothing before this", to);
}

void GlobalAccesses::clobber(const Access& line, const Access& write, std::uint64_t begin,
                             std::uint64_t end) {
  findings_.add(FindingClass::line_clobber, line.place, write.place, [&] {
    return Finding{
        .kind = FindingClass::line_clobber,
        .subject = regions_.describe(begin, end, rank_of(write.core)),
        .sides = {side(line, "rewrites its whole 64-byte line"), side(write, verb(write))},
        .reason = line.core == write.core
                      ? "the line may be written back with what these bytes held before: order the "
                        "two (a barrier between the store and the first access to the line, or "
                        "dcci and dsb before the store), or give them lines of their own"
                  : line.signal || write.signal
                      ? "the line may be written back with what these bytes held before; give "
                        "signals of different writers lines of their own, or use an atomic add"
                      : "the line may be written back with what these bytes held before: order the "
                        "two (dcci and dsb before the other core is told), or give what different "
                        "cores write lines of its own"};
  });
}

void GlobalAccesses::stale(const Access& earlier, const Access& read, std::uint64_t begin,
                           std::uint64_t end) {
  findings_.add(FindingClass::stale_read, earlier.place, read.place, [&] {
    return Finding{.kind = FindingClass::stale_read,
                   .subject = regions_.describe(begin, end, rank_of(read.core)),
                   .sides = {side(earlier, verb(earlier)),
                             side(read, "reads it from a line cached before that")},
                   .reason = earlier.core == read.core
                                 ? "a dcci is missing between the two"
                                 : "a dcci is missing between the wait and the read"};
  });
}

// A read of window bytes that nobody wrote is only a suspicion (find_unwritten) if it is a single
// word or a part of a load: windows are zero-initialised, and a kernel may read more than it needs.
// A load of which no byte was ever written is a finding.
void GlobalAccesses::unwritten(const Pending& pending, std::uint64_t begin, std::uint64_t end) {
  const Access& access = pending.access;
  const auto after = host_writes_.upper_bound(begin);
  if (after != host_writes_.begin() && std::prev(after)->second > begin) {
    const std::uint64_t written_to = std::prev(after)->second;
    return written_to < end ? unwritten(pending, written_to, end) : void();
  }
  const MemoryRegions::Region* const region = regions_.find(begin);
  // An access without a line reads results from outside of the kernels.
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
    if (!is_known && !signals_.log().has_cell_in(begin, end)) {
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

// An output that no rank writes in any call. All regions of one argument, which differ in rank and
// call, count as one output; so do all of one name.
void GlobalAccesses::find_unwritten_outputs() {
  // The first region of the output, and true if any of its regions was written.
  std::map<std::pair<std::uint32_t, std::string>, std::pair<const MemoryRegions::Region*, bool>>
      outputs;
  regions_.for_each([&](const MemoryRegions::Region& region) {
    if (region.kind != RegionKind::output || region.begin == region.end) return;
    const std::pair<std::uint32_t, std::string> key{region.argument,
                                                    region.argument == 0 ? region.name : ""};
    auto& [first, is_written] = outputs.try_emplace(key, &region, false).first->second;
    const auto history = histories_.find(region.begin);
    is_written = is_written || (history != histories_.end() &&
                                history->second.has_writes(region.begin, region.end));
  });
  for (const auto& [key, output] : outputs) {
    if (output.second) continue;
    // These findings have no line, by which add() would merge them.
    const Finding finding{
        .kind = FindingClass::never_written,
        .subject = regions_.describe(output.first->begin, output.first->end, output.first->rank),
        .sides = {},
        .reason = "no rank writes this output in any call"};
    findings_.add_apart(finding);
  }
}

void GlobalAccesses::find_unread() {
  for (SourceId place = 0; place < written_.size(); ++place) {
    const Written& first = written_[place];
    if (first.is_read || first.bytes == 0) continue;
    const MemoryRegions::Region* const region = regions_.find(first.begin);
    if (region == nullptr || region->kind != RegionKind::window) continue;
    if (signals_.log().has_cell_in(first.begin, first.end)) continue;
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
