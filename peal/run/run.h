// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/machine/dtype.h"
#include "peal/run/event.h"

namespace PEAL_API peal {

// This folder is the interface between kernels' callers and whatever runs kernels: executor.h runs
// a team, device_driver.h runs tasks on devices; both take RunOptions and give a RunReport. Read
// this header first, then executor.h, then event.h, whose events the checks read.
//
// The number of verbs that one rank called. Bytes that a peer reads count as sent by their owner.
struct RankCounts {
  std::uint64_t puts = 0;
  std::uint64_t gets = 0;
  std::uint64_t notifies = 0;
  std::uint64_t waits = 0;
  std::uint64_t sent_bytes = 0;
};

// The result of a run.
struct RunReport {
  Picoseconds time_ps = 0;              // simulated time at which the last rank finished
  std::uint64_t chip_instructions = 0;  // issued by all ranks
  std::vector<RankCounts> ranks = {};
};

// The contents of one rank's output after one call.
struct RunOutput {
  std::string name;  // "rank 1 `sum` of call 0"
  DType dtype{};
  std::uint64_t address = 0;  // in the run's memory
  double tolerance = 0;       // absolute
  std::vector<std::byte> bytes;
};

// A source line of a kernel.
struct KernelLine {
  std::string file;  // as the events of a run name it
  std::uint32_t line = 0;

  [[nodiscard]] bool operator==(const KernelLine&) const = default;
};

// True if a place is on one of these lines.
[[nodiscard]] inline bool is_among(std::span<const KernelLine> lines, SourcePlace place) {
  return std::any_of(lines.begin(), lines.end(), [place](const KernelLine& each) {
    return each.line == place.line && each.file == place.file;
  });
}

// A word of the run's memory that scalar code reads while others may change it.
struct PolledWord {
  std::uint64_t address = 0;
  std::uint32_t size_bytes = 0;  // 1, 2, 4 or 8
};

// A value truncated to a word of this size.
[[nodiscard]] inline std::uint64_t word_of(std::uint64_t value, std::uint32_t size_bytes) {
  return size_bytes == 8 ? value : value & ((std::uint64_t{1} << (8 * size_bytes)) - 1);
}

// The plan for looks, the reads of polled words. A look need not find the newest value: it may find
// any value that the word has had and that happens-before and coherence still allow the reader to
// find (chip/polled_words.h). So one run can show a polling loop all values, one per look.
struct Looks {
  enum class Order : std::uint8_t {
    by_schedule,   // the newest value; in loops as oldest_first
    oldest_first,  // each allowed value in turn, beginning with the oldest
    late,          // as oldest_first, but `wanted` looks wait until no step is left, to find the
                   // newest value, or the newest of the values that they want
    as_wanted,     // as oldest_first, but `wanted` looks find a wanted value, many times
    invented,      // as oldest_first, but `wanted` looks first find their values, true or not
  };
  // A look, by its number among its core's looks that repeat no other, and the values that it shall
  // find, if possible.
  struct Wanted {
    std::uint32_t core = 0, number = 0;
    std::vector<std::uint64_t> values;
  };
  std::vector<PolledWord> words = {};  // if empty, every look finds what memory holds
  Order order{};
  std::vector<Wanted> wanted = {};
  std::vector<KernelLine> loops = {};    // lines that poll until they find another value
  std::vector<KernelLine> patient = {};  // lines whose looks find each value many times in a row
  std::uint32_t patience = 1;            // how often looks at other lines do
};

struct RunOptions {
  // "virtual": in the order of virtual time; "random:S": any enabled step, from seed S; "pct:S":
  // probabilistic concurrency testing, from seed S; or a file written by `save_schedule`.
  std::string schedule = "virtual";
  // A file that records the choices of this run, for replay; none if empty.
  std::string save_schedule = {};
  // If false, no element is moved or combined, for timing at scale. Signals still work.
  bool values = true;
  // The initial count of every signal; for tests of the wrap at 2^32.
  std::uint32_t signal_start = 0;
  // Lines whose synchronisation is left out, to find out whether it is needed.
  std::vector<KernelLine> skipped = {};
  Looks looks = {};
  // Readers of the event stream; if empty, events cost nothing.
  std::vector<EventReader*> readers = {};
  // Called from time to time during a long run, with the number of notifies so far.
  std::function<void(std::uint64_t notifies)> progress = {};
  // Called when an error ends a simulated run of verbs, with the report up to then.
  std::function<void(const RunReport& report)> on_failure = {};
};

}  // namespace peal
