// SPDX-License-Identifier: Apache-2.0
#include "peal/search/short_loops.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace peal {
namespace {

constexpr std::size_t invention_count = 9;

// Values that are unlikely to end a loop that `found` ended. What a loop compares with is unknown
// (equality, order, signed or not, a bit, a floating-point number), so each kind is represented.
std::array<std::uint64_t, invention_count> inventions(std::uint64_t found,
                                                      std::uint32_t size_bytes) {
  const std::uint64_t sign = std::uint64_t{1} << (8 * size_bytes - 1), quarter = sign >> 1;
  // The largest finite floating-point number, positive and (with `sign`) negative; as an integer it
  // is large, too.
  const std::uint64_t largest = size_bytes == 8   ? 0x7FEFFFFFFFFFFFFF
                                : size_bytes == 4 ? 0x7F7FFFFF
                                                  : sign - 1;
  std::array<std::uint64_t, invention_count> values = {
      0,    found - quarter, ~std::uint64_t{0}, found + quarter, sign | largest, largest,
      sign, found - 1,       found + 1};
  for (std::uint64_t& value : values) value = word_of(value, size_bytes);
  return values;
}

using LookSet = std::set<std::pair<std::uint32_t, std::uint32_t>>;  // by core and number

// The looks of one line of source. Lines are tried separately: if a read of one line leads the
// kernel astray, the loops of others are still found.
using OneLine = std::vector<LookInQuestion>;

std::vector<OneLine> by_line(const std::vector<LookInQuestion>& looks, const LookSet& known) {
  std::vector<OneLine> result;
  for (const LookInQuestion& each : looks) {
    if (known.contains({each.look.core, each.look.number})) continue;
    auto line = std::find_if(result.begin(), result.end(),
                             [&](const OneLine& other) { return other.front().line == each.line; });
    if (line == result.end()) line = result.insert(line, OneLine());
    line->push_back(each);
  }
  return result;
}

// A run in which certain looks each find an invented value.
class Attempt {
 public:
  Attempt(const CheckSubject& subject, const CheckRequest& request, const Plan& plan)
      : subject_(subject), request_(request), plan_(plan) {
    plan_.is_first = plan_.has_readers = false;
    plan_.looks.order = Looks::Order::invented;
  }

  void add(const LookInQuestion& each, std::size_t invention) {
    const std::uint64_t value = inventions(each.look.found, each.size_bytes)[invention];
    plan_.looks.wanted.push_back({each.look.core, each.look.number, {value}});
  }
  // Makes the run; returns true if everything but looks is as in `run` (Checker::program). Must be
  // called before is_loop().
  [[nodiscard]] bool is_like(const OneRun& run) {
    const OneRun misled = run_apart(subject_, request_, plan_);
    for (const LookRecord& look : misled.looks) {
      if (!look.failed.empty()) loops_.emplace(look.core, look.number);
    }
    return misled.program == run.program;
  }
  // True if the look looked again after it found a value that did not end it.
  [[nodiscard]] bool is_loop(const LookInQuestion& each) const {
    return loops_.contains({each.look.core, each.look.number});
  }

 private:
  const CheckSubject& subject_;
  const CheckRequest& request_;
  Plan plan_;
  LookSet loops_;
};

// A shortcut for a line with many looks, which saves the nine runs if none of them is a loop: one
// run in which the looks find all kinds of inventions in turn. False only if that run had no loop,
// or was not like the first.
bool has_loops(const CheckSubject& subject, const CheckRequest& request, const Plan& plan,
               const OneRun& run, const OneLine& line) {
  if (line.size() < 10 * invention_count) return true;
  Attempt attempt(subject, request, plan);
  std::size_t next = 0;
  for (const LookInQuestion& each : line) attempt.add(each, next++ % invention_count);
  return attempt.is_like(run) &&
         std::any_of(line.begin(), line.end(),
                     [&attempt](const LookInQuestion& each) { return attempt.is_loop(each); });
}

}  // namespace

// For each line at most nine runs, one for each invention, in which all of its looks that are still
// undecided find that value. A look that looks again is a loop, and leaves the set. The first run
// that is not like `run` ends the line: some look of it goes by the value that it finds, and what
// follows that proves nothing.
bool find_short_loops(const CheckSubject& subject, const CheckRequest& request, Plan& plan,
                      const OneRun& run) {
  LookSet known;
  for (const LookRecord& look : plan.short_loops) known.emplace(look.core, look.number);
  for (OneLine& line : by_line(run.in_question, known)) {
    if (!has_loops(subject, request, plan, run, line)) continue;
    for (std::size_t number = 0; number < invention_count && !line.empty(); ++number) {
      Attempt attempt(subject, request, plan);
      for (const LookInQuestion& each : line) attempt.add(each, number);
      if (!attempt.is_like(run)) break;
      std::erase_if(line, [&](const LookInQuestion& each) {
        if (!attempt.is_loop(each)) return false;
        plan.short_loops.push_back(each.look);
        return true;
      });
    }
  }
  return plan.short_loops.size() > known.size();
}

}  // namespace peal
