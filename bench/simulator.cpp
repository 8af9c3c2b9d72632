// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "peal/collectives/collectives.h"
#include "peal/executors/sim/fiber.h"
#include "peal/executors/sim/schedule/virtual_time.h"
#include "peal/launch/launch.h"

namespace peal {
namespace {

// A whole run in this process: start the ranks, call the collective once, end the ranks.
void run_all_reduce(benchmark::State& state, const char* algorithm, bool values) {
  const int ranks = static_cast<int>(state.range(0));
  const auto count = static_cast<std::size_t>(state.range(1));
  const auto executor = open_executor("a2a3sim");
  std::uint64_t instructions = 0;
  for (auto _ : state) {
    const RunReport report =
        executor->run(ranks,
                      [&](Team& team) {
                        const View send = team.allocate(count, DType::f32);
                        const View recv = team.allocate(count, DType::f32);
                        run_collective(team, {.collective = Collective::all_reduce,
                                              .send = send,
                                              .recv = recv,
                                              .algorithm = algorithm});
                      },
                      {.values = values});
    instructions += report.chip_instructions;
  }
  state.counters["instructions/s"] =
      benchmark::Counter(static_cast<double>(instructions), benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(run_all_reduce, ring, "ring", true)->Args({16, 256})->Args({16, 16384});
BENCHMARK_CAPTURE(run_all_reduce, one_phase, "one_phase", true)->Args({64, 16384});
BENCHMARK_CAPTURE(run_all_reduce, ring_no_values, "ring", false)->Args({1024, 262144});

void switch_fiber(benchmark::State& state) {
  StackPool stacks;
  bool stop = false;
  Fiber* self = nullptr;
  Fiber fiber(stacks, [&] {
    while (!stop) self->suspend();
  });
  self = &fiber;
  for (auto _ : state) fiber.resume();
  stop = true;
  fiber.resume();
}
BENCHMARK(switch_fiber);

// The cost of a simulator step: a few thousand units, each of which schedules its next step a
// little later.
void virtual_time(benchmark::State& state) {
  ScheduleVirtualTime agenda;
  Picoseconds time = 0;
  StepId step;
  for (int core = 0; core < 4096; ++core) agenda.add(core, StepId::scalar(core));
  for (auto _ : state) {
    agenda.take(time, step);
    agenda.add(time + 1000 + (step.index() * 7919) % 5000, step);
  }
}
BENCHMARK(virtual_time);

}  // namespace
}  // namespace peal

BENCHMARK_MAIN();
