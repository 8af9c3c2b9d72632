// SPDX-License-Identifier: Apache-2.0
#include "peal/search/short_loops.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace peal {
namespace {

// What may keep a loop going that `found` has ended: bits and counts of all kinds, nearest first.
std::vector<std::uint64_t> inventions(std::uint64_t found, std::uint32_t size_bytes) {
  const std::uint32_t bits = 8 * size_bytes;
  const std::uint64_t all = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1), quarter = sign >> 1;
  // The largest finite floating-point numbers, of both signs, which as integers are large, too.
  const std::uint64_t largest = size_bytes == 8   ? 0x7FEFFFFFFFFFFFFF
                                : size_bytes == 4 ? 0x7F7FFFFF
                                                  : all >> 1;
  return {0, (found - quarter) & all, all, (found + quarter) & all, sign | largest, largest, sign};
}

bool is_same_look(const LookRecord& a, const LookRecord& b) {
  return a.core == b.core && a.number == b.number;
}

// The looks of one line, which are tried apart from those of others.
struct Line {
  KernelLine line;
  std::vector<LookRecord> looks;
};

std::vector<Line> by_line(const std::vector<LookRecord>& looks,
                          const std::vector<LookRecord>& known) {
  std::vector<Line> result;
  for (const LookRecord& look : looks) {
    const auto is_it = [&look](const LookRecord& other) { return is_same_look(look, other); };
    if (std::any_of(known.begin(), known.end(), is_it)) continue;
    auto line = std::find_if(result.begin(), result.end(),
                             [&](const Line& other) { return other.line == look.line; });
    if (line == result.end()) line = result.insert(line, {look.line, {}});
    line->looks.push_back(look);
  }
  return result;
}

}  // namespace

bool find_short_loops(const CheckSubject& subject, const CheckRequest& request, Plan& plan,
                      const OneRun& run) {
  const std::size_t known = plan.short_loops.size();
  for (Line& line : by_line(run.in_question, plan.short_loops)) {
    const std::size_t tries = inventions(0, sizeof(std::uint32_t)).size();
    for (std::size_t number = 0; number < tries && !line.looks.empty(); ++number) {
      Plan tried = plan;
      tried.is_first = tried.has_readers = false;
      tried.looks.order = Looks::Order::invented;
      for (const LookRecord& look : line.looks) {
        const std::uint64_t value = inventions(look.found, look.size_bytes)[number];
        tried.looks.wanted.push_back({look.core, look.number, {value}});
      }
      const OneRun misled = run_apart(subject, request, tried);
      if (misled.program != run.program) break;  // it goes by what it finds
      std::erase_if(line.looks, [&](const LookRecord& look) {
        const bool is_loop =
            std::any_of(misled.looks.begin(), misled.looks.end(), [&](const LookRecord& other) {
              return is_same_look(look, other) && !other.failed.empty();
            });
        if (is_loop) plan.short_loops.push_back(look);
        return is_loop;
      });
    }
  }
  return plan.short_loops.size() > known;
}

}  // namespace peal
