// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/machine/pipe.h"

namespace peal {

enum class EventKind : std::uint8_t {
  load,           // bytes of global memory were read into on-chip memory
  store,          // bytes left on-chip memory for global memory
  store_visible,  // the same bytes can be seen at their destination
  vector,         // on-chip memory was combined or converted
  set_flag,
  wait_flag,
  pipe_barrier,
  dsb,
  scalar_read,
  scalar_write,
  notify,          // issued by the notifier
  notify_arrived,  // took effect on the cell
  wait,            // was satisfied
};

// One thing that happened in a run. Addresses are those of the run's memory; `peer` is the rank
// whose memory or cell is meant.
struct Event {
  EventKind kind{};
  Pipe pipe{};
  std::uint8_t flag_to = 0;  // set_flag, wait_flag: the pipe that waits
  std::uint8_t flag_id = 0;
  int rank = 0;
  int core = 0;
  int peer = 0;
  Picoseconds begin = 0;
  Picoseconds end = 0;
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t value = 0;  // notify: what it adds; wait: the arrivals it consumes
  SourcePlace place;
};

// Reads the events of a run, in the order in which the run takes effect.
class EventReader {
 public:
  virtual ~EventReader() = default;
  virtual void read(const Event& event) = 0;
};

}  // namespace peal
