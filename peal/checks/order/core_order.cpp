// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/order/core_order.h"

#include <algorithm>
#include <iterator>

#include "peal/base/error.h"

namespace peal {
namespace {

std::size_t flag_number(int from, int to, int id) {
  return static_cast<std::size_t>((from * pipe_count + to) * 8 + id);
}

// How many entries of the issue clocks survive a barrier of all pipes, for DMA transfers, which it
// does not wait for. A transfer issued before the oldest of them starts with that one's clock.
constexpr std::size_t kept_issue_clocks = 1024;

}  // namespace

LaneClock& CoreOrder::issued(const Event& event) {
  LaneClock& clock = pipe(event.pipe);
  std::uint32_t& last = last_issues_[static_cast<std::size_t>(event.pipe)];
  if (event.issued == last) return clock;  // joined already
  last = event.issued;
  clock.join(issue_clock(event));
  return clock;
}

LaneClock CoreOrder::issue_clock(const Event& event) const {
  PEAL_CHECK(event.issued < next_issue_clock_);
  if (event.issued >= issue_clocks_.back().first) return issue_clocks_.back().at(event.issued);
  const auto after =
      std::partition_point(issue_clocks_.begin(), issue_clocks_.end(),
                           [&](const IssueClocks& clocks) { return clocks.first <= event.issued; });
  if (after != issue_clocks_.begin()) return std::prev(after)->at(event.issued);
  PEAL_CHECK(event.pipe == Pipe::dma);
  return after->clock;
}

void CoreOrder::remember_issue_clock() {
  const std::uint32_t number = next_issue_clock_++;
  if (scalar_ != issue_clocks_.back().at(number)) issue_clocks_.push_back({scalar_, number});
}

CoreOrder::Start CoreOrder::execute(const Event& event) {
  LaneClock& clock = issued(event);
  Start start{clock, next_sequence(event.pipe)};
  clock[lane_of(event.pipe)] = start.sequence;
  return start;
}

CoreOrder::Start CoreOrder::scalar_access() {
  Start start{scalar_, next_sequence(Pipe::scalar)};
  scalar_[Lane::scalar] = start.sequence;
  return start;
}

// The token is the clock of the setting pipe. If draining makes stores visible, the flag is also
// the edge from the pipe's stores so far to "visible".
void CoreOrder::set_flag(const Event& event) {
  LaneClock token;
  if (event.pipe == Pipe::scalar) {
    token = scalar_;
  } else {
    token = issued(event);
    const bool stores = event.pipe == Pipe::mte3 || event.pipe == Pipe::fix;
    if (stores && drained_is_visible_) token[end_lane(event.pipe)] = executed(event.pipe);
  }
  std::uint16_t& slot =
      flag_slots_[flag_number(static_cast<int>(event.pipe), event.flag_pipe, event.flag_id)];
  if (slot == 0) {
    slot = static_cast<std::uint16_t>(tokens_.size());
    tokens_.emplace_back();
  }
  tokens_[slot] = token;
}

void CoreOrder::wait_flag(const Event& event) {
  LaneClock& clock = event.pipe == Pipe::scalar ? scalar_ : issued(event);
  const std::size_t flag =
      flag_number(event.flag_pipe, static_cast<int>(event.pipe), event.flag_id);
  clock.join(tokens_[flag_slots_[flag]]);
}

// A barrier of one pipe adds order only for stores, which it makes visible (drained_is_visible). A
// barrier of all pipes tells the scalar unit that each pipe has executed everything issued so far.
void CoreOrder::pipe_barrier(const Event& event) {
  if (event.pipe != Pipe::all) {
    LaneClock& clock = issued(event);
    const bool stores = event.pipe == Pipe::mte3 || event.pipe == Pipe::fix;
    if (stores && drained_is_visible_) clock[end_lane(event.pipe)] = executed(event.pipe);
    return;
  }
  // No pipe's clock has a count for another pipe above what that pipe has executed, so the counts
  // of the pipes themselves are the join of all clocks.
  for (const Pipe each :
       {Pipe::vector, Pipe::mte1, Pipe::mte2, Pipe::mte3, Pipe::cube, Pipe::fix}) {
    scalar_[lane_of(each)] = executed(each);
    if (drained_is_visible_) scalar_[end_lane(each)] = executed(each);
  }
  // Everything issued before has been executed, except DMA transfers: old issue clocks can go.
  if (issue_clocks_.size() < 2 * kept_issue_clocks) return;
  issue_clocks_.erase(issue_clocks_.begin(),
                      issue_clocks_.end() - static_cast<std::ptrdiff_t>(kept_issue_clocks));
}

// Makes visible what the scalar unit knows to have executed on the storing pipes, and the stores
// through the scalar cache whose lines a dcci has cleaned. A line cleaned later needs another dsb.
void CoreOrder::dsb() {
  for (const Pipe each : {Pipe::mte3, Pipe::fix}) {
    std::uint32_t& visible = scalar_[end_lane(each)];
    visible = std::max(visible, scalar_[lane_of(each)]);
  }
  scalar_[Lane::scalar] = next_sequence(Pipe::scalar);
  for (std::uint32_t store : cleaned_) flushed_[store] = scalar_[Lane::scalar];
  cleaned_.clear();
}

std::uint32_t CoreOrder::cached_store(std::uint64_t line) {
  const auto number = static_cast<std::uint32_t>(flushed_.size());
  flushed_.push_back(0);
  dirty_[line].push_back(number);
  return number;
}

void CoreOrder::clean(std::uint64_t line) {
  const auto found = dirty_.find(line);
  if (found == dirty_.end()) return;
  cleaned_.insert(cleaned_.end(), found->second.begin(), found->second.end());
  dirty_.erase(found);
}

void CoreOrder::clean_all() {
  for (const auto& [line, stores] : dirty_) {
    cleaned_.insert(cleaned_.end(), stores.begin(), stores.end());
  }
  dirty_.clear();
}

void CoreOrder::dma_wait(const Event& event) {
  const auto count = static_cast<std::uint32_t>(event.value);
  scalar_[Lane::dma] = std::max(scalar_[Lane::dma], count);
  scalar_[Lane::dma_visible] = std::max(scalar_[Lane::dma_visible], count);
}

std::uint32_t CoreOrder::acquire() { return ++scalar_[Lane::acquired]; }

std::uint32_t CoreOrder::release() {
  scalar_[Lane::scalar] = next_sequence(Pipe::scalar);
  releases_.push_back(scalar_);
  return release_count();
}

std::uint32_t CoreOrder::releases_before(const LaneClock& clock) const {
  const auto end = std::partition_point(releases_.begin(), releases_.end(), [&](const auto& at) {
    return at[Lane::scalar] <= clock[Lane::scalar];
  });
  return dropped_releases_ + static_cast<std::uint32_t>(end - releases_.begin());
}

std::uint32_t CoreOrder::first_release_after(const Access& access) const {
  const auto first = std::partition_point(releases_.begin(), releases_.end(),
                                          [&](const auto& at) { return !has_ended(access, at); });
  if (first == releases_.end()) return UINT32_MAX;
  return dropped_releases_ + static_cast<std::uint32_t>(first - releases_.begin()) + 1;
}

void CoreOrder::drop_releases(std::uint32_t r) {
  if (r <= dropped_releases_ + 1024) return;
  const std::uint32_t count = r - 1 - dropped_releases_;
  releases_.erase(releases_.begin(), releases_.begin() + static_cast<std::ptrdiff_t>(count));
  dropped_releases_ += count;
}

}  // namespace peal
