// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "cli/options/check_subject.h"
#include "peal/collectives/collectives.h"
#include "peal/collectives/registry.h"
#include "peal/collectives/scratch.h"
#include "peal/collectives/tuning/chooser.h"
#include "peal/collectives/tuning/defaults.h"
#include "peal/cost/step_counter.h"
#include "peal/launch/launch.h"
#include "peal/search/check.h"
#include "peal/search/check_text.h"
#include "tests/support/slice.h"

namespace peal {
namespace {

struct Measured {
  RunReport report;
  std::int64_t steps = 0;
};

Measured measure(Executor& executor, const Algorithm& algorithm, int ranks, std::size_t count,
                 int root = 0) {
  const CollectiveShape blocks = shape(algorithm.collective, ranks);
  const auto elements = [&](int of) { return static_cast<std::size_t>(of) * count; };
  StepCounter steps;
  RunOptions options{.values = false, .readers = {&steps}};
  Measured measured;
  measured.report = executor.run(
      ranks,
      [&](Team& team) {
        const View send = team.allocate(elements(blocks.send_blocks), DType::f32);
        const View recv = team.allocate(elements(blocks.recv_blocks), DType::f32);
        run_collective(team, {.collective = algorithm.collective,
                              .send = send,
                              .recv = recv,
                              .root = root,
                              .algorithm = algorithm.name});
      },
      options);
  measured.steps = steps.steps();
  return measured;
}

std::uint64_t most(const RunReport& report, std::uint64_t RankCounts::*figure) {
  std::uint64_t result = 0;
  for (const RankCounts& rank : report.ranks) result = std::max(result, rank.*figure);
  return result;
}

TEST(Algorithms, CallsTakeAsManyLaunchesAsIsSaid) {
  const auto executor = open_executor("a2a3sim");
  for (const Algorithm& algorithm : algorithms()) {
    const std::size_t longest =
        longest_piece(algorithm, 3, DType::f32, in_windows, executor->platform());
    EXPECT_EQ(launch_count(algorithm, 3, 0, DType::f32, in_windows, executor->platform()),
              algorithm.collective == Collective::barrier ? 1u : 0u);
    // What needs no pieces is called with few elements.
    const std::size_t whole = std::min(longest, std::size_t{1} << 22);
    for (std::size_t count : {std::size_t{1}, whole, whole + 1, 2 * whole + 1}) {
      const auto launches = static_cast<std::int64_t>(
          launch_count(algorithm, 3, count, DType::f32, in_windows, executor->platform()));
      const Measured measured = measure(*executor, algorithm, 3, count);
      EXPECT_EQ(most(measured.report, &RankCounts::notifies),
                static_cast<std::uint64_t>(figures(algorithm, 3, count).notifies * launches))
          << name(algorithm.collective) << " " << algorithm.name << " count " << count;
    }
  }
}

TEST(Algorithms, DoWhatTheirFormulasSay) {
  const auto executor = open_executor("a2a3sim");
  for (const Algorithm& algorithm : algorithms()) {
    for (int ranks : {1, 2, 3, 4, 5, 7, 8, 16, 33}) {
      for (std::size_t count :
           {std::size_t{1}, std::size_t{1000}, static_cast<std::size_t>(ranks) * 24}) {
        SCOPED_TRACE(std::string(name(algorithm.collective)) + " " + algorithm.name +
                     " P=" + std::to_string(ranks) + " n=" + std::to_string(count));
        if (count > longest_piece(algorithm, ranks, DType::f32, in_windows, executor->platform()))
          continue;
        const AlgorithmFigures figures = peal::figures(algorithm, ranks, count);
        const Measured measured = measure(*executor, algorithm, ranks, count, ranks - 1);
        EXPECT_EQ(measured.steps, figures.steps);
        EXPECT_EQ(most(measured.report, &RankCounts::puts), figures.puts);
        EXPECT_EQ(most(measured.report, &RankCounts::gets), figures.gets);
        EXPECT_EQ(most(measured.report, &RankCounts::notifies), figures.notifies);
        auto sent = static_cast<std::int64_t>(most(measured.report, &RankCounts::sent_bytes));
        // Where ranks tell each other where their buffers lie, that is no data.
        if (algorithm.needs.send_in_window || algorithm.needs.recv_in_window) {
          const std::int64_t told = algorithm.collective == Collective::broadcast ? 8 : 16;
          sent -= told * (ranks - 1);
        }
        if (count % static_cast<std::size_t>(ranks) == 0) {
          EXPECT_EQ(sent, figures.sent * 4);
        } else {  // ragged chunks: each may be one element longer or shorter than its share
          EXPECT_LE(std::abs(sent - figures.sent * 4), 4 * (figures.puts + figures.gets + ranks));
        }
      }
    }
  }
}

const std::string proved_ranks = "2,3,4,8,16";
const std::vector<std::string> proved_counts = {"1", "7", "1000"};

// As `peal check` does it: two calls back to back.
TEST(Algorithms, AreCleanInEverySchedule) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const std::string& count : proved_counts) {
      CheckCommandRequest request;
      request.run.collective = name(algorithm.collective);
      request.run.algorithm = algorithm.name;
      request.run.ranks = proved_ranks;
      request.run.count = count;
      const CheckPlan plan = make_check_plan(request);
      for (const int ranks : plan.ranks) {
        const CheckResult result = check(plan.subject, {.ranks = ranks});
        EXPECT_TRUE(verdict(result).starts_with("clean (exact; 2 calls, "))
            << describe(plan.subject.command, result);
      }
    }
  }
}

