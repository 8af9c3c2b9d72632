// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/algorithm_tuning.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "peal/collectives/collectives.h"
#include "peal/collectives/tuning/defaults.h"
#include "peal/collectives/tuning/latency_probe.h"
#include "peal/launch/timed_call.h"

namespace peal {
namespace {

constexpr int repetitions = 5;  // of all sizes
// Block sizes in bytes. The largest are omitted if all ranks' blocks would take too much memory.
constexpr std::size_t block_sizes[] = {48,    256,   1024,   2048,    4096,    8192,
                                       16384, 65536, 262144, 1048576, 4194304, 16777216};
constexpr std::size_t max_total_bytes = std::size_t{1} << 28;
// A size gets another algorithm than the size before only if that takes less than this fraction of
// the time.
constexpr double clear_margin = 0.97;

// The measurements of one run: times in us by size, algorithm and repetition, and the conditions.
struct Measured {
  ChoiceConditions conditions;
  std::vector<std::vector<double>> times_us;  // by size and algorithm; negative: not measured
};

int calls_for(std::size_t block_bytes) {
  return static_cast<int>(std::clamp<std::size_t>((std::size_t{1} << 20) / block_bytes, 2, 100));
}

// The mean time of `calls` calls that send `input`. Before each, every rank writes its input anew
// and enters a barrier.
double time_us(Team& team, const SignalRow& rounds, const View& input, CollectiveCall call,
               int calls) {
  call.send = input;
  double total = 0;
  for (int i = 0; i < calls + 1; ++i) {
    std::fill_n(input.data, input.size_bytes(), static_cast<std::byte>(i));
    const std::int64_t took =
        timed_call_ns(team.device(), rounds, [&] { run_collective(team, call); });
    if (i > 0) total += static_cast<double>(took) / 1000;  // the first call may allocate
  }
  return total / calls;
}

void measure_rank(Team& team, const TuningCase& of, std::span<double> times) {
  const std::vector<const Algorithm*> candidates = of.candidates();
  const SignalRow rounds = team.device().allocate_signals("tune barrier", barrier_rounds(of.ranks));
  const CollectiveShape blocks = shape(of.collective, of.ranks);
  const std::vector<std::size_t> sizes = of.sizes();
  const auto length = [](int count, std::size_t bytes) {
    return static_cast<std::size_t>(count) * bytes;
  };
  std::vector<std::byte> own_send, own_recv;
  View send, recv;
  if (of.in_windows) {
    send = team.allocate(length(blocks.send_blocks, sizes.back()), DType::u8);
    recv = team.allocate(length(blocks.recv_blocks, sizes.back()), DType::u8);
  } else {
    own_send.resize(length(blocks.send_blocks, sizes.back()));
    own_recv.resize(length(blocks.recv_blocks, sizes.back()));
    send = {own_send.data(), own_send.size(), DType::u8};
    recv = {own_recv.data(), own_recv.size(), DType::u8};
  }
  std::size_t next = 0;
  for (std::size_t size : sizes) {
    const auto view = [&](const View& all, int count) {
      return View{all.data, length(count, size) / 4, DType::f32};
    };
    for (int round = 0; round < repetitions; ++round) {
      for (const Algorithm* algorithm : candidates) {
        double& time = times[next++];
        time = -1;
        if (!is_candidate(*algorithm, of.placement(), size)) continue;
        time = time_us(team, rounds, view(send, blocks.send_blocks),
                       {.collective = of.collective,
                        .recv = view(recv, blocks.recv_blocks),
                        .algorithm = algorithm->name},
                       calls_for(size));
      }
    }
  }
}

Measured measure(Executor& executor, const TuningCase& of) {
  const std::size_t candidates = of.candidates().size(), sizes = of.sizes().size();
  const std::size_t each = candidates * sizes * repetitions;
  const auto ranks = static_cast<std::size_t>(of.ranks);
  const std::span<std::byte> shared =
      executor.share(sizeof(ProbedHost) + each * ranks * sizeof(double));
  auto& host = *reinterpret_cast<ProbedHost*>(shared.data());
  auto* const times = reinterpret_cast<double*>(shared.data() + sizeof(ProbedHost));
  executor.run(
      of.ranks,
      [&](Team& team) {
        const ProbedHost probed = HostProbe().measure(team);
        if (team.rank() == 0) host = probed;
        measure_rank(team, of, {times + static_cast<std::size_t>(team.rank()) * each, each});
      },
      {});
  Measured result{.conditions = {.collective = of.collective,
                                 .ranks = of.ranks,
                                 .in_windows = of.in_windows,
                                 .is_oversubscribed = host.is_oversubscribed,
                                 .lacks_shared_cache = host.line_ns >= shared_cache_limit_ns},
                  .times_us = {}};
  for (std::size_t size = 0; size < sizes; ++size) {
    std::vector<double>& of_size = result.times_us.emplace_back();
    for (std::size_t algorithm = 0; algorithm < candidates; ++algorithm) {
      std::vector<double> means;
      for (std::size_t round = 0; round < repetitions; ++round) {
        double sum = 0;
        for (std::size_t rank = 0; rank < ranks; ++rank) {
          sum += times[rank * each + (size * repetitions + round) * candidates + algorithm];
        }
        means.push_back(sum / static_cast<double>(ranks));
      }
      std::sort(means.begin(), means.end());
      of_size.push_back(means[repetitions / 2]);
    }
  }
  return result;
}

MeasuredChoice best_of(const TuningCase& of, const Measured& measured) {
  const std::vector<const Algorithm*> candidates = of.candidates();
  const std::vector<std::size_t> sizes = of.sizes();
  MeasuredChoice choice{.conditions = measured.conditions, .max_bytes = {}, .algorithms = {}};
  std::size_t current = candidates.size();
  for (std::size_t size = 0; size < sizes.size(); ++size) {
    const std::vector<double>& times = measured.times_us[size];
    std::size_t best = candidates.size();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (times[i] >= 0 && (best == candidates.size() || times[i] < times[best])) best = i;
    }
    const bool current_holds = current < candidates.size() && times[current] >= 0 &&
                               times[best] > clear_margin * times[current];
    if (!current_holds) current = best;
    if (choice.algorithms.empty() || choice.algorithms.back() != candidates[current]->name) {
      choice.algorithms.emplace_back(candidates[current]->name);
      choice.max_bytes.push_back(sizes[size]);
    }
    choice.max_bytes.back() = sizes[size];
  }
  return choice;
}

}  // namespace

std::vector<std::size_t> TuningCase::sizes() const {
  const CollectiveShape blocks = shape(collective, ranks);
  const auto total = static_cast<std::size_t>((blocks.send_blocks + blocks.recv_blocks) * ranks);
  std::vector<std::size_t> result;
  for (std::size_t size : block_sizes) {
    if (size * total <= max_total_bytes) result.push_back(size);
  }
  return result;
}

std::vector<const Algorithm*> TuningCase::candidates() const {
  std::vector<const Algorithm*> result;
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == collective && is_candidate(algorithm, placement(), 1)) {
      result.push_back(&algorithm);
    }
  }
  return result;
}

MeasuredChoice measure_choice(Executor& executor, const TuningCase& of) {
  return best_of(of, measure(executor, of));
}

}  // namespace peal
