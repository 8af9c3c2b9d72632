// SPDX-License-Identifier: Apache-2.0
// An all-reduce over four devices: each contributes a vector, and each gets the sum of all.
#include <fmt/core.h>

#include <map>
#include <string>
#include <vector>

#include "examples/worker/verify.h"
#include "peal/launch/worker.h"

namespace {

bool first_collective(const std::string& platform) {
  constexpr int count = 1000;
  const std::vector<int> devices = {0, 1, 2, 3};

  // A worker drives devices. What they are to run is made known to it, under a handle.
  peal::Worker worker = peal::open_worker({.platform = platform, .devices = devices});
  const peal::CallableHandle all_reduce = worker.add(peal::collective("all_reduce"));
  worker.start();

  std::map<int, std::vector<float>> mine, sum, expected;  // by rank
  for (int rank = 0; rank < 4; ++rank) {
    mine[rank].assign(count, static_cast<float>(rank + 1));
    sum[rank].resize(count);
    expected[rank].assign(count, 1 + 2 + 3 + 4);
  }

  // A run is a graph of tasks. This one has a single task, a group: one member on each device,
  // which start together. A domain says who talks to whom, and who has which rank.
  const peal::GraphReport report = worker.run([&](peal::Orchestrator& orchestrator) {
    const peal::Domain team =
        orchestrator.allocate_domain({.name = "team", .devices = devices, .window_bytes = 64});
    orchestrator.submit_group(all_reduce, devices, [&](int rank) {
      return peal::Args().in(mine[rank]).out(sum[rank]).context(team[rank]);
    });
  });

  // The vectors are the host's. They were copied to the devices before the task, and back after it.
  fmt::print("time: {:.3f} us\n", static_cast<double>(report.time_ps) / 1e6);
  return example::agree("sum", sum, expected);
}

}  // namespace

int main(int argc, char** argv) {
  return example::run("01_first_collective", argc, argv, first_collective);
}
