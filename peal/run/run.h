// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/machine/dtype.h"
#include "peal/run/event.h"

namespace peal {

// What one rank did at its verbs. Bytes that a peer reads count as sent by their owner.
struct RankCounts {
  std::uint64_t puts = 0;
  std::uint64_t gets = 0;
  std::uint64_t notifies = 0;
  std::uint64_t waits = 0;
  std::uint64_t sent_bytes = 0;
};

// What a run reports.
struct RunReport {
  Picoseconds time_ps = 0;              // simulated: when the last rank finished
  std::uint64_t chip_instructions = 0;  // of all ranks
  std::vector<RankCounts> ranks = {};
};

// What one rank's output held after one call.
struct RunOutput {
  std::string name;  // "rank 1 `sum` of call 0"
  DType dtype{};
  std::uint64_t address = 0;  // in the run's memory
  double tolerance = 0;       // absolute
  std::vector<std::byte> bytes;
};

// A line of a kernel.
struct KernelLine {
  std::string file;  // as the events of a run name it
  std::uint32_t line = 0;

  [[nodiscard]] bool operator==(const KernelLine&) const = default;
};

// Whether a place is on one of these lines.
[[nodiscard]] inline bool is_among(std::span<const KernelLine> lines, SourcePlace place) {
  return std::any_of(lines.begin(), lines.end(), [place](const KernelLine& each) {
    return each.line == place.line && each.file == place.file;
  });
}

// A word of the run's memory that scalar code looks at while others may change it.
struct PolledWord {
  std::uint64_t address = 0;
  std::uint32_t size_bytes = 0;  // 1, 2, 4 or 8
};

// What of a value a word of this size holds.
[[nodiscard]] inline std::uint64_t word_of(std::uint64_t value, std::uint32_t size_bytes) {
  return size_bytes == 8 ? value : value & ((std::uint64_t{1} << (8 * size_bytes)) - 1);
}

// How looks at polled words are answered: with values that the words have had, as the order of the
// run so far admits, one a look.
struct Looks {
  enum class Order : std::uint8_t {
    by_schedule,   // what the word holds, but in a loop as with `oldest_first`
    oldest_first,  // each value in turn
    late,          // the same; but `wanted` looks when nobody else can go on, with what is newest
    as_wanted,     // the same; but `wanted` looks with the value that they want, again and again
    invented,      // the same; but `wanted` looks first with all they want, whatever the word holds
  };
  // A look, by its number among those of its core, and what it is to find if it can.
  struct Wanted {
    std::uint32_t core = 0, number = 0;
    std::vector<std::uint64_t> values;
  };
  std::vector<PolledWord> words = {};  // without any, memory answers
  Order order{};
  std::vector<Wanted> wanted = {};
  std::vector<KernelLine> loops = {};    // lines that look until they find something else
  std::vector<KernelLine> patient = {};  // lines that are shown each value many times
  std::uint32_t patience = 1;            // how often all others are
};

struct RunOptions {
  // "virtual": by virtual time; "random:S": any enabled step, drawn with seed S; "pct:S": few
  // preemptions, drawn with seed S; or a file that `save_schedule` has written.
  std::string schedule = "virtual";
  // A file for the choices of this run, so that they can be made again.
  std::string save_schedule = {};
  // Off: no element is moved or combined, for timing at scale. Signals still work.
  bool values = true;
  // Where every signal's count starts; for tests of the wrap at 2^32.
  std::uint32_t signal_start = 0;
  // Lines whose synchronisation is left out, to see whether it is needed.
  std::vector<KernelLine> skipped = {};
  Looks looks = {};
  // Readers of the event stream; without any, events cost nothing.
  std::vector<EventReader*> readers = {};
  // Called now and then during a long run with the notifies so far.
  std::function<void(std::uint64_t notifies)> progress = {};
  // Called when a simulated run of verbs is ended by an error, with what was done up to then.
  std::function<void(const RunReport& report)> on_failure = {};
};

}  // namespace peal
