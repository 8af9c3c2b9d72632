// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>

#include "peal/base/error.h"
#include "peal/chip/core/core.h"
#include "peal/machine/arithmetic.h"

namespace peal {

// Flags and barriers at the head of the queue take effect here, at once: they cost no step, because
// they act only on this core and at a time that is known (`free`, the end of the instruction before
// them). The next instruction to execute becomes a step; or the pipe is left blocked or idle.
//
// If drained stores are visible on this platform, a flag that follows invisible stores becomes
// pending, and a barrier blocks the pipe, until those stores are visible.
void Core::advance(Pipe pipe) {
  PipeQueue& self = queue(pipe);
  const auto pop = [&self] {
    if (++self.head == self.ring.size()) self.head = 0;
    --self.size;
  };
  const bool stores_count = platform_.switches.drained_is_visible;
  while (self.size != 0) {
    const Instruction& next = self.ring[self.head];
    self.free = std::max(self.free, next.issued);
    if (next.opcode == Opcode::set_flag) {
      const std::uint32_t flag = flags_.index(static_cast<int>(pipe), next.flag_pipe, next.flag_id);
      emit_queued(EventKind::set_flag, pipe, next);
      if (stores_count && self.invisible()) {
        self.pending_flags.push_back({self.executed, flag});
        pop();
      } else {
        const Picoseconds time = stores_count ? std::max(self.free, self.last_visible) : self.free;
        pop();
        fire(flag, time);
      }
    } else if (next.opcode == Opcode::wait_flag) {
      const std::uint32_t flag = flags_.index(next.flag_pipe, static_cast<int>(pipe), next.flag_id);
      if (!flags_.is_set(flag)) {
        self.state = PipeState::flag;
        self.blocked_flag = flag;
        return;
      }
      self.free = std::max(self.free, flags_.take(flag));
      emit_queued(EventKind::wait_flag, pipe, next);
      pop();
    } else if (next.opcode == Opcode::barrier) {
      if (stores_count && self.invisible()) {
        self.state = PipeState::visible;
        return;
      }
      if (stores_count) self.free = std::max(self.free, self.last_visible);
      emit_queued(EventKind::pipe_barrier, pipe, next);
      pop();
    } else if (is_store(next) && self.executed - self.first_pending == 64) {
      self.state = PipeState::visible;  // the window of 64 bits in `visible` is full
      return;
    } else {
      self.state = PipeState::scheduled;
      fabric_.agenda().add(std::max(self.free, fabric_.now()),
                           StepId::pipe(index_, static_cast<int>(pipe)));
      return;
    }
  }
  self.state = PipeState::idle;
}

void Core::pipe_step(Pipe pipe, Picoseconds time) {
  PipeQueue& self = queue(pipe);
  if (self.stale_steps != 0) {
    --self.stale_steps;
    return;
  }
  execute(pipe, self.ring[self.head], time);
  if (++self.head == self.ring.size()) self.head = 0;
  --self.size;
  self.state = PipeState::idle;
  if (blocked_ == Blocked::queue && blocked_pipe_ == pipe) wake(time);
  advance(pipe);
  check_drained();
}

SourcePlace Core::missing_flag() const {
  SourcePlace first = place_;
  std::uint32_t number = UINT32_MAX;
  for (const PipeQueue& pipe : pipes_) {
    if (pipe.state != PipeState::flag || pipe.ring[pipe.head].number > number) continue;
    number = pipe.ring[pipe.head].number;
    first = pipe.ring[pipe.head].place();
  }
  return first;
}

void Core::check_drained() {
  if (blocked_ == Blocked::drain && drained()) wake(drain_time());
}

void Core::fire(std::uint32_t flag, Picoseconds time) {
  flags_.set(flag, time);
  if (blocked_ == Blocked::flag && blocked_flag_ == flag) return wake(time);
  const auto [begin, end] = flags_.waiters(flag);
  for (int to = begin; to < end; ++to) {
    PipeQueue& waiter = pipes_[static_cast<std::size_t>(to)];
    if (waiter.state != PipeState::flag || waiter.blocked_flag != flag) continue;
    waiter.state = PipeState::idle;
    advance(static_cast<Pipe>(to));
    if (blocked_ == Blocked::queue && blocked_pipe_ == static_cast<Pipe>(to) &&
        waiter.size < waiter.ring.size()) {
      wake(time);
    }
    return;
  }
}

// Stores may become visible in any order. `visible` marks those beyond the oldest invisible one;
// when that one becomes visible, the window slides past the run of ones at its low end. Pending
// flags wait for a prefix of the stores, and their numbers are compared modulo 2^32.
void Core::store_visible(Pipe pipe, std::uint32_t sequence, Picoseconds time) {
  PipeQueue& self = queue(pipe);
  self.visible |= std::uint64_t{1} << (sequence - self.first_pending);
  const int run = std::countr_one(self.visible);
  self.visible = run == 64 ? 0 : self.visible >> run;
  self.first_pending += static_cast<std::uint32_t>(run);
  self.last_visible = std::max(self.last_visible, time);
  std::size_t fired = 0;
  while (fired < self.pending_flags.size() &&
         static_cast<std::int32_t>(self.first_pending - self.pending_flags[fired].sequence) >= 0) {
    fire(self.pending_flags[fired].flag, std::max(self.free, self.last_visible));
    ++fired;
  }
  self.pending_flags.erase(self.pending_flags.begin(),
                           self.pending_flags.begin() + static_cast<std::ptrdiff_t>(fired));
  if (self.state == PipeState::visible && (!self.invisible() || run > 0)) {
    self.state = PipeState::idle;
    advance(pipe);
    if (blocked_ == Blocked::queue && blocked_pipe_ == pipe && self.size < self.ring.size()) {
      wake(time);
    }
  }
  if (blocked_ == Blocked::visible || blocked_ == Blocked::transfers) wake(time);  // rechecks
  check_drained();
}

void Core::execute(Pipe pipe, const Instruction& instruction, Picoseconds time) {
  switch (instruction.opcode) {
    case Opcode::load:
      return execute_load(queue(pipe), instruction, time);
    case Opcode::store:
      return execute_store(pipe, instruction, time);
    case Opcode::combine:
    case Opcode::convert:
      return execute_vector(queue(pipe), instruction, time);
    case Opcode::tile:
      return execute_tile(pipe, instruction, time);
    case Opcode::set_flag:
    case Opcode::wait_flag:
    case Opcode::barrier:
      break;
  }
  PEAL_CHECK(false);  // advance() handles these
}

bool Core::is_store(const Instruction& instruction) const {
  return instruction.opcode == Opcode::store ||
         (instruction.opcode == Opcode::tile && tile_operations_[instruction.count].stores());
}

// The time at which a load of `bytes` from the memory of rank `owner` ends if it starts at `time`.
Picoseconds Core::load_end(int owner, std::size_t bytes, bool to_l1, Picoseconds time) {
  const auto length = static_cast<double>(bytes);
  const double own = to_l1 ? platform_.cube.load_ps_per_byte : platform_.memory.load_ps_per_byte;
  const auto duration = static_cast<Picoseconds>(length * own + 0.5);
  if (owner == rank_) return time + platform_.memory.startup_ps + duration;
  const auto over_link = static_cast<Picoseconds>(length * platform_.link.ps_per_byte + 0.5);
  return fabric_.use_link(owner, rank_, time + platform_.link.load_latency_ps,
                          std::max(duration, over_link));
}

Picoseconds Core::store_end(int owner, std::size_t bytes, bool from_l0c, Picoseconds time) {
  const auto length = static_cast<double>(bytes);
  const double own =
      from_l0c ? platform_.cube.store_ps_per_byte : platform_.memory.store_ps_per_byte;
  const auto duration = static_cast<Picoseconds>(length * own + 0.5);
  const Picoseconds start = time + platform_.memory.startup_ps;
  if (owner == rank_) return start + duration;
  const auto over_link = static_cast<Picoseconds>(length * platform_.link.ps_per_byte + 0.5);
  return fabric_.use_link(rank_, owner, start, std::max(duration, over_link));
}

// The time at which a DMA transfer ends that starts at `time`, when the engine's transfer before it
// has ended. Between two ranks it occupies their link.
Picoseconds Core::transfer_end(int from, int to, std::size_t bytes, Picoseconds time) {
  const auto length = static_cast<double>(bytes);
  const auto duration = static_cast<Picoseconds>(length * platform_.dma.ps_per_byte + 0.5);
  const Picoseconds start = time + platform_.dma.startup_ps;
  if (from == to) return start + duration;
  const auto over_link = static_cast<Picoseconds>(length * platform_.link.ps_per_byte + 0.5);
  return fabric_.use_link(from, to, start, std::max(duration, over_link));
}

Picoseconds Core::store_latency(int owner) const {
  return owner == rank_ ? 0 : platform_.link.store_latency_ps;
}

// Puts a store in flight that leaves the pipe at the end of the instruction (`free`) and becomes
// visible `latency` later. The caller fills in its destination and values.
Fabric::StoreInFlight& Core::send_store(Pipe pipe, Picoseconds latency,
                                        const Instruction& instruction) {
  PipeQueue& self = queue(pipe);
  Fabric::StoreInFlight& flight = fabric_.send_store(self.free + latency);
  flight.core = index_;
  flight.pipe = pipe;
  flight.sequence = self.executed++;
  flight.place = instruction.place();
  flight.runs.clear();
  return flight;
}

void Core::execute_load(PipeQueue& pipe, const Instruction& instruction, Picoseconds time) {
  const std::size_t bytes = instruction.count * size_bytes(instruction.dtype);
  pipe.free = load_end(fabric_.memory().owner(instruction.src, rank_), bytes, false, time);
  emit_transfer(Pipe::mte2, instruction, time);
  if (fabric_.values()) std::memcpy(instruction.dst, instruction.src, bytes);
}

void Core::execute_store(Pipe pipe, const Instruction& instruction, Picoseconds time) {
  PipeQueue& self = queue(pipe);
  const std::size_t bytes = instruction.count * size_bytes(instruction.dtype);
  const int owner = fabric_.memory().owner(instruction.dst, rank_);
  const bool is_transfer = pipe == Pipe::dma;
  self.free = is_transfer
                  ? transfer_end(fabric_.memory().owner(instruction.src, rank_), owner, bytes, time)
                  : store_end(owner, bytes, false, time);
  emit_transfer(pipe, instruction, time);
  Fabric::StoreInFlight& flight =
      send_store(pipe, is_transfer ? 0 : store_latency(owner), instruction);
  flight.dst = instruction.dst;
  flight.count = instruction.count;
  flight.dtype = instruction.dtype;
  flight.op = instruction.op;
  flight.atomic = instruction.atomic;
  if (fabric_.values()) flight.data.assign(instruction.src, instruction.src + bytes);
  if (fabric_.polled() == nullptr) return;
  const GlobalRun run{flight.dst, bytes};
  tell_stored(pipe, instruction, flight, {&run, 1});
}

void Core::execute_tile(Pipe pipe, const Instruction& instruction, Picoseconds time) {
  PipeQueue& self = queue(pipe);
  const TileOperation& operation = tile_operations_[instruction.count];
  if (operation.opcode == TileOpcode::load || operation.stores()) {
    const bool stores = operation.stores();
    const TileArea& tile = stores ? operation.a : operation.dst;
    std::vector<GlobalRun> runs = moved_runs(operation.global, tile);
    const int owner = fabric_.memory().owner(operation.global.data, rank_);
    std::size_t bytes = 0;
    for (const GlobalRun& run : runs) bytes += run.size_bytes;
    // A load must find this core's own executed stores. If drained stores are visible, a load that
    // is ordered after a store finds it in memory; otherwise the store may be in flight still.
    const bool may_miss = !stores && owner == rank_ && !platform_.switches.drained_is_visible &&
                          (queue(Pipe::mte3).invisible() || queue(Pipe::fix).invisible());
    if (may_miss) fabric_.forward_own_stores(index_, runs);
    self.free = stores ? store_end(owner, bytes, pipe == Pipe::fix, time)
                       : load_end(owner, bytes, operation.to_l1, time);
    emit_tile(pipe, instruction, time, runs);
    if (stores) {
      Fabric::StoreInFlight& flight = send_store(pipe, store_latency(owner), instruction);
      flight.dst = operation.global.data;
      flight.count = 0;
      flight.dtype = operation.global.dtype;
      flight.op = ReduceOp::sum;
      flight.atomic = operation.opcode == TileOpcode::store_add;
      flight.runs = std::move(runs);
      if (fabric_.values()) gather_values(operation, flight.data);
      if (fabric_.polled() != nullptr) tell_stored(pipe, instruction, flight, flight.runs);
    } else if (fabric_.values()) {
      carry_out(operation);
    }
  } else {
    self.free = time + tile_ps(pipe, operation);
    emit_tile(pipe, instruction, time, {});
    if (fabric_.values()) carry_out(operation);
  }
  free_tile_operations_.push_back(instruction.count);
}

Picoseconds Core::tile_ps(Pipe pipe, const TileOperation& operation) const {
  const TileArea& a = operation.a;
  const auto elements =
      static_cast<std::size_t>(a.valid_rows) * static_cast<std::size_t>(a.valid_cols);
  const std::size_t bytes = elements * size_bytes(a.dtype);
  if (pipe == Pipe::vector) return vector_ps(bytes, operation.opcode == TileOpcode::cvt);
  if (operation.opcode != TileOpcode::matmul) {
    return platform_.memory.startup_ps +
           static_cast<Picoseconds>(static_cast<double>(bytes) * platform_.cube.move_ps_per_byte);
  }
  const auto up = [](std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit; };
  const std::int64_t element_bytes = static_cast<std::int64_t>(size_bytes(a.dtype));
  return platform_.cycles(6 + up(a.valid_rows, 16) * up(a.valid_cols * element_bytes, 32) *
                                  up(operation.b.valid_cols, 16) * (element_bytes == 4 ? 2 : 1));
}

void Core::execute_vector(PipeQueue& pipe, const Instruction& instruction, Picoseconds time) {
  const bool converts = instruction.opcode == Opcode::convert;
  std::size_t bytes = instruction.count * size_bytes(instruction.dtype);
  if (converts) {
    bytes = std::max(bytes, instruction.count * size_bytes(instruction.source_dtype));
  }
  pipe.free = time + vector_ps(bytes, converts);
  emit_transfer(Pipe::vector, instruction, time);
  if (!fabric_.values()) return;
  if (converts) {
    peal::convert(instruction.dtype, instruction.dst, instruction.source_dtype, instruction.src,
                  instruction.count);
  } else {
    peal::combine(instruction.dtype, instruction.op, instruction.dst, instruction.src,
                  instruction.other, instruction.count);
  }
}

Picoseconds Core::vector_ps(std::size_t bytes, bool converts) const {
  const Platform::Vector& vector = platform_.vector;
  const auto repeats =
      (static_cast<std::int64_t>(bytes) + vector.repeat_bytes - 1) / vector.repeat_bytes;
  const std::int64_t startup = converts ? vector.convert_startup_cycles : vector.startup_cycles;
  const std::int64_t milli_cycles = repeats * (converts ? vector.convert_per_repeat_milli_cycles
                                                        : vector.per_repeat_milli_cycles);
  return platform_.cycles(std::max(vector.floor_cycles, startup + (milli_cycles + 999) / 1000));
}

}  // namespace peal
