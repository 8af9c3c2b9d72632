// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/signal.h"
#include "peal/run/pipe.h"

namespace peal {

enum class EventKind : std::uint8_t {
  region,         // memory that the run uses: `peer` owns it
  load,           // bytes of global memory were read into on-chip memory
  store,          // bytes left on-chip memory, or with Pipe::dma global memory, for global memory
  store_visible,  // the same bytes can be seen at their destination
  vector,         // on-chip memory was combined or converted
  set_flag,
  wait_flag,
  pipe_barrier,
  dsb,
  dcci,      // size_bytes 0: of the whole scalar cache
  dma_wait,  // the scalar unit has seen the core's first `value` DMA transfers complete
  scalar_read,
  scalar_write,
  notify,          // issued by the notifier
  notify_arrived,  // took effect on the cell
  wait,            // was satisfied
  poll_failed,     // a look at a cell that did not compare so
  task_begin,      // of a kernel's task on a core; `value` is its number in the run
  task_end,
  task_after,  // this core goes on after the end of task `value`
  // Of the caller, about what the kernel is called for in its call number `number`:
  contribution,  // the bytes are elements `value`, `value` + 1, ... of what rank `peer` contributes
  expectation,   // so the bytes must be: elements `value`, ... of rank `peer`, or combined of all
  call_begin,    // what this core issues from here on is of call `value` of the kernel
  // Of words that scalar code looks at while others change them (RunOptions::looks):
  polled_word,   // from here on these bytes are one; they hold `value`
  store_issued,  // a store that will change such words comes next, or is put into a pipe's queue
  word_stored,   // the store of this pipe and number gives one `value`, atomic: one that is unknown
};

// Of a look at a polled word: whether it is the same as the one before it, with nothing between.
enum class Look : std::uint8_t { none, first, again };

// Where a region's bytes come from, and who looks at them.
enum class RegionKind : std::uint8_t {
  window,   // symmetric, zero at first
  signals,  // a window of SignalCells
  input,    // written before the run
  output,   // looked at after the run
  inout,
  temporary,
  on_chip,  // of core `core`
};

// Whether peers may address memory of this kind; all else is its rank's own.
[[nodiscard]] constexpr bool is_shared(RegionKind kind) {
  return kind == RegionKind::window || kind == RegionKind::signals;
}

// Bytes that an instruction reads or writes: rows of one length, evenly spaced.
struct Footprint {
  std::uint64_t address = 0;
  std::uint32_t rows = 1;
  std::uint32_t element_bytes = 1;
  std::uint64_t row_bytes = 0;
  std::uint64_t stride_bytes = 0;  // from the start of a row to that of the next

  [[nodiscard]] std::uint64_t size_bytes() const { return rows * row_bytes; }
};

// How each element that an instruction writes comes from those that it reads, in their order.
enum class Combination : std::uint8_t {
  move,  // it is the one read
  sum,   // of one element of each source
  prod,
  min,
  max,
  constant,  // it comes from none
  other,
};

[[nodiscard]] inline Combination combination_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return Combination::sum;
    case ReduceOp::prod:
      return Combination::prod;
    case ReduceOp::min:
      return Combination::min;
    case ReduceOp::max:
      break;
  }
  return Combination::max;
}

// One thing that happened in a run. Addresses are those of the run's memory; `peer` is the rank
// whose memory or cell is meant. Spans and names are valid while the event is read.
struct Event {
  EventKind kind{};
  Pipe pipe{};
  std::uint8_t flag_pipe = 0;  // set_flag: the pipe that waits; wait_flag: the one that sets
  std::uint8_t flag_id = 0;
  RegionKind region{};
  Combination combination{};  // load, store, vector
  NotifyOp op{};              // notify, notify_arrived
  WaitCmp cmp{};              // wait, poll_failed
  bool atomic = false;        // store: combined into its destination, atomically per element
  bool cached = false;        // scalar_read, scalar_write: through the scalar cache
  bool polled = false;        // wait: a look that need not have succeeded; region: one that the
                              // host has filled before the run
  Look look{};                // scalar_read, wait, poll_failed: at a polled word
  int rank = 0;
  int core = 0;
  int peer = 0;
  // Of what waits in a pipe's queue: how many events of its core that order (see `orders`) were
  // before its issue.
  std::uint32_t issued = 0;
  std::uint32_t number = 0;     // in the program order of its core
  std::uint32_t threshold = 0;  // wait, poll_failed: what the cell is compared with
  Picoseconds begin = 0;
  Picoseconds end = 0;
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;
  // notify: what it adds or sets; wait: the arrivals it consumes; store, store_visible: its number
  // among the stores of its pipe; region: what each of its words holds at first; scalar_write: what
  // a word is given; scalar_read of a polled word: what it is found to hold
  std::int64_t value = 0;
  SourcePlace place = {};
  const char* name = "";  // of a region
  std::span<const Footprint> reads = {};
  std::span<const Footprint> writes = {};
};

// Whether the event orders what its core's scalar unit issues later after more than before.
[[nodiscard]] inline bool orders(const Event& event) {
  switch (event.kind) {
    case EventKind::pipe_barrier:
      return event.pipe == Pipe::all;
    case EventKind::wait_flag:
      return event.pipe == Pipe::scalar;
    case EventKind::dsb:
    case EventKind::dma_wait:
    case EventKind::notify:
    case EventKind::wait:
    case EventKind::task_after:
    case EventKind::scalar_read:
    case EventKind::scalar_write:
    case EventKind::store_issued:
      return true;
    case EventKind::word_stored:
      return event.pipe == Pipe::scalar;
    default:
      return false;
  }
}

// Reads the events of a run, in the order in which the run takes effect.
class EventReader {
 public:
  virtual ~EventReader() = default;
  virtual void read(const Event& event) = 0;
};

}  // namespace peal
