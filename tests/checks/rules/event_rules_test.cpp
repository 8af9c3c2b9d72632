// SPDX-License-Identifier: Apache-2.0
// Events that no run can have, each beside the right one that it comes from.
#include "peal/checks/rules/event_rules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/checks/checker.h"
#include "peal/checks/event_file.h"
#include "peal/run/event.h"
#include "tests/support/program.h"

namespace peal {
namespace {

constexpr std::uint64_t chip = 0x10000, window = 0x100000;

Event on_chip(int core) {
  return {.kind = EventKind::region,
          .region = RegionKind::on_chip,
          .rank = core,
          .core = core,
          .peer = core,
          .address = chip + static_cast<std::uint64_t>(core) * 4096,
          .size_bytes = 4096,
          .name = "on-chip memory"};
}

// The rules of a run of two ranks, each with one core and a window.
EventRules rules() {
  EventRules result(2);
  for (const int rank : {0, 1}) EXPECT_EQ(result.violated_by(on_chip(rank)), nullptr);
  for (const int rank : {0, 1}) {
    EXPECT_EQ(result.violated_by({.kind = EventKind::region,
                                  .region = RegionKind::window,
                                  .rank = rank,
                                  .peer = rank,
                                  .address = window + static_cast<std::uint64_t>(rank) * 4096,
                                  .size_bytes = 4096,
                                  .name = "w"}),
              nullptr);
  }
  return result;
}

const char* first_violation(const std::vector<Event>& events) {
  EventRules all = rules();
  for (const Event& event : events) {
    if (const char* const wrong = all.violated_by(event)) return wrong;
  }
  return nullptr;
}

struct Wrong {
  const char* what;
  std::function<void(Event&)> change;
};

// Each change alone makes the event one that is refused.
void expect_refused(const Event& right, const std::vector<Wrong>& changes) {
  EXPECT_EQ(first_violation({right}), nullptr);
  for (const Wrong& wrong : changes) {
    Event event = right;
    wrong.change(event);
    EXPECT_NE(first_violation({event}), nullptr) << wrong.what;
  }
}

template <class Enum>
void set_beyond(Enum& value) {
  const std::uint8_t byte = 200;
  std::memcpy(&value, &byte, 1);
}

TEST(EventRules, NumbersAreWithinTheRun) {
  const Event right{.kind = EventKind::notify,
                    .rank = 1,
                    .core = 1,
                    .peer = 0,
                    .address = window,
                    .size_bytes = 4,
                    .value = 1};
  expect_refused(right, {{"rank", [](Event& e) { e.rank = 2; }},
                         {"negative rank", [](Event& e) { e.rank = -1; }},
                         {"peer", [](Event& e) { e.peer = 2; }},
                         {"negative peer", [](Event& e) { e.peer = INT32_MIN; }},
                         {"core", [](Event& e) { e.core = 2; }},
                         {"negative core", [](Event& e) { e.core = -11; }},
                         {"another's core", [](Event& e) { e.core = 0; }},
                         {"kind", [](Event& e) { set_beyond(e.kind); }},
                         {"pipe", [](Event& e) { set_beyond(e.pipe); }},
                         {"region", [](Event& e) { set_beyond(e.region); }},
                         {"combination", [](Event& e) { set_beyond(e.combination); }},
                         {"operation", [](Event& e) { set_beyond(e.op); }},
                         {"comparison", [](Event& e) { set_beyond(e.cmp); }},
                         {"address", [](Event& e) { e.address = UINT64_MAX - 2; }},
                         {"size", [](Event& e) { e.size_bytes = UINT64_MAX; }},
                         {"long signal", [](Event& e) { e.size_bytes = 65; }},
                         {"count", [](Event& e) { e.value = INT64_MAX; }},
                         {"negative count", [](Event& e) { e.value = INT64_MIN; }}});
}

TEST(EventRules, FlagsAndPipesAreThoseOfACore) {
  const Event set{
      .kind = EventKind::set_flag, .pipe = Pipe::mte2, .flag_pipe = 1, .flag_id = 7, .rank = 0};
  expect_refused(set, {{"id", [](Event& e) { e.flag_id = 8; }},
                       {"waiting pipe", [](Event& e) { e.flag_pipe = 9; }},
                       {"all pipes wait", [](Event& e) { e.flag_pipe = 6; }},
                       {"all pipes set", [](Event& e) { e.pipe = Pipe::all; }},
                       {"issued later", [](Event& e) { e.issued = 1; }}});
  const Footprint row{.address = chip, .row_bytes = 64, .stride_bytes = 64};
  const Event load{.kind = EventKind::load, .pipe = Pipe::mte2, .reads = {&row, 1}};
  expect_refused(load, {{"scalar unit", [](Event& e) { e.pipe = Pipe::scalar; }},
                        {"all pipes", [](Event& e) { e.pipe = Pipe::all; }}});
}

TEST(EventRules, AnInstructionIsIssuedBeforeItIsExecutedAndAfterTheLastBarrier) {
  const Event ordering{.kind = EventKind::dsb};
  const Event barrier{.kind = EventKind::pipe_barrier, .pipe = Pipe::all};
  const auto load = [](std::uint32_t issued, Pipe pipe = Pipe::mte2) {
    return Event{.kind = EventKind::load, .pipe = pipe, .issued = issued};
  };
  EXPECT_EQ(first_violation({ordering, load(0), load(1)}), nullptr);
  EXPECT_NE(first_violation({ordering, load(2)}), nullptr);
  EXPECT_EQ(first_violation({ordering, barrier, load(1), load(2)}), nullptr);
  EXPECT_NE(first_violation({ordering, barrier, load(0)}), nullptr);
  EXPECT_EQ(first_violation({ordering, barrier, load(0, Pipe::dma)}), nullptr);
}

TEST(EventRules, FootprintsAreOfWholeElementsAndTilesLieInTheirCore) {
  const Footprint right{
      .address = chip, .rows = 4, .element_bytes = 4, .row_bytes = 64, .stride_bytes = 128};
  const std::pair<const char*, std::function<void(Footprint&)>> changes[] = {
      {"no element", [](Footprint& f) { f.element_bytes = 0; }},
      {"odd element", [](Footprint& f) { f.element_bytes = 3; }},
      {"large element", [](Footprint& f) { f.element_bytes = 1u << 31; }},
      {"no rows", [](Footprint& f) { f.rows = 0; }},
      {"many rows", [](Footprint& f) { f.rows = UINT32_MAX; }},
      {"long rows", [](Footprint& f) { f.row_bytes = UINT64_MAX; }},
      {"rows that overlap", [](Footprint& f) { f.stride_bytes = 0; }},
      {"rows that wrap", [](Footprint& f) { f.stride_bytes = UINT64_MAX / 2; }},
      {"rows past the core", [](Footprint& f) { f.stride_bytes = 4096; }},
      {"rows of another core", [](Footprint& f) { f.address = chip + 4096; }},
      {"rows in a window", [](Footprint& f) { f.address = window; }},
      {"bad address", [](Footprint& f) { f.address = UINT64_MAX; }}};
  const auto violation = [](const Footprint& area) {
    return first_violation({{.kind = EventKind::vector,
                             .pipe = Pipe::vector,
                             .reads = {&area, 1},
                             .writes = {&area, 1}}});
  };
  EXPECT_EQ(violation(right), nullptr);
  for (const auto& [what, change] : changes) {
    Footprint wrong = right;
    change(wrong);
    EXPECT_NE(violation(wrong), nullptr) << what;
  }
}

TEST(EventRules, WhatReadersTakeTheFirstOfIsThere) {
  const Footprint row{.address = chip, .element_bytes = 4, .row_bytes = 64, .stride_bytes = 64};
  const std::span<const Footprint> one(&row, 1);
  const Event contribution{.kind = EventKind::contribution, .size_bytes = 64, .writes = one};
  expect_refused(contribution, {{"no part", [](Event& e) { e.writes = {}; }},
                                {"element", [](Event& e) { e.value = INT64_MAX; }},
                                {"negative element", [](Event& e) { e.value = -1; }},
                                {"a call ahead", [](Event& e) { e.number = 1; }}});
  const Event sum{.kind = EventKind::vector,
                  .pipe = Pipe::vector,
                  .combination = Combination::sum,
                  .reads = one,
                  .writes = one};
  expect_refused(sum, {{"no source", [](Event& e) { e.reads = {}; }}});
  Event constant = sum;
  constant.combination = Combination::constant;
  expect_refused(constant, {{"no destination", [](Event& e) { e.writes = {}; }}});
}

TEST(EventRules, WhatIsReferredToHasComeBefore) {
  const Event end{.kind = EventKind::task_end, .value = 3};
  Event after = end;
  after.kind = EventKind::task_after;
  EXPECT_EQ(first_violation({end, after}), nullptr);
  EXPECT_NE(first_violation({after, end}), nullptr);
  const Event wait{.kind = EventKind::wait, .address = window, .size_bytes = 4};
  EXPECT_NE(first_violation({wait, on_chip(2)}), nullptr) << "a core after the start";
  EXPECT_NE(EventRules(2).violated_by(wait), nullptr) << "no core at all";
  EXPECT_NE(EventRules(2).violated_by(on_chip(1)), nullptr) << "out of order";
}

TEST(EventRules, AccessesThroughTheScalarCacheAreBounded) {
  const Event right{
      .kind = EventKind::scalar_write, .cached = true, .address = window, .size_bytes = 4096};
  expect_refused(right, {{"outside", [](Event& e) { e.address = 8; }},
                         {"past the end", [](Event& e) { e.address = window + 1; }},
                         {"endless", [](Event& e) { e.size_bytes = std::uint64_t{1} << 50; }}});
}

// Recorded runs of all kinds are read again, whole; with any one byte changed they are read or
// refused, and nothing else happens.
TEST(EventFiles, AreReadOrRefusedWhateverByteIsChanged) {
  const TemporaryFolder folder;
  const std::string file = folder.path("x.events");
  for (const char* arguments :
       {"all_reduce -a ring -n 3 -c 8 --calls 1", "barrier -n 2",
        "tests/broken/race.cpp --case tests/broken/cases/exchange.toml -n 2"}) {
    const Finished recorded = run_peal(fmt::format("check {} --events {}", arguments, file));
    ASSERT_NE(recorded.code, 2) << recorded.err;
    const std::string whole = file_text(file);
    ASSERT_GT(whole.size(), 1000u);
    const auto read = [](const std::string& text) {
      std::istringstream stream(text);
      Checker checker(Platform::Switches{});
      try {
        read_events(stream, "changed", checker);
      } catch (const Error& error) {
        return std::string(error.what());
      }
      checker.finish(Checker::RunEnd::failed);
      return std::string();
    };
    EXPECT_EQ(read(whole), "");
    for (std::size_t at = 15; at < whole.size(); at += 1 + whole.size() / 1000) {
      for (const unsigned byte : {0x00u, 0xffu, 0x80u}) {
        std::string changed = whole;
        changed[at] = static_cast<char>(byte);
        const std::string error = read(changed);
        EXPECT_EQ(error.find('\n'), std::string::npos) << error;
      }
    }
  }
}

}  // namespace
}  // namespace peal
