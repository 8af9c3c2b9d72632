// SPDX-License-Identifier: Apache-2.0
// A weight that is loaded once and used by many runs, two of which are in flight at a time. What
// they add up stays on the device, too, until it is wanted.
#include <fmt/core.h>

#include <span>
#include <string>
#include <vector>

#include "examples/worker/verify.h"
#include "peal/launch/worker.h"

namespace {

constexpr std::size_t inputs = 24, outputs = 10;

// On the device: total += weight x.
void apply(peal::Device& self, const peal::TaskArguments& args) {
  const peal::View weight = args.view(0), x = args.view(1), total = args.view(2);
  self.compute({.reads = {weight, x, total}, .writes = {total}, .cycles = 64}, [&] {
    const std::span<const float> w = args.elements<const float>(0);
    for (std::size_t i = 0; i < inputs * outputs; ++i) {
      args.elements<float>(2)[i / inputs] += w[i] * args.elements<const float>(1)[i % inputs];
    }
  });
}

bool resident_weight(const std::string& platform) {
  peal::Worker worker = peal::open_worker({.platform = platform, .devices = {0}});
  const peal::CallableHandle layer = worker.add(peal::device_function("layer", apply));
  worker.start();

  std::vector<float> values(outputs * inputs), expected(outputs), result(outputs);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 7);
  const peal::Buffer weight = worker.allocate({.name = "weight", .count = values.size()});
  const peal::Buffer total = worker.allocate({.name = "total", .count = outputs});  // zeros
  worker.copy_to(weight, values);

  // Makes a run and returns at once; the x must live until the run has ended.
  const auto submit = [&](const std::vector<float>& x) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      expected[i / inputs] += values[i] * x[i % inputs];
    }
    return worker.submit([&](peal::Orchestrator& orchestrator) {
      orchestrator.submit(layer, peal::Args().in(weight).in(x).inout(total), 0);
    });
  };

  const std::vector<float> ones(inputs, 1), twos(inputs, 2), threes(inputs, 3);
  for (int step = 0; step < 3; ++step) {
    const peal::GraphReport report = submit(ones).result();  // as Worker::run does
    fmt::print("run {}: {:.3f} us\n", report.run, static_cast<double>(report.time_ps) / 1e6);
  }
  // Runs take effect in the order of their submission, so the second adds to what the first left.
  const peal::RunHandle first = submit(twos), second = submit(threes);
  fmt::print("submitted: the first {}\n", first.has_ended() ? "has ended" : "is in flight");
  second.wait();
  fmt::print("after waiting for the second: the first {}\n",
             first.has_ended() ? "has ended" : "is in flight");

  worker.copy_from(result, total);
  return example::agree("total", result, expected);
}

}  // namespace

int main(int argc, char** argv) {
  return example::run("07_resident_weight", argc, argv, resident_weight);
}
