// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/api.h"
#include "peal/base/source_place.h"

namespace PEAL_API peal {

// What can be wrong with a run, the most important first.
enum class FindingClass : std::uint8_t {
  crash,            // the kernel ended in a fault, or did not end
  out_of_bounds,    // an access outside of every buffer
  deadlock,         // cores wait and nobody can wake them
  never_satisfied,  // a wait that no number of notifies can satisfy
  race,             // two unordered accesses, at least one of them a write
  lost_signal,      // an unordered store or set of a signal: one change may erase the other
  line_clobber,     // a cache line written back over another core's write
  stale_read,       // a scalar read of a cached line that was written since
  missing_flag,     // unordered accesses of two pipes to the same on-chip bytes
  never_written,    // a read of bytes that nobody has written
  missed_value,     // a wait whose value the signal may pass before the wait sees it
  vacuous_wait,     // a wait that is satisfied without the notify it is meant for
  flag_left_set,    // an event flag set twice, or still set at the end
  event_reused,     // two live fences with one setting pipe and id
  not_drained,      // a store that may still be in flight at the end
  not_flushed,      // a scalar store that stays in the cache
  wrong_result,     // a value other than the expected one
  unstable_result,  // a value that depends on the schedule
  // Advice from here on.
  unread_bytes,           // written and never read
  unneeded_sync,          // a wait for what is already ordered before it
  unwaited_notify,        // a notify of a signal that nobody waits for or reads
  unwritten_window_read,  // a read of window bytes that nobody has written
};

inline constexpr int finding_class_count =
    static_cast<int>(FindingClass::unwritten_window_read) + 1;

[[nodiscard]] const char* name(FindingClass kind);
[[nodiscard]] std::optional<FindingClass> find_finding_class(const std::string& text);

// A line of source.
struct FindingLine {
  std::string file;  // empty if unknown
  std::uint32_t line = 0;
  SourceOrigin origin = SourceOrigin::kernel;

  bool operator==(const FindingLine&) const = default;
};

// Gives a rank of the run the name by which reports call it.
using RankNamer = std::function<std::string(int rank)>;

// The name of a rank where ranks are numbered: "rank 3".
[[nodiscard]] std::string rank_name(int rank);

// One of the accesses or waits that a finding is about.
struct FindingSide {
  int rank = 0;
  int core = 0;
  std::string pipe;  // empty if it does not matter
  std::string what;  // "writes it"
  FindingLine place;
  // The call of the kernel, from 0, and how many waits the core has passed within that call; -1 if
  // unknown.
  std::int64_t call = -1, step = -1;
  std::string task = {};  // the task that it belongs to; empty if there are no tasks
};

struct Finding {
  FindingClass kind{};
  std::string subject;  // "race on window `scratch` of rank 1, bytes 512..1024"
  std::vector<FindingSide> sides;
  std::string reason;       // what is missing; may be empty
  std::uint64_t count = 1;  // how often it occurred for the same pair of lines
  // Demotes this finding to advice, although its class is not advice.
  bool is_mild = false;
};

[[nodiscard]] inline bool is_advice(const Finding& finding) {
  return finding.is_mild || finding.kind >= FindingClass::unread_bytes;
}
// The most important first; advice comes last.
[[nodiscard]] inline bool is_more_important(const Finding& a, const Finding& b) {
  return std::pair(is_advice(a), a.kind) < std::pair(is_advice(b), b.kind);
}

// "file:line", relative to the current folder if the file lies below it.
[[nodiscard]] std::string describe(const FindingLine& line);

// A finding as text of several lines, each ended by a newline; with `of_sources` it quotes the
// source lines that it names, as the files are now. The namer is that of the checks which have
// found it, since the subject and the reason hold names, too.
enum class Quotation : bool { of_sources, none };
[[nodiscard]] std::string describe(const Finding& finding,
                                   Quotation quotation = Quotation::of_sources,
                                   const RankNamer& name_of = rank_name);

}  // namespace peal
