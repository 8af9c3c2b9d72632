// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "peal/cases/contribution_events.h"
#include "peal/checks/checker.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/launch.h"

namespace peal {
namespace {

// An all-reduce in this process, with values: without checks, or with all of them.
void run_all_reduce(benchmark::State& state, const char* algorithm, bool checked) {
  const int ranks = static_cast<int>(state.range(0));
  const auto count = static_cast<std::size_t>(state.range(1));
  const auto executor = open_executor("a2a3sim");
  for (auto _ : state) {
    Checker checker(executor->platform().switches);
    RunOptions options;
    if (checked) options.readers = {&checker};
    executor->run(
        ranks,
        [&](Team& team) {
          const View send = team.allocate(count, DType::f32);
          const View recv = team.allocate(count, DType::f32);
          const ContributionCall call{.collective = Collective::all_reduce,
                                      .ranks = ranks,
                                      .rank = team.rank(),
                                      .count = count};
          static_cast<void>(team.device().write(send));
          report_contribution(options.readers, call, send);
          run_collective(team, {.collective = Collective::all_reduce,
                                .send = send,
                                .recv = recv,
                                .algorithm = algorithm});
          static_cast<void>(team.device().read(recv));
          report_expectation(options.readers, call, recv);
        },
        options);
    if (!checked) continue;
    checker.finish(Checker::RunEnd::right);
    if (!checker.findings().is_clean()) state.SkipWithError("the run is not clean");
  }
}

BENCHMARK_CAPTURE(run_all_reduce, ring_bare, "ring", false)->Args({16, 16384})->Args({16, 256});
BENCHMARK_CAPTURE(run_all_reduce, ring_checked, "ring", true)->Args({16, 16384})->Args({16, 256});
BENCHMARK_CAPTURE(run_all_reduce, one_phase_bare, "one_phase", false)
    ->Args({64, 16384})
    ->Args({64, 256});
BENCHMARK_CAPTURE(run_all_reduce, one_phase_checked, "one_phase", true)
    ->Args({64, 16384})
    ->Args({64, 256});

}  // namespace
}  // namespace peal

BENCHMARK_MAIN();
