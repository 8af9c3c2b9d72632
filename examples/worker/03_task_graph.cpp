// SPDX-License-Identifier: Apache-2.0
// Three tasks: one on each of two devices, and a function of the host that collects what they made.
// Nobody says what waits for what; it follows from who reads and who writes which bytes.
#include <fmt/core.h>

#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "examples/worker/verify.h"
#include "peal/launch/worker.h"

namespace {

// Runs on a device: the second argument becomes the squares of the first. What is read and
// written, and the cycles that it takes, are declared; the loop is plain code.
void square(peal::Device& self, const peal::TaskArguments& args) {
  const peal::View from = args.view(0), to = args.view(1);
  const auto cycles = static_cast<std::int64_t>(from.count / 64 + 16);
  self.compute({.reads = {from}, .writes = {to}, .cycles = cycles}, [&] {
    const std::span<const float> x = args.elements<const float>(0);
    const std::span<float> y = args.elements<float>(1);
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i];
  });
}

bool task_graph(const std::string& platform) {
  constexpr std::size_t count = 100;
  peal::Worker worker = peal::open_worker({.platform = platform, .devices = {0, 1}});
  const peal::CallableHandle squares = worker.add(peal::device_function("square", square));
  worker.start();

  std::vector<float> low(count), high(4 * count), sums(2);
  std::iota(low.begin(), low.end(), 0.0f);
  std::iota(high.begin(), high.end(), 100.0f);
  // Memory of a device, which outlives runs.
  const peal::Buffer low_squares =
      worker.allocate({.name = "low squares", .device = 0, .count = low.size()});
  const peal::Buffer high_squares =
      worker.allocate({.name = "high squares", .device = 1, .count = high.size()});

  const peal::GraphReport report = worker.run([&](peal::Orchestrator& orchestrator) {
    orchestrator.submit(squares, peal::Args().in(low).out(low_squares), 0);
    orchestrator.submit(squares, peal::Args().in(high).out(high_squares).named("square more"), 1);
    // It reads what both wrote, so it comes after both; on the host it finds buffers in place.
    const auto collect = [](const peal::TaskArguments& args) {
      for (std::size_t i = 0; i < 2; ++i) {
        const std::span<const float> squared = args.elements<const float>(i);
        args.elements<float>(2)[i] = std::accumulate(squared.begin(), squared.end(), 0.0f);
      }
    };
    orchestrator.submit_sub(
        collect, peal::Args().in(low_squares).in(high_squares).out(sums).named("collect"));
  });

  fmt::print("{}", describe(report));
  // The sum of i*i for i < n is (n-1) n (2n-1) / 6, here for n = 100 and 500.
  return example::agree("sums", sums, {328350.0f, 41541750.0f - 328350.0f});
}

}  // namespace

int main(int argc, char** argv) { return example::run("03_task_graph", argc, argv, task_graph); }
