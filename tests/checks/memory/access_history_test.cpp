// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/memory/access_history.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace peal {
namespace {

constexpr std::size_t thread_count = 3;
constexpr std::uint64_t byte_count = 12;

// A step of a thread: an access to some bytes, or to go on after what another one has done so far.
struct Step {
  std::uint32_t thread = 0, other = 0;
  bool joins = false, writes = false;
  std::uint8_t atomic = 0;
  std::uint64_t begin = 0, end = 0;
};

Step step_of(std::uint32_t bits) {
  const auto take = [&bits](std::uint32_t choices) {
    const std::uint32_t taken = bits % choices;
    bits /= choices;
    return taken;
  };
  Step step;
  step.thread = take(thread_count);
  step.other = take(thread_count);
  step.joins = take(3) == 0;
  step.writes = take(2) == 0;
  step.atomic = step.writes ? static_cast<std::uint8_t>(take(3)) : std::uint8_t{0};
  step.begin = take(byte_count);
  step.end = step.begin + 1 + take(static_cast<std::uint32_t>(byte_count - step.begin));
  return step;
}

using Clock = std::array<std::uint32_t, thread_count>;
using Bytes = std::set<std::uint64_t>;

struct Remembered {
  Access access;
  std::uint64_t begin, end;
};

bool is_over(const Access& earlier, const Clock& clock) {
  return clock[earlier.core] >= earlier.sequence;
}

// Every access is kept, and each byte of the new one is compared with all of them.
struct Found {
  Bytes in_conflict, unwritten;
};
Found compare_with_all(const std::vector<Remembered>& all, const Remembered& now,
                       const Clock& clock) {
  Found found;
  for (std::uint64_t byte = now.begin; byte < now.end; ++byte) {
    bool is_written = false;
    for (const Remembered& earlier : all) {
      if (byte < earlier.begin || byte >= earlier.end) continue;
      is_written = is_written || earlier.access.writes;
      const bool both_read = !earlier.access.writes && !now.access.writes;
      const bool both_add = now.access.atomic != 0 && earlier.access.atomic == now.access.atomic;
      if (!both_read && !both_add && !is_over(earlier.access, clock)) {
        found.in_conflict.insert(byte);
      }
    }
    if (!now.access.writes && !is_written) found.unwritten.insert(byte);
  }
  return found;
}

Found add(AccessHistory& history, const Remembered& now, const Clock& clock) {
  Found found;
  const auto insert = [](Bytes& bytes, std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t byte = begin; byte < end; ++byte) bytes.insert(byte);
  };
  history.add(
      now.begin, now.end, now.access,
      [&](const Access& earlier) { return is_over(earlier, clock); },
      [&](const Access&, std::uint64_t begin, std::uint64_t end) {
        insert(found.in_conflict, begin, end);
      },
      [&](std::uint64_t begin, std::uint64_t end) { insert(found.unwritten, begin, end); });
  return found;
}

// The first conflict of each byte is found where it is; what comes after it may be about either of
// the two.
RC_GTEST_PROP(AccessHistory, FindsWhatComparingWithEveryAccessFinds,
              (const std::vector<std::uint32_t>& choices)) {
  AccessHistory history(false);
  std::vector<Remembered> all;
  std::array<Clock, thread_count> clocks{};
  Bytes done;  // bytes with a conflict
  for (const std::uint32_t bits : choices) {
    const Step step = step_of(bits);
    Clock& clock = clocks[step.thread];
    if (step.joins) {
      for (std::size_t i = 0; i < thread_count; ++i) {
        clock[i] = std::max(clock[i], clocks[step.other][i]);
      }
      continue;
    }
    const Remembered now{{.core = step.thread,
                          .sequence = ++clock[step.thread],
                          .lane = Lane::scalar,
                          .end = Lane::scalar,
                          .writes = step.writes,
                          .atomic = step.atomic},
                         step.begin,
                         step.end};
    Found expected = compare_with_all(all, now, clock);
    Found found = add(history, now, clock);
    all.push_back(now);
    RC_ASSERT(found.unwritten == expected.unwritten);
    for (const std::uint64_t byte : done) {
      expected.in_conflict.erase(byte);
      found.in_conflict.erase(byte);
    }
    RC_ASSERT(found.in_conflict == expected.in_conflict);
    done.insert(found.in_conflict.begin(), found.in_conflict.end());
  }
}

// A store, an add that is ordered after it, and an add of somebody who knows of neither.
TEST(AccessHistory, AnAddDoesNotHideTheStoreBeforeIt) {
  for (const bool first_writes : {true, false}) {
    AccessHistory history(true);
    const auto access = [](std::uint32_t core, std::uint32_t sequence, bool writes, bool atomic) {
      return Remembered{{.core = core,
                         .sequence = sequence,
                         .lane = Lane::scalar,
                         .end = Lane::scalar,
                         .writes = writes,
                         .atomic = atomic ? std::uint8_t{1} : std::uint8_t{0}},
                        0,
                        4};
    };
    EXPECT_EQ(add(history, access(0, 1, first_writes, false), {1, 0, 0}).in_conflict, Bytes{});
    EXPECT_EQ(add(history, access(1, 1, true, true), {1, 1, 0}).in_conflict, Bytes{});
    EXPECT_EQ(add(history, access(2, 1, true, true), {0, 0, 1}).in_conflict, (Bytes{0, 1, 2, 3}));
  }
}

}  // namespace
}  // namespace peal
