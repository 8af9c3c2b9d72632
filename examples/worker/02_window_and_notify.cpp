// SPDX-License-Identifier: Apache-2.0
// A kernel of one's own: the ranks stand in a ring, each has a strip of cells, and each tells its
// neighbours the cells at its two edges. Data travel through the window, where peers can write.
#include <fmt/core.h>

#include <map>
#include <string>
#include <vector>

#include "examples/worker/verify.h"
#include "peal/launch/launch.h"
#include "peal/launch/worker.h"

namespace {

constexpr int cells = 100, width = 10;  // of a strip, and of an edge

// Every rank runs this. The landing zone has a half for each neighbour, and so has the row of
// signals, so that no two ranks write to the same place.
void exchange(peal::Device& self, const peal::KernelArguments& args) {
  const peal::View strip = args.buffer("strip"), landing = args.buffer("landing");
  const peal::View from_left = landing.part(0, width), from_right = landing.part(width, width);
  const peal::SignalRow arrived = args.signals("arrived");
  const peal::Rank left{(self.rank() + self.ranks() - 1) % self.ranks()};
  const peal::Rank right{(self.rank() + 1) % self.ranks()};

  // A view of the own window names the same place in the window of the peer.
  self.put(left, from_right, strip.part(0, width));
  self.put(right, from_left, strip.part(cells - width, width));
  self.notify(left, arrived[1]);  // whoever waits for it sees what was put before
  self.notify(right, arrived[0]);
  self.wait(arrived[0]);
  self.wait(arrived[1]);
  self.copy(args.buffer("edges"), landing);
}

// What the kernel takes. Counts are expressions, in which P would be the number of ranks.
peal::Kernel described() {
  using Kind = peal::KernelBuffer::Kind;
  return {.name = "exchange",
          .run = exchange,
          .buffers = {{.name = "strip", .kind = Kind::input, .count = "100"},
                      {.name = "edges", .kind = Kind::output, .count = "20"},
                      {.name = "landing", .kind = Kind::window, .count = "20"}},
          .signals = {{.name = "arrived", .count = "2"}}};
}

bool window_and_notify(const std::string& platform) {
  const std::vector<int> devices = {0, 1, 2};
  // The simulator sees every access, and can say whether two of them race.
  peal::Worker worker = peal::open_worker(
      {.platform = platform, .devices = devices, .checks = peal::is_simulated(platform)});
  const peal::CallableHandle kernel = worker.add(described());
  worker.start();

  std::map<int, std::vector<float>> strip, edges, expected;  // by rank
  for (int rank = 0; rank < 3; ++rank) {
    edges[rank].resize(2 * width);
    for (int i = 0; i < cells; ++i) strip[rank].push_back(static_cast<float>(1000 * rank + i));
  }
  const peal::GraphReport report = worker.run([&](peal::Orchestrator& orchestrator) {
    const peal::Domain ring =
        orchestrator.allocate_domain({.name = "ring",
                                      .devices = devices,
                                      .window_bytes = 2 * width * sizeof(float),
                                      .buffers = {{.name = "landing", .count = 2 * width}}});
    orchestrator.submit_group(kernel, devices, [&](int rank) {
      return peal::Args()
          .in(strip[rank])
          .out(edges[rank])
          .inout(ring[rank].buffer("landing"))
          .context(ring[rank]);
    });
  });

  for (const std::string& finding : report.findings) fmt::print("{}\n", finding);
  fmt::print("findings of the checks: {}\n", report.findings.size());
  for (int rank = 0; rank < 3; ++rank) {
    const std::vector<float>&left = strip[(rank + 2) % 3], &right = strip[(rank + 1) % 3];
    expected[rank].assign(left.end() - width, left.end());
    expected[rank].insert(expected[rank].end(), right.begin(), right.begin() + width);
  }
  return example::agree("edges", edges, expected) && report.findings.empty();
}

}  // namespace

int main(int argc, char** argv) {
  return example::run("02_window_and_notify", argc, argv, window_and_notify);
}
