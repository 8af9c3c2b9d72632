// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/pipes.h"

#include <algorithm>

namespace peal {

// The maximum of outstanding transfers of one session; source: PTO tile ISA.
static constexpr int dma_queue_depth = 64;

Pipes::Pipes(Fabric& fabric, ScalarUnit& scalar, PolledAccesses& polled, EventEmitter& events)
    : fabric_(fabric),
      platform_(fabric.platform()),
      scalar_(scalar),
      polled_(polled),
      events_(events),
      timing_(platform_),
      rank_(scalar.rank()),
      core_(scalar.index()),
      flags_(platform_.switches.event_identity_without_waiter) {}

void Pipes::allocate(Pipe pipe) {
  queue(pipe).ring.resize(
      static_cast<std::size_t>(pipe == Pipe::dma ? dma_queue_depth : platform_.core.queue_depth));
}

std::uint32_t Pipes::keep_operands(const TileOperation& operation) {
  if (free_tile_operations_.empty()) {
    free_tile_operations_.push_back(static_cast<std::uint32_t>(tile_operations_.size()));
    tile_operations_.emplace_back();
  }
  const std::uint32_t slot = free_tile_operations_.back();
  free_tile_operations_.pop_back();
  tile_operations_[slot] = operation;
  return slot;
}

// Flags and barriers at the head of the queue take effect here, at once: they cost no step, because
// they act only on this core and at a time that is known (`free`, the end of the instruction before
// them). The next instruction to execute becomes a step; or the pipe is left blocked or idle.
//
// If drained stores are visible on this platform, a flag that follows invisible stores becomes
// pending, and a barrier blocks the pipe, until those stores are visible.
void Pipes::advance(Pipe pipe) {
  using State = PipeQueue::State;
  PipeQueue& self = queue(pipe);
  const bool stores_count = platform_.switches.drained_is_visible;
  while (self.size != 0) {
    const Instruction& next = self.ring[self.head];
    self.free = std::max(self.free, next.issued);
    if (next.opcode == Opcode::set_flag) {
      const std::uint32_t flag = flags_.index(static_cast<int>(pipe), next.flag_pipe, next.flag_id);
      events_.emit_queued(EventKind::set_flag, pipe, next, self.free);
      if (stores_count && self.stores.has_invisible()) {
        self.pending_flags.push_back({self.stores.executed(), flag});
        self.pop();
      } else {
        const Picoseconds time =
            stores_count ? std::max(self.free, self.stores.last_visible()) : self.free;
        self.pop();
        fire(flag, time);
      }
    } else if (next.opcode == Opcode::wait_flag) {
      const std::uint32_t flag = flags_.index(next.flag_pipe, static_cast<int>(pipe), next.flag_id);
      if (!flags_.is_set(flag)) {
        self.state = State::flag;
        self.blocked_flag = flag;
        return;
      }
      self.free = std::max(self.free, flags_.take(flag));
      events_.emit_queued(EventKind::wait_flag, pipe, next, self.free);
      self.pop();
    } else if (next.opcode == Opcode::barrier) {
      if (stores_count && self.stores.has_invisible()) {
        self.state = State::visible;
        return;
      }
      if (stores_count) self.free = std::max(self.free, self.stores.last_visible());
      events_.emit_queued(EventKind::pipe_barrier, pipe, next, self.free);
      self.pop();
    } else if (is_store(next) && self.stores.is_full()) {
      self.state = State::visible;
      return;
    } else {
      self.state = State::scheduled;
      fabric_.agenda().add(std::max(self.free, fabric_.now()),
                           StepId::pipe(core_, static_cast<int>(pipe)));
      return;
    }
  }
  self.state = State::idle;
}

void Pipes::step(Pipe pipe, Picoseconds time) {
  PipeQueue& self = queue(pipe);
  if (self.stale_steps != 0) {
    --self.stale_steps;
    return;
  }
  execute(pipe, self.ring[self.head], time);
  self.pop();
  self.state = PipeQueue::State::idle;
  scalar_.note_room(pipe, time);
  advance(pipe);
  check_drained();
}

void Pipes::fire(std::uint32_t flag, Picoseconds time) {
  flags_.set(flag, time);
  if (scalar_.note_flag(flag, time)) return;
  const auto [begin, end] = flags_.waiters(flag);
  for (int to = begin; to < end; ++to) {
    PipeQueue& waiter = queues_[static_cast<std::size_t>(to)];
    if (waiter.state != PipeQueue::State::flag || waiter.blocked_flag != flag) continue;
    waiter.state = PipeQueue::State::idle;
    advance(static_cast<Pipe>(to));
    if (waiter.has_room()) scalar_.note_room(static_cast<Pipe>(to), time);
    return;
  }
}

// Pending flags wait for a prefix of the stores.
void Pipes::store_visible(Pipe pipe, std::uint32_t sequence, Picoseconds time) {
  PipeQueue& self = queue(pipe);
  const bool has_slid = self.stores.see(sequence, time);
  std::size_t fired = 0;
  while (fired < self.pending_flags.size() &&
         self.stores.has_seen(self.pending_flags[fired].sequence)) {
    fire(self.pending_flags[fired].flag, std::max(self.free, self.stores.last_visible()));
    ++fired;
  }
  self.pending_flags.erase(self.pending_flags.begin(),
                           self.pending_flags.begin() + static_cast<std::ptrdiff_t>(fired));
  if (self.state == PipeQueue::State::visible && (!self.stores.has_invisible() || has_slid)) {
    self.state = PipeQueue::State::idle;
    advance(pipe);
    if (self.has_room()) scalar_.note_room(pipe, time);
  }
  scalar_.note_visible_store(time);
  check_drained();
}

void Pipes::check_drained() {
  if (scalar_.blocked() == ScalarUnit::Blocked::drain && are_drained()) {
    scalar_.wake(drain_time());
  }
}

bool Pipes::are_drained() const {
  const bool stores_count = platform_.switches.drained_is_visible;
  const std::span<const PipeQueue> pipes = drained_pipes();
  return std::all_of(pipes.begin(), pipes.end(), [&](const PipeQueue& pipe) {
    return pipe.size == 0 && !(stores_count && pipe.stores.has_invisible());
  });
}

Picoseconds Pipes::drain_time() const {
  Picoseconds time = 0;
  for (const PipeQueue& pipe : drained_pipes()) {
    time = std::max(time, pipe.free);
    if (platform_.switches.drained_is_visible) time = std::max(time, pipe.stores.last_visible());
  }
  return time;
}

bool Pipes::have_invisible_stores() const {
  const std::span<const PipeQueue> pipes = drained_pipes();
  return std::any_of(pipes.begin(), pipes.end(),
                     [](const PipeQueue& pipe) { return pipe.stores.has_invisible(); });
}

Picoseconds Pipes::last_visible() const {
  Picoseconds time = 0;
  for (const PipeQueue& pipe : drained_pipes()) time = std::max(time, pipe.stores.last_visible());
  return time;
}

bool Pipes::are_busy() const {
  return std::any_of(queues_.begin(), queues_.end(),
                     [](const PipeQueue& pipe) { return pipe.size != 0; });
}

SourcePlace Pipes::missing_flag() const {
  SourcePlace first = scalar_.place();
  std::uint32_t number = UINT32_MAX;
  for (const PipeQueue& pipe : queues_) {
    if (pipe.state != PipeQueue::State::flag || pipe.ring[pipe.head].number > number) continue;
    number = pipe.ring[pipe.head].number;
    first = pipe.ring[pipe.head].place();
  }
  return first;
}

// Steps cannot be withdrawn from the agenda. One step of each scheduled pipe is still to come,
// which `stale_steps` counts. A stale step and a new one of the same pipe have the same StepId, so
// which of them is ignored makes no difference. The store counters stay as they are, because stores
// in flight still report their numbers when they become visible.
void Pipes::restart() {
  for (PipeQueue& pipe : queues_) {
    if (pipe.state == PipeQueue::State::scheduled) ++pipe.stale_steps;
    pipe.state = PipeQueue::State::idle;
    pipe.size = 0;
    pipe.pending_flags.clear();
  }
  flags_ = Flags(platform_.switches.event_identity_without_waiter);
  tile_operations_.clear();
  free_tile_operations_.clear();
}

}  // namespace peal
