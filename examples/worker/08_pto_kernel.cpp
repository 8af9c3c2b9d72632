// SPDX-License-Identifier: Apache-2.0
// A kernel written for the PTO tile ISA as a task of the worker: the ring all-reduce of
// examples/pto, beside the library's, on the same vectors.
#include <fmt/core.h>

#include <map>
#include <string>
#include <vector>

#include "examples/worker/verify.h"
#include "peal/launch/pto_callable.h"
#include "peal/launch/worker.h"

namespace {

bool pto_kernel(const std::string& platform) {
  constexpr std::size_t ranks = 4, count = 1000;
  const std::vector<int> devices = {0, 1, 2, 3};
  peal::Worker worker = peal::open_worker({.platform = platform, .devices = devices});
  // The folder has a case.toml, which says what the kernel takes. It is compiled here, once; the
  // next program that asks for it finds it in the cache.
  const auto tiles = worker.add(peal::pto_kernel(PEAL_EXAMPLES_DIR "/pto/all_reduce_ring"));
  const auto verbs = worker.add(peal::collective("all_reduce", {.algorithm = "ring"}));
  worker.start();

  // The kernel's window: two halves of P chunks of whole cache lines, and a line for each step.
  constexpr std::size_t chunk = ((count + ranks - 1) / ranks + 15) / 16 * 16;
  constexpr std::size_t scratch = 2 * ranks * chunk + 2 * (ranks - 1) * 16;

  std::map<int, std::vector<float>> mine, by_tiles, by_verbs, expected;  // by rank
  for (int rank : devices) {
    by_tiles[rank].resize(count);
    by_verbs[rank].resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      mine[rank].push_back(static_cast<float>(i) + static_cast<float>(100 * rank));
      expected[rank].push_back(4 * static_cast<float>(i) + 100 * (0 + 1 + 2 + 3));
    }
  }
  const peal::GraphReport report = worker.run([&](peal::Orchestrator& orchestrator) {
    const peal::Domain team =
        orchestrator.allocate_domain({.name = "team",
                                      .devices = devices,
                                      .window_bytes = scratch * sizeof(float),
                                      .buffers = {{.name = "scratch", .count = scratch}}});
    orchestrator.submit_group(tiles, devices, [&](int rank) {
      return peal::Args()
          .in(mine[rank])
          .out(by_tiles[rank])
          .inout(team[rank].buffer("scratch"))
          .scalar(count)
          .scalar(0)  // the number of the call: no other was made on this window
          .context(team[rank])
          .named("ring in tiles");
    });
    orchestrator.submit_group(verbs, devices, [&](int rank) {
      return peal::Args()
          .in(mine[rank])
          .out(by_verbs[rank])
          .context(team[rank])
          .named("ring in verbs");
    });
  });

  fmt::print("{}", describe(report));
  const bool tiles_agree = example::agree("sum in tiles", by_tiles, expected);
  return example::agree("sum in verbs", by_verbs, expected) && tiles_agree;
}

}  // namespace

int main(int argc, char** argv) { return example::run("08_pto_kernel", argc, argv, pto_kernel); }
