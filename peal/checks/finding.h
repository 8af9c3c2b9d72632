// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peal {

// What is wrong with a run, the most important first.
enum class FindingClass : std::uint8_t {
  crash,            // the kernel ended in a fault, or did not end
  out_of_bounds,    // bytes outside of every buffer
  deadlock,         // cores wait and nobody can wake them
  never_satisfied,  // a wait that no number of notifies can satisfy
  race,             // two accesses, one a write, that nothing orders
  lost_signal,      // a store or Set to a signal that may erase a notify, or be erased
  line_clobber,     // a cache line written back over another's write
  stale_read,       // a scalar read of a cached line that was written since
  missing_flag,     // two pipes of a core on the same on-chip bytes, unordered
  never_written,    // a read of bytes that nobody has written
  missed_value,     // a wait for equality that the signal may pass by
  vacuous_wait,     // a wait that needed no notify
  flag_left_set,    // an event flag set twice, or set at the end
  event_reused,     // two live fences on one (pipe, event)
  not_drained,      // a store still under way at the end
  not_flushed,      // a scalar store that stays in the cache
  wrong_result,     // a value that differs from what is expected
  unstable_result,  // a value that differs from schedule to schedule
  // Advice from here on.
  unread_bytes,           // written and never read
  unneeded_sync,          // orders nothing that is needed
  unwaited_notify,        // on a signal that nobody looks at
  unwritten_window_read,  // of bytes of a window that nobody has written
};

inline constexpr int finding_class_count =
    static_cast<int>(FindingClass::unwritten_window_read) + 1;

[[nodiscard]] const char* name(FindingClass kind);
[[nodiscard]] std::optional<FindingClass> find_finding_class(const std::string& text);

// A line of source.
struct FindingLine {
  std::string file;  // empty where none is known
  std::uint32_t line = 0;

  bool operator==(const FindingLine&) const = default;
};

// One of the accesses or waits that a finding is about.
struct FindingSide {
  int rank = 0;
  int core = 0;
  std::string pipe;  // empty where it says nothing
  std::string what;  // "writes it"
  FindingLine place;
  // Which call of the kernel it is in, from 0, and how many waits its core has passed in that call
  // before; -1 where it is not known.
  std::int64_t call = -1, step = -1;
  std::string task = {};  // that it is part of, where there are several
};

struct Finding {
  FindingClass kind{};
  std::string subject;  // "race on window `scratch` of rank 1, bytes 512..1024"
  std::vector<FindingSide> sides;
  std::string reason;       // what is missing; may be empty
  std::uint64_t count = 1;  // how often the same pair of lines was found
  // Of a class that is a finding in other runs: here it is advice.
  bool is_mild = false;
};

[[nodiscard]] inline bool is_advice(const Finding& finding) {
  return finding.is_mild || finding.kind >= FindingClass::unread_bytes;
}
// The most important first; advice comes last.
[[nodiscard]] inline bool is_more_important(const Finding& a, const Finding& b) {
  return std::pair(is_advice(a), a.kind) < std::pair(is_advice(b), b.kind);
}

// "file:line", from the current folder if the file lies below it.
[[nodiscard]] std::string describe(const FindingLine& line);

// A finding as lines of text, each ended; with the lines of source that it names, as they stand in
// their files now, unless they are left out.
enum class Quotation : bool { of_sources, none };
[[nodiscard]] std::string describe(const Finding& finding,
                                   Quotation quotation = Quotation::of_sources);

}  // namespace peal
