// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "peal/base/api.h"
#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/signal.h"
#include "peal/run/pipe.h"

namespace PEAL_API peal {

enum class EventKind : std::uint8_t {
  region,         // a buffer of the run, owned by rank `peer`
  load,           // bytes of global memory were read into on-chip memory
  store,          // a store was executed: its source was read (with Pipe::dma, in global memory)
  store_visible,  // the same store's bytes are visible at their destination
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
  notify_arrived,  // the notify took effect on the cell
  wait,            // a wait was satisfied, or a poll succeeded
  poll_failed,     // a poll found that its comparison does not hold
  task_begin,      // of a kernel's task on a core; `value` is its number in the run
  task_end,
  task_after,  // the end of task `value` happens before what this core issues next
  // From the caller, about the purpose of the kernel's call number `number`:
  contribution,  // the bytes are elements `value`, `value` + 1, ... of what rank `peer` contributes
  expectation,   // the bytes must become elements `value`, ... of rank `peer`, or of all combined
  call_begin,    // what this core issues from here on belongs to call `value` of the kernel
  // About polled words, which scalar code reads while others change them (RunOptions::looks):
  polled_word,   // these bytes are a polled word from here on, and hold `value`
  store_issued,  // a store that will change polled words is issued next, or enters a pipe's queue
  word_stored,   // the store of this pipe and number gives the word `value`; unknown if `atomic`
};

// A look is a read of a polled word. `again` repeats the core's look directly before it, `first`
// does not.
enum class Look : std::uint8_t { none, first, again };

// The origin of a region's bytes, and who reads them.
enum class RegionKind : std::uint8_t {
  window,   // symmetric, initially zero
  signals,  // a window of SignalCells
  input,    // written by the host before the run
  output,   // read by the host after the run
  inout,
  temporary,
  on_chip,  // of core `core`
};

// True if peers may address memory of this kind; all other memory is private to its rank.
[[nodiscard]] constexpr bool is_shared(RegionKind kind) {
  return kind == RegionKind::window || kind == RegionKind::signals;
}

// The bytes that an instruction reads or writes: rows of equal length at a constant stride.
struct Footprint {
  std::uint64_t address = 0;
  std::uint32_t rows = 1;
  std::uint32_t element_bytes = 1;
  std::uint64_t row_bytes = 0;
  std::uint64_t stride_bytes = 0;  // from the start of a row to that of the next

  [[nodiscard]] std::uint64_t size_bytes() const { return rows * row_bytes; }
};

// How the i-th element that an instruction writes depends on the i-th elements that it reads.
enum class Combination : std::uint8_t {
  move,  // it is the element read
  sum,   // of the i-th element of each source
  prod,
  min,
  max,
  constant,  // it depends on no element read
  other,     // none of these, or not element by element
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

// What an atomic store does to each element of its destination, as a number that is not 0. Two that
// do the same commute; others do not: a sum and a maximum, or adds of floats and of integers. Sums
// and products of signed and unsigned integers of one size are the same.
[[nodiscard]] constexpr std::uint8_t atomic_code(ReduceOp op, DType dtype) {
  static_assert(static_cast<int>(DType::i8) % 2 == 0);  // unsigned types follow their signed ones
  const bool wraps = dtype >= DType::i8 && (op == ReduceOp::sum || op == ReduceOp::prod);
  const int type = static_cast<int>(dtype) & (wraps ? ~1 : ~0);
  return static_cast<std::uint8_t>(1 + static_cast<int>(op) * 32 + type);
}

// One event of a run. Addresses are those of the run's memory; `peer` is the rank that owns the
// memory or cell in question. Spans and names are valid only during EventReader::read().
struct Event {
  EventKind kind{};
  Pipe pipe{};
  std::uint8_t flag_pipe = 0;  // set_flag: the pipe that waits; wait_flag: the one that sets
  std::uint8_t flag_id = 0;
  RegionKind region{};
  Combination combination{};  // load, store, vector
  NotifyOp op{};              // notify, notify_arrived
  WaitCmp cmp{};              // wait, poll_failed
  std::uint8_t atomic = 0;    // store: atomic_code() if it is combined into its destination
  bool cached = false;        // scalar_read, scalar_write: through the scalar cache
  bool polled = false;        // wait: a successful poll; region: filled by the host before the run
  Look look{};                // scalar_read, wait, poll_failed: if it is a look at a polled word
  int rank = 0;
  int core = 0;
  int peer = 0;
  // The number of ordering events (see orders()) of its core before its issue. For queued
  // instructions, which execute later, this dates the issue.
  std::uint32_t issued = 0;
  // In the program order of its core. region: the kernel's argument whose memory it is in one call,
  // from 1; else 0.
  std::uint32_t number = 0;
  // wait, poll_failed: the value that the cell is compared with; expectation: the number of its
  // block within the result, from 0
  std::uint32_t threshold = 0;
  Picoseconds begin = 0;
  Picoseconds end = 0;
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;
  // notify: the value that it adds or sets; wait: the arrivals that it consumes; store,
  // store_visible: the store's number within its pipe; region: the initial value of each word;
  // scalar_write: the value stored to a word; scalar_read of a polled word: the value found
  std::int64_t value = 0;
  SourcePlace place = {};
  const char* name = "";  // of a region
  std::span<const Footprint> reads = {};
  std::span<const Footprint> writes = {};
};

// True if the event adds a happens-before edge to instructions that this core issues later. Events
// are counted by this in Event::issued.
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

// Receives the events of a run, in the order in which they take effect.
class EventReader {
 public:
  virtual ~EventReader() = default;
  virtual void read(const Event& event) = 0;
};

}  // namespace peal