// The cells of the table rows of docs/algorithms.md, by collective and algorithm.
std::map<std::string, std::vector<std::string>> documented_rows() {
  std::ifstream file(PEAL_SOURCE_DIR "/docs/algorithms.md");
  std::map<std::string, std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| ")) continue;
    std::vector<std::string> cells;
    std::istringstream stream(line.substr(2));
    for (std::string cell; std::getline(stream, cell, '|');) {
      std::erase_if(cell, [](char c) { return c == ' ' || c == '`'; });
      cells.push_back(cell);
    }
    if (cells.size() == 11 && cells[0] != "collective") rows[cells[0] + " " + cells[1]] = cells;
  }
  return rows;
}

TEST(Algorithms, AreDocumentedWithTheSameFormulas) {
  const auto rows = documented_rows();
  const std::string proved = fmt::format("P={};n={}", proved_ranks, fmt::join(proved_counts, ","));
  EXPECT_EQ(rows.size(), algorithms().size());
  for (const Algorithm& algorithm : algorithms()) {
    const std::string key = fmt::format("{} {}", name(algorithm.collective), algorithm.name);
    const auto row = rows.find(key);
    ASSERT_NE(row, rows.end()) << key << " has no row in docs/algorithms.md";
    const Formulas& f = algorithm.formulas;
    const std::vector<std::string> expected = {name(algorithm.collective),
                                               algorithm.name,
                                               f.steps,
                                               f.puts,
                                               f.gets,
                                               f.sent,
                                               f.notifies,
                                               f.copied,
                                               f.scratch,
                                               f.signals,
                                               proved};
    EXPECT_EQ(row->second, expected);
  }
}

Picoseconds time_of(Executor& executor, const char* algorithm, int ranks, std::size_t count) {
  return measure(executor, find_algorithm(Collective::all_reduce, algorithm), ranks, count)
      .report.time_ps;
}

TEST(Algorithms, OnePhaseIsForSmallVectorsAndRingForLarge) {
  const auto executor = open_executor("a2a3sim");
  EXPECT_LT(time_of(*executor, "one_phase", 4, 256), time_of(*executor, "ring", 4, 256));
  const std::size_t large = std::size_t{4} << 20;
  EXPECT_GT(time_of(*executor, "one_phase", 8, large), time_of(*executor, "ring", 8, large));
}

// The times of the algorithms of a collective that may be used, by name.
std::map<std::string, Picoseconds> times_of_all(Executor& executor, Collective collective,
                                                int ranks, std::size_t count) {
  std::map<std::string, Picoseconds> result;
  for (const Algorithm& algorithm : algorithms()) {
    const std::size_t bytes = count * size_bytes(DType::f32);
    if (algorithm.collective != collective || !algorithm.needs.are_met(in_windows, bytes)) continue;
    result[algorithm.name] = measure(executor, algorithm, ranks, count).report.time_ps;
  }
  return result;
}

Picoseconds best_of(const std::map<std::string, Picoseconds>& times) {
  return std::min_element(times.begin(), times.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->second;
}

// Of what they rank best, and what is simulated beside it, `auto` takes the fastest.
TEST(Algorithms, ClosedFormsAreNeverFarFromTheBest) {
  for (const char* platform : {"a2a3sim", "a5sim", "hostsim"}) {
    const auto executor = open_executor(platform);
    for (Collective collective : all_collectives) {
      for (int ranks : tests::all_or_slice({2, 4, 8, 16}, {2, 8})) {
        for (std::size_t count :
             tests::all_or_slice({16u, 256u, 4096u, 65536u, 1048576u}, {16u, 4096u})) {
          const auto measured = times_of_all(*executor, collective, ranks, count);
          const Algorithm& chosen = choose_algorithm(collective, ranks, count, DType::f32,
                                                     in_windows, executor->platform());
          EXPECT_LE(measured.at(chosen.name), 2 * best_of(measured))
              << platform << " " << name(collective) << " " << chosen.name << " P=" << ranks
              << " n=" << count;
        }
      }
    }
  }
}

std::string chosen(Executor& executor, Collective collective, int ranks, std::size_t count) {
  std::string name;
  executor.run(ranks,
               [&](Team& team) {
                 Chooser chooser;
                 const Choice choice =
                     chooser.choose(team, collective, count, DType::f32, in_windows);
                 if (team.rank() == 0) name = choice.algorithm->name;
               },
               {});
  return name;
}

void expect_fastest(const std::vector<int>& team_sizes, const std::vector<std::size_t>& counts) {
  for (const char* platform : {"a2a3sim", "a5sim"}) {
    const auto executor = open_executor(platform);
    for (Collective collective : all_collectives) {
      for (int ranks : team_sizes) {
        for (std::size_t count : counts) {
          const auto measured = times_of_all(*executor, collective, ranks, count);
          const std::string name = chosen(*executor, collective, ranks, count);
          const Picoseconds best = best_of(measured), taken = measured.at(name);
          EXPECT_LE(static_cast<double>(taken), 1.02 * static_cast<double>(best))
              << platform << " " << peal::name(collective) << " " << name << " P=" << ranks
              << " n=" << count;
          EXPECT_GE(taken, best);
        }
      }
    }
  }
}

TEST(Algorithms, AutoTakesTheFastest) { expect_fastest({2, 5, 8, 16}, {2, 256, 16384, 100000}); }

TEST(LongAlgorithms, AutoTakesTheFastestOfAllSizes) {
  std::vector<std::size_t> counts;
  for (std::size_t count = 2; count <= (std::size_t{16} << 20) / 4; count *= 4) {
    counts.push_back(count);
    counts.push_back(3 * count);
  }
  counts.pop_back();
  expect_fastest({2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, counts);
}

}  // namespace
}  // namespace peal
