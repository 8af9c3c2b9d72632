// SPDX-License-Identifier: Apache-2.0
// Random graphs of tasks result in what their tasks result in one by one, in their order.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "peal/base/random.h"
#include "peal/launch/launch.h"
#include "tests/support/worker_run.h"

namespace peal {
namespace {

using Integers = std::vector<std::int64_t>;

constexpr std::size_t buffer_length = 64;  // of each buffer

enum class Use { in, out, inout };

// A range of a buffer, or of an array of the host.
struct Range {
  std::size_t array = 0, first = 0, count = 0;
  Use use{};
};

// What a task does, on memory of any kind: all that it takes in goes into a hash, and everything
// that it writes is made from that.
void mix(std::uint64_t seed, const std::vector<std::span<const std::int64_t>>& taken,
         const std::vector<std::span<std::int64_t>>& made) {
  std::uint64_t hash = Random::mix(seed);
  for (const auto& span : taken) {
    for (std::int64_t value : span) {
      hash = Random::mix(hash * 31 + static_cast<std::uint64_t>(value) + 1);
    }
  }
  for (const auto& span : made) {
    for (std::int64_t& value : span) {
      value = static_cast<std::int64_t>(hash = Random::mix(hash + 1));
    }
  }
}

struct Member {
  std::size_t device = 0;
  std::vector<Range> ranges;
  std::uint64_t seed = 0;
};

// On the host without members of a device; a group where there are several.
struct RandomTask {
  bool on_host = false;
  std::vector<Member> members;
  std::int64_t cycles = 0;
};

// Arrays 0..devices-1 are buffers of the devices, those behind are the host's.
struct RandomGraph {
  std::size_t devices = 8, host_arrays = 4;
  std::vector<RandomTask> tasks;
};

Range random_range(Random& random, std::size_t array) {
  const auto first = static_cast<std::size_t>(random.below(buffer_length));
  const std::size_t most = random.below(4) == 0
                               ? buffer_length - first
                               : std::min(buffer_length - first, buffer_length / 8);
  return {array, first, 1 + static_cast<std::size_t>(random.below(most)),
          static_cast<Use>(random.below(3))};
}

bool meet(const Range& a, const Range& b) {
  return a.array == b.array && a.first < b.first + b.count && b.first < a.first + a.count;
}

RandomGraph random_graph(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  RandomGraph graph;
  for (std::size_t number = 0; number < count; ++number) {
    RandomTask task;
    task.cycles = static_cast<std::int64_t>(random.below(2000));
    const std::uint64_t kind = random.below(8);
    task.on_host = kind == 0;
    const std::size_t members = kind == 1 ? 2 + random.below(graph.devices - 1) : 1;
    std::vector<std::size_t> devices;
    while (devices.size() < members) {
      const auto device = static_cast<std::size_t>(random.below(graph.devices));
      if (std::count(devices.begin(), devices.end(), device) == 0) devices.push_back(device);
    }
    std::vector<Range> all;
    for (std::size_t device : devices) {
      Member member{.device = device, .ranges = {}, .seed = random.next()};
      for (std::uint64_t i = 1 + random.below(3); i > 0; --i) {
        const std::uint64_t where = random.below(4);
        std::size_t array = device;
        if (where == 0 || (task.on_host && where == 1)) {
          array = graph.devices + static_cast<std::size_t>(random.below(graph.host_arrays));
        } else if (task.on_host) {
          array = static_cast<std::size_t>(random.below(graph.devices));
        }
        const Range range = random_range(random, array);
        // A task whose own ranges meet would depend on what comes first in it.
        if (std::none_of(all.begin(), all.end(), [&](const Range& r) { return meet(r, range); })) {
          all.push_back(range);
          member.ranges.push_back(range);
        }
      }
      task.members.push_back(std::move(member));
    }
    graph.tasks.push_back(std::move(task));
  }
  return graph;
}

std::vector<Integers> one_by_one(const RandomGraph& graph) {
  std::vector<Integers> arrays(graph.devices + graph.host_arrays, Integers(buffer_length));
  for (const RandomTask& task : graph.tasks) {
    for (const Member& member : task.members) {
      std::vector<std::span<const std::int64_t>> taken;
      std::vector<std::span<std::int64_t>> made;
      for (const Range& range : member.ranges) {
        const auto span = std::span(arrays[range.array]).subspan(range.first, range.count);
        if (range.use != Use::out) taken.emplace_back(span);
        if (range.use != Use::in) made.push_back(span);
      }
      mix(member.seed, taken, made);
    }
  }
  return arrays;
}

// The same from the arguments of a task: scalars say how each array is used, then come the seed and
// the cycles.
void mix_arguments(const TaskArguments& args) {
  const std::size_t count = (args.size() - 2) / 2;
  std::vector<std::span<const std::int64_t>> taken;
  std::vector<std::span<std::int64_t>> made;
  for (std::size_t i = 0; i < count; ++i) {
    const Use use = static_cast<Use>(args.scalar<int>(2 * i + 1));
    const auto span = args.elements<std::int64_t>(2 * i);
    if (use != Use::out) taken.emplace_back(span);
    if (use != Use::in) made.push_back(span);
  }
  mix(args.scalar<std::uint64_t>(2 * count), taken, made);
}

Callable mixer() {
  return device_function("mixer", [](Device& self, const TaskArguments& args) {
    for (std::size_t i = 0; 2 * i + 2 < args.size(); ++i) {
      const Use use = static_cast<Use>(args.scalar<int>(2 * i + 1));
      if (use != Use::out) static_cast<void>(self.read(args.view(2 * i)));
      if (use != Use::in) static_cast<void>(self.write(args.view(2 * i)));
    }
    self.compute({.reads = {}, .writes = {}, .cycles = args.scalar<std::int64_t>(args.size() - 1)},
                 [&] { mix_arguments(args); });
  });
}

struct Outcome {
  std::vector<Integers> arrays;
  GraphReport report;
};

Outcome run(const RandomGraph& graph, const WorkerOptions& options) {
  Worker worker = open_worker(options);
  const CallableHandle mixes = worker.add(mixer());
  worker.start();
  Outcome outcome;
  outcome.arrays.assign(graph.devices + graph.host_arrays, Integers(buffer_length));
  std::vector<Buffer> buffers;
  for (int device : worker.devices()) {
    buffers.push_back(
        worker.allocate({.device = device, .dtype = DType::i64, .count = buffer_length}));
  }
  outcome.report = worker.run([&](Orchestrator& orch) {
    for (const RandomTask& task : graph.tasks) {
      std::vector<int> devices;
      std::vector<Args> args;
      for (const Member& member : task.members) {
        devices.push_back(worker.devices()[member.device]);
        Args& own = args.emplace_back();
        for (const Range& range : member.ranges) {
          const Array array =
              range.array < graph.devices
                  ? Array(buffers[range.array].part(range.first, range.count))
                  : Array(std::span(outcome.arrays[range.array]).subspan(range.first, range.count));
          if (range.use == Use::in) own.in(array);
          if (range.use == Use::out) own.out(array);
          if (range.use == Use::inout) own.inout(array);
          own.scalar(static_cast<int>(range.use));
        }
        own.scalar(member.seed).scalar(task.cycles);
      }
      if (task.on_host) {
        orch.submit_sub(mix_arguments, args.front());
      } else if (args.size() == 1) {
        orch.submit(mixes, args.front(), devices.front());
      } else {
        orch.submit_group(mixes, devices, args);
      }
    }
  });
  for (std::size_t i = 0; i < graph.devices; ++i) worker.copy_from(outcome.arrays[i], buffers[i]);
  return outcome;
}

void expect_as_one_by_one(std::uint64_t seed, std::size_t count, WorkerOptions options) {
  options.devices = {5, 2, 9, 0, 14, 3, 7, 30};
  const RandomGraph graph = random_graph(seed, count);
  const Outcome outcome = run(graph, options);
  ASSERT_EQ(outcome.arrays, one_by_one(graph)) << "seed " << seed << ", " << options.schedule;
  const GraphReport& report = outcome.report;
  if (is_simulated(options.platform)) {
    EXPECT_LE(report.time_ps, report.serial_ps) << seed;
  }
  EXPECT_GE(report.time_ps, report.critical_path_ps) << seed;
  EXPECT_EQ(report.findings, std::vector<std::string>{}) << seed;
  Picoseconds sum = 0, end = 0;
  for (const std::size_t task : report.critical_path) {
    EXPECT_GE(report.tasks[task].begin_ps, end);
    end = report.tasks[task].end_ps;
    sum += end - report.tasks[task].begin_ps;
  }
  EXPECT_EQ(sum, report.critical_path_ps);
  for (const TaskRecord& task : report.tasks) EXPECT_GE(task.end_ps, task.begin_ps);
}

TEST(WorkerRandom, GraphsResultInWhatTheirTasksDoOneByOne) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    for (const char* schedule : {"virtual", "random:1", "random:9"}) {
      expect_as_one_by_one(seed, 300, {.schedule = schedule});
    }
  }
}

TEST(WorkerRandom, GraphsOnRealDevicesDoToo) {
  for (std::uint64_t seed = 40; seed < 46; ++seed) {
    expect_as_one_by_one(seed, 400, {.platform = "shm"});
  }
}

TEST(WorkerRandom, OrderedTasksAreNoFindings) {
  for (std::uint64_t seed = 20; seed < 23; ++seed) {
    for (const char* schedule : {"virtual", "random:4"}) {
      expect_as_one_by_one(seed, 150, {.checks = true, .schedule = schedule});
    }
  }
}

TEST(WorkerRandom, AGraphOfTenThousandTasks) {
  // By hand: PEAL_RANDOM_GRAPHS=200 for as many seeds.
  const char* const wanted = std::getenv("PEAL_RANDOM_GRAPHS");
  const int graphs = wanted == nullptr ? 1 : std::atoi(wanted);
  for (int i = 0; i < graphs; ++i) {
    expect_as_one_by_one(1000 + static_cast<std::uint64_t>(i), 10'000, {});
  }
}

}  // namespace
}  // namespace peal
