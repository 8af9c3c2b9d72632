// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/worker.h"

#include <benchmark/benchmark.h>

#include <cstddef>

namespace peal {
namespace {

constexpr int devices = 8;

// Submits task number `task`.
using SubmitTask = void (*)(Orchestrator& orch, CallableHandle empty, const Buffer& buffer,
                            std::size_t task);

// The overhead of a run of many empty tasks: submission, dispatch and report.
void run_tasks(benchmark::State& state, SubmitTask submit, const char* platform = "a2a3sim") {
  Worker worker = open_worker({.platform = platform, .devices = {0, 1, 2, 3, 4, 5, 6, 7}});
  const CallableHandle empty =
      worker.add(device_function("empty", [](Device&, const TaskArguments&) {}));
  worker.start();
  const auto tasks = static_cast<std::size_t>(state.range(0));
  const Buffer buffer = worker.allocate({.count = tasks});
  for (auto _ : state) {
    worker.run([&](Orchestrator& orch) {
      for (std::size_t task = 0; task < tasks; ++task) submit(orch, empty, buffer, task);
    });
  }
  state.counters["tasks/s"] =
      benchmark::Counter(static_cast<double>(tasks), benchmark::Counter::kIsIterationInvariantRate);
}

void host_function(Orchestrator& orch, CallableHandle, const Buffer&, std::size_t) {
  orch.submit_sub([] {});
}
void on_all_devices(Orchestrator& orch, CallableHandle empty, const Buffer&, std::size_t task) {
  orch.submit(empty, {}, static_cast<int>(task % devices));
}
void over_one_buffer(Orchestrator& orch, CallableHandle empty, const Buffer& buffer, std::size_t) {
  orch.submit(empty, Args{}.inout(buffer), 0);
}
// Even tasks write the next element of the buffer; odd tasks read the whole buffer.
void appended(Orchestrator& orch, CallableHandle empty, const Buffer& buffer, std::size_t task) {
  if (task % 2 == 0) {
    orch.submit(empty, Args{}.out(buffer.part(task / 2, 1)), 0);
  } else {
    orch.submit(empty, Args{}.in(buffer), 0);
  }
}

BENCHMARK_CAPTURE(run_tasks, host_function, host_function)->Arg(10'000)->Arg(100'000);
BENCHMARK_CAPTURE(run_tasks, on_all_devices, on_all_devices)->Arg(10'000)->Arg(100'000);
BENCHMARK_CAPTURE(run_tasks, over_one_buffer, over_one_buffer)->Arg(10'000)->Arg(100'000);
BENCHMARK_CAPTURE(run_tasks, appended, appended)->Arg(10'000)->Arg(100'000);
BENCHMARK_CAPTURE(run_tasks, on_real_devices, on_all_devices, "shm")->Arg(10'000);

}  // namespace
}  // namespace peal

BENCHMARK_MAIN();
