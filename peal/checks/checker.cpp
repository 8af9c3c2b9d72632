// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "peal/checks/rules/pipe_names.h"

namespace peal {
namespace {

// The initial batch: accesses and waits that are kept before their order is computed. It doubles
// when more than half of it stays open.
constexpr std::size_t first_batch = 32768;
// Batches beyond this count as grown. They occur if ranks never, or only after many steps, learn of
// each other, as on a ring of many ranks.
constexpr std::size_t max_usual_batch = 16 * first_batch;

}  // namespace

Checker::Checker(const Platform::Switches& switches, Memory memory, const RankNamer& name_of)
    : findings_(name_of),
      regions_(name_of),
      signals_(cores_, regions_, switches.signals_in_order),
      accesses_(findings_, regions_, cores_, signals_),
      on_chip_(findings_, regions_),
      flags_(findings_, switches.event_identity_without_waiter),
      contributions_(findings_, regions_),
      switches_(switches),
      batch_(memory == Memory::whole ? SIZE_MAX : first_batch) {}

void Checker::read(const Event& event) {
  ++moment_;
  if (event.kind == EventKind::region) return add_region(event);
  contributions_.read(event);
  place_ = findings_.places().id(event.place);
  synchronisations_.read(event, place_);
  count(event);
  if (event.core != last_core_) {
    last_core_ = event.core;
    last_order_ = &cores_[static_cast<std::size_t>(event.core)];
  }
  CoreOrder& order = *last_order_;
  switch (event.kind) {
    case EventKind::load:
    case EventKind::store:
    case EventKind::vector:
      instruction(event, order);
      break;
    case EventKind::set_flag:
      order.set_flag(event);
      flags_.set(event, place_);
      break;
    case EventKind::wait_flag:
      order.wait_flag(event);
      if (const auto set = flags_.wait(event)) {
        synchronisations_.pair(*set, place_);
      }
      break;
    case EventKind::pipe_barrier:
      order.pipe_barrier(event);
      end_flags(event);
      break;
    case EventKind::dsb:
      order.dsb();
      break;
    case EventKind::dcci:
      clean_lines(event, order);
      break;
    case EventKind::dma_wait:
      order.dma_wait(event);
      break;
    case EventKind::scalar_read:
    case EventKind::scalar_write:
      scalar_access(event, order);
      break;
    case EventKind::notify:
      notify(event, order);
      break;
    case EventKind::wait:
      wait(event, order);
      break;
    case EventKind::poll_failed:
      note_poll(event);
      break;
    case EventKind::polled_word:
      signals_.add_word(event);
      break;
    case EventKind::store_issued:
      announce_store(event);
      break;
    case EventKind::word_stored:
      store_word(event);
      break;
    case EventKind::task_end:
      end_task(event, order);
      break;
    case EventKind::task_after:
      signals_.task_after(event, order.acquire());
      accesses_.tasks().after(static_cast<std::uint32_t>(event.core), event.value);
      accesses_.note_wait(static_cast<std::uint32_t>(event.core), place_, event.number);
      break;
    case EventKind::call_begin:
      states_[static_cast<std::size_t>(event.core)].last_wait = {};
      accesses_.note_call(static_cast<std::uint32_t>(event.core), event.value, event.number);
      break;
    case EventKind::task_begin:
      states_[static_cast<std::size_t>(event.core)].last_wait = {};
      on_chip_.begin_task(static_cast<std::size_t>(event.core));
      accesses_.note_task(static_cast<std::uint32_t>(event.core), event.name, event.number);
      accesses_.tasks().begin(static_cast<std::uint32_t>(event.core), event.rank, event.value,
                              event.number);
      break;
    case EventKind::store_visible:
    case EventKind::notify_arrived:
    case EventKind::contribution:
    case EventKind::expectation:
    case EventKind::region:
      break;
  }
  if (orders(event)) order.remember_issue_clock();
  flags_.follow(event);
  if (accesses_.pending() + signals_.pending() > batch_) work_off_batch(false);
}

// True if the current event's line belongs to a kernel, and not to the runtime that launches it.
bool Checker::is_kernel_place() {
  for (SourceId place = static_cast<SourceId>(kernel_places_.size()); place <= place_; ++place) {
    const FindingLine& line = findings_.places().line(place);
    kernel_places_.push_back(!line.file.empty() && line.origin != SourceOrigin::runtime);
  }
  return kernel_places_[place_];
}

void Checker::count(const Event& event) {
  switch (event.kind) {
    case EventKind::task_begin:
    case EventKind::task_end:
    case EventKind::task_after:
    case EventKind::store_visible:
    case EventKind::notify_arrived:
    case EventKind::contribution:
    case EventKind::expectation:
    case EventKind::region:
    case EventKind::call_begin:
    case EventKind::polled_word:
    case EventKind::store_issued:
    case EventKind::word_stored:
      return;
    default:
      break;
  }
  if (!is_kernel_place()) return;
  ++kernel_instructions_;
  if (follows_program_) note_program(event);
  if (event.address == 0) return;
  const MemoryRegions::Region* const region = regions_.find(event.address);
  if (region != nullptr && is_shared(region->kind)) ++window_accesses_;
}

std::vector<Checker::LastWrite> Checker::last_writes(std::uint64_t begin, std::uint64_t end) const {
  std::vector<LastWrite> result;
  accesses_.last_writes(begin, end, [&](std::uint64_t from, std::uint64_t to, FindingSide side) {
    result.push_back({from, to, std::move(side)});
  });
  return result;
}

void Checker::add_region(const Event& event) {
  regions_.add(event);
  has_windows_ = has_windows_ || (is_shared(event.region) && event.size_bytes != 0);
  if (event.region != RegionKind::on_chip) return;
  cores_.emplace_back(switches_.drained_is_visible);
  const auto rank = static_cast<std::size_t>(event.rank);
  if (cores_of_rank_.size() <= rank) cores_of_rank_.resize(rank + 1);
  findings_.add_core(cores_of_rank_[rank]++);
  states_.emplace_back().rank = event.rank;
  on_chip_.add_core();
  accesses_.add_core(event.rank);
}

void Checker::instruction(const Event& event, CoreOrder& order) {
  const CoreOrder::Start start = order.execute(event);
  on_chip_.access(event, start, place_, event.reads, false);
  on_chip_.access(event, start, place_, event.writes, true);
  if (event.kind == EventKind::vector) return;
  Access access{.core = static_cast<std::uint32_t>(event.core),
                .sequence = start.sequence,
                .number = event.number,
                .place = place_,
                .lane = lane_of(event.pipe),
                .end = event.pipe == Pipe::dma ? Lane::dma_visible : lane_of(event.pipe)};
  const auto add = [&](std::span<const Footprint> touched) {
    for (const Footprint& part : touched) {
      const MemoryRegions::Region* const region = regions_.find(part.address);
      if (region != nullptr && region->kind == RegionKind::on_chip) continue;
      for (std::uint32_t row = 0; row < part.rows; ++row) {
        const std::uint64_t begin = part.address + row * part.stride_bytes;
        check_bounds(event, begin, begin + part.row_bytes);
        accesses_.add(access, start.clock, begin, begin + part.row_bytes, moment_);
      }
    }
  };
  add(event.reads);
  if (event.kind != EventKind::store) return;
  access.writes = true;
  access.atomic = event.atomic;
  access.end = end_lane(event.pipe);
  add(event.writes);
  if (signals_.has_words()) states_[access.core].stores[event.pipe] = {access, start.clock};
  LastStore& last = states_[access.core].last_stores[event.pipe];
  last = {place_, event.address, event.address + event.size_bytes};
  if (event.number <= states_[access.core].task_end) {
    report_undrained(event, event.pipe, last, false);
  }
}

// Reports an access that begins within a region, or between shared ones, and reaches beyond it.
void Checker::check_bounds(const Event& event, std::uint64_t begin, std::uint64_t end) {
  const MemoryRegions::Region* region = regions_.find(begin);
  if (begin == end || (region != nullptr ? end <= region->end : !regions_.is_shared(begin))) return;
  if (region == nullptr) region = regions_.before(begin);
  if (region == nullptr) return;
  findings_.add(FindingClass::out_of_bounds, place_, place_, [&] {
    const bool writes = event.kind == EventKind::store || event.kind == EventKind::scalar_write;
    return Finding{
        .kind = FindingClass::out_of_bounds,
        .subject = fmt::format("bytes {}..{} of `{}` of {}, which has {} bytes",
                               begin - region->begin, end - region->begin, region->name,
                               findings_.name_of(region->rank), region->end - region->begin),
        .sides = {{event.rank, event.core, name(event.pipe), writes ? "writes them" : "reads them",
                   findings_.places().line(place_)}},
        .reason = ""};
  });
}

void Checker::scalar_access(const Event& event, CoreOrder& order) {
  const CoreOrder::Start start = order.scalar_access();
  const bool writes = event.kind == EventKind::scalar_write;
  const MemoryRegions::Region* const region = regions_.find(event.address);
  if (region != nullptr && region->kind == RegionKind::on_chip) {
    const Footprint touched{
        .address = event.address, .row_bytes = event.size_bytes, .stride_bytes = event.size_bytes};
    return on_chip_.access(event, start, place_, {&touched, 1}, writes);
  }
  check_bounds(event, event.address, event.address + event.size_bytes);
  std::uint32_t look = 0;
  if (event.look != Look::none) {
    look_at_word(event, order);
    look = order.scalar()[Lane::acquired];
  }
  if (event.cached) return cached_access(event, start, order, look);
  if (event.look == Look::again) return;
  Access access{.core = static_cast<std::uint32_t>(event.core),
                .sequence = start.sequence,
                .number = event.number,
                .place = place_,
                .lane = Lane::scalar,
                .end = Lane::scalar,
                .writes = writes};
  if (!writes) access.look_bytes = look_bytes(event);
  const GlobalAccesses::Special special{
      .line_clock = {}, .value = writes ? event.value : 0, .look = look};
  const bool is_special = special.value != 0 || look != 0;
  accesses_.add(access, look != 0 ? order.scalar() : start.clock, event.address,
                event.address + event.size_bytes, moment_, is_special ? &special : nullptr);
  if (look == 0) read_signal_as_data(event, order);
}

// The size of the word if the read may be a look: one aligned word of shared memory; else 0.
std::uint8_t Checker::look_bytes(const Event& event) const {
  if (event.size_bytes > 8 || !std::has_single_bit(event.size_bytes) ||
      event.address % event.size_bytes != 0 || !regions_.is_shared(event.address)) {
    return 0;
  }
  return static_cast<std::uint8_t>(event.size_bytes);
}

// An access through the scalar cache, line by line. The first access to a line fills it. A store
// makes bytes dirty and ends when they are flushed (CoreOrder::cached_store); a read carries the
// clock of the fill, by which GlobalAccesses finds stale reads.
void Checker::cached_access(const Event& event, const CoreOrder::Start& start, CoreOrder& order,
                            std::uint32_t look) {
  const bool writes = event.kind == EventKind::scalar_write;
  ScalarLines& lines = states_[static_cast<std::size_t>(event.core)].lines;
  const std::uint64_t end = event.address + event.size_bytes;
  for (std::uint64_t begin = event.address; begin < end;) {
    const std::uint64_t address = scalar_line_of(begin),
                        until = std::min(end, address + scalar_line_bytes);
    const auto [entry, is_new] = lines.try_emplace(address);
    ScalarLine& line = entry->second;
    if (is_new) line.filled = start.clock;
    Access access{.core = static_cast<std::uint32_t>(event.core),
                  .sequence = start.sequence,
                  .number = event.number,
                  .place = place_,
                  .lane = Lane::scalar,
                  .end = Lane::scalar,
                  .writes = writes,
                  .cached = true};
    if (writes) {
      access.sequence = order.cached_store(address);
      access.end = Lane::scalar_visible;
      line.dirty |= bytes_in_line(address, begin, until);
      line.place = access.place;
      line.number = event.number;
      if (signals_.is_word(event.address)) {
        states_[access.core].cached_stores[event.address] = {access, start.clock};
      }
    } else {
      access.look_bytes = look_bytes(event);
    }
    const GlobalAccesses::Special read{
        .cached_read = true, .line_clock = line.filled, .look = look};
    if (event.look != Look::again) {
      accesses_.add(access, look != 0 ? order.scalar() : start.clock, begin, until, moment_,
                    writes ? nullptr : &read);
    }
    if (is_new && look == 0) read_signal_as_data(event, order);
    begin = until;
  }
}

// A dcci of a dirty line writes all 64 bytes back. Beside the store itself, which was added when it
// was executed, this adds an access that rewrites the other bytes with what they held at the fill.
void Checker::write_back(const Event& event, CoreOrder& order,
                         const ScalarLines::value_type& line) {
  if (!line.second.is_dirty()) return;
  const Access access{.core = static_cast<std::uint32_t>(event.core),
                      .sequence = order.cached_store(line.first),
                      .number = event.number,
                      .place = line.second.place,
                      .lane = Lane::scalar,
                      .end = Lane::scalar_visible,
                      .writes = true,
                      .cached = true};
  const GlobalAccesses::Special special{
      .stored = line.second.dirty, .only_line = true, .line_clock = line.second.filled};
  accesses_.add(access, order.scalar(), line.first, line.first + scalar_line_bytes, moment_,
                &special);
}

void Checker::clean_lines(const Event& event, CoreOrder& order) {
  ScalarLines& lines = states_[static_cast<std::size_t>(event.core)].lines;
  if (event.size_bytes != 0) return refresh_line(event, order);
  for (const auto& line : lines) write_back(event, order, line);
  lines.clear();
  order.clean_all();
}

// Writes back and drops one line: for a dcci of a line, and for TNOTIFY, TWAIT and TTEST, which
// clean the line of their signal.
void Checker::refresh_line(const Event& event, CoreOrder& order) {
  ScalarLines& lines = states_[static_cast<std::size_t>(event.core)].lines;
  const auto line = lines.find(scalar_line_of(event.address));
  if (line == lines.end()) return;
  write_back(event, order, *line);
  order.clean(line->first);
  lines.erase(line);
}

void Checker::end_task(const Event& event, CoreOrder& order) {
  end_poll(static_cast<std::size_t>(event.core));
  check_drained(event, order);
  check_flushed(event);
  CoreState& state = states_[static_cast<std::size_t>(event.core)];
  state.task_end = event.number;
  state.last_wait = {};
  state.is_ending = true;
  accesses_.note_release(static_cast<std::uint32_t>(event.core), place_, event.number);
  signals_.task_end(event, signals_.release(static_cast<std::uint32_t>(event.core)));
  accesses_.tasks().end(static_cast<std::uint32_t>(event.core), event.number);
}

void Checker::check_drained(const Event& event, const CoreOrder& order) {
  for (const auto& [pipe, store] : states_[static_cast<std::size_t>(event.core)].last_stores) {
    if (order.scalar()[end_lane(pipe)] >= order.executed(pipe)) continue;
    const bool is_drained = order.scalar()[lane_of(pipe)] >= order.executed(pipe);
    report_undrained(event, pipe, store, is_drained);
  }
}

void Checker::report_undrained(const Event& event, Pipe pipe, const LastStore& store,
                               bool is_drained) {
  findings_.add(FindingClass::not_drained, store.place, store.place, [&] {
    const char* const missing = pipe == Pipe::dma ? "nobody waits for the asynchronous transfer"
                                : is_drained
                                    ? "it is drained and need not be visible, a dsb(DSB_DDR) is "
                                      "missing at the end"
                                    : "pipe_barrier(PIPE_ALL) or pipe_sync() is missing at the end";
    return Finding{
        .kind = FindingClass::not_drained,
        .subject = regions_.describe(store.begin, store.end, event.rank),
        .sides = {{event.rank, event.core, name(pipe), "writes it",
                   findings_.places().line(store.place)}},
        .reason = fmt::format("the kernel ends while the store may be under way: {}", missing)};
  });
}

// Reports dirty lines of outputs that remain in the scalar cache at the end, and empties the cache.
// Dirty lines of a window are not reported here: they are races with the reads of other cores.
void Checker::check_flushed(const Event& event) {
  ScalarLines& lines = states_[static_cast<std::size_t>(event.core)].lines;
  for (const auto& [address, line] : lines) {
    const std::uint64_t begin = address + static_cast<std::uint64_t>(std::countr_zero(line.dirty));
    const std::uint64_t end =
        address + scalar_line_bytes - static_cast<std::uint64_t>(std::countl_zero(line.dirty));
    const MemoryRegions::Region* const region = regions_.find(begin);
    const bool is_looked_at = region != nullptr && (region->kind == RegionKind::output ||
                                                    region->kind == RegionKind::inout);
    if (!line.is_dirty() || !is_looked_at) {
      continue;
    }
    findings_.add(FindingClass::not_flushed, line.place, line.place, [&, &line = line] {
      return Finding{
          .kind = FindingClass::not_flushed,
          .subject = regions_.describe(begin, end, event.rank),
          .sides = {{event.rank, event.core, "", "writes it through the scalar cache",
                     findings_.places().line(line.place)}},
          .reason = "the kernel ends with the line in its cache: dcci and dsb are missing"};
    });
  }
  lines.clear();
}

// At the first barrier of all pipes after a task's end, flags must not be set any more:
// instructions that were issued before the end may execute up to this barrier, which the caller
// issues.
void Checker::end_flags(const Event& event) {
  CoreState& state = states_[static_cast<std::size_t>(event.core)];
  if (!state.is_ending || event.pipe != Pipe::all) return;
  flags_.end(event);
  state.is_ending = false;
}

// Works off one batch: computes the order, judges the waits that are final and the accesses whose
// order is known, and forgets what only those needed. A batch of which more than half remains open
// is doubled, so that the repeated work stays proportional to the run.
void Checker::work_off_batch(bool all) {
  max_kept_ =
      std::max(max_kept_, accesses_.pending() + signals_.pending() + signals_.pending_operations());
  accesses_.collect_cell_stores();
  for (const SatisfiedWait* wait : signals_.compute_order(all)) judge_wait(*wait);
  accesses_.judge();
  if (all) return;
  signals_.forget_final(accesses_.oldest_asked());
  if (accesses_.pending() + signals_.pending() > batch_ / 2) {
    batch_ *= 2;
    has_grown_ = batch_ > max_usual_batch;
  }
}

void Checker::finish(RunEnd end) {
  work_off_batch(true);
  if (undecided_.empty() && (accesses_.reads_signals() || signals_.has_ordering_reads())) {
    undecided_ = "the kernel reads a signal as data while it may change";
  }
  for (const auto& [place, line] : wait_lines_) {
    // With a single rank every wait is redundant.
    if (cores_of_rank_.size() == 1) continue;
    if (line.vacuous == 0 && line.redundant != line.total) continue;
    findings_.add(line.first.kind, place, place, [&, &line = line] {
      Finding finding = line.first;
      finding.count = line.vacuous != 0 ? line.vacuous : line.redundant;
      return finding;
    });
  }
  accesses_.find_unwritten(end != RunEnd::right);
  if (end != RunEnd::failed) accesses_.find_unwritten_outputs();
  accesses_.find_unread();
  find_unwaited();
}

}  // namespace peal
