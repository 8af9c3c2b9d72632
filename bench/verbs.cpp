// SPDX-License-Identifier: Apache-2.0
// Compares the bulk verbs of a real rank with plain loops over the same memory.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>

#include "peal/executors/shm/executor.h"
#include "peal/launch/platforms.h"

namespace peal {
namespace {

// The buffers of one rank, in its windows.
struct Buffers {
  std::span<float> a, b, sum;
};

// Runs the loop on a rank that is a thread of this process, so that the benchmark can time it.
void as_rank(benchmark::State& state, const std::function<void(Device&, const Buffers&)>& loop) {
  const auto count = static_cast<std::size_t>(state.range(0));
  ShmExecutor(load_platform("host"), ShmExecutor::Ranks::threads)
      .run(1,
           [&](Team& team) {
             const Buffers buffers{team.allocate<float>(count), team.allocate<float>(count),
                                   team.allocate<float>(count)};
             std::fill(buffers.a.begin(), buffers.a.end(), 1.0f);
             loop(team.device(), buffers);
           },
           {});
}

void copy_verb(benchmark::State& state) {
  as_rank(state, [&](Device& self, const Buffers& buffers) {
    const View dst = View::of(buffers.b), src = View::of(buffers.a);
    for (auto _ : state) {
      self.copy(dst, src);
      benchmark::ClobberMemory();
    }
  });
}

void copy_loop(benchmark::State& state) {
  as_rank(state, [&](Device&, const Buffers& buffers) {
    for (auto _ : state) {
      std::memcpy(buffers.b.data(), buffers.a.data(), buffers.a.size_bytes());
      benchmark::ClobberMemory();
    }
  });
}

void reduce_verb(benchmark::State& state) {
  as_rank(state, [&](Device& self, const Buffers& buffers) {
    const Rank me{self.rank()};
    for (auto _ : state) {
      self.reduce(View::of(buffers.sum), {{me, View::of(buffers.a)}, {me, View::of(buffers.b)}},
                  ReduceOp::sum);
      benchmark::ClobberMemory();
    }
  });
}

void reduce_loop(benchmark::State& state) {
  as_rank(state, [&](Device&, const Buffers& buffers) {
    const float* const a = buffers.a.data();
    const float* const b = buffers.b.data();
    float* __restrict const sum = buffers.sum.data();
    for (auto _ : state) {
      for (std::size_t i = 0; i < buffers.a.size(); ++i) sum[i] = a[i] + b[i];
      benchmark::ClobberMemory();
    }
  });
}

BENCHMARK(copy_verb)->Arg(1)->Arg(64)->Arg(1024)->Arg(16384)->UseRealTime();
BENCHMARK(copy_loop)->Arg(1)->Arg(64)->Arg(1024)->Arg(16384)->UseRealTime();
BENCHMARK(reduce_verb)->Arg(1)->Arg(64)->Arg(1024)->Arg(16384)->UseRealTime();
BENCHMARK(reduce_loop)->Arg(1)->Arg(64)->Arg(1024)->Arg(16384)->UseRealTime();

}  // namespace
}  // namespace peal

BENCHMARK_MAIN();
