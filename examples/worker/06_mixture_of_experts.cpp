// SPDX-License-Identifier: Apache-2.0
// A mixture of experts, one on each device, two for each token: dispatch, all-to-all, the experts,
// all-to-all back, and a weighted sum. Only buffers and vectors link the five steps.
#include <fmt/core.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "examples/worker/verify.h"
#include "peal/launch/worker.h"

namespace {

constexpr std::uint32_t ranks = 4, tokens = 6, columns = 32, block = tokens * columns;
constexpr float gate[] = {0.75f, 0.25f};  // the weights of a token's two experts

float answer(std::size_t expert, float x) { return static_cast<float>(expert + 1) * x * x; }

// Row t goes to row t of the outbox's blocks for its experts. Arguments: rows, routes, outbox.
void dispatch(peal::Device& self, const peal::TaskArguments& args) {
  std::uint32_t routes[2 * tokens];
  std::memcpy(routes, self.read(args.view(1)).data(), sizeof(routes));
  for (std::size_t i = 0; i < 2 * tokens; ++i) {
    const std::size_t row = i / 2 * columns;
    self.copy(args.view(2).part(routes[i] * block + row, columns), args.view(0).part(row, columns));
  }
}

// The expert answers all rows that it has got, in place. Arguments: inbox, expert.
void answer_all(peal::Device& self, const peal::TaskArguments& args) {
  self.compute({.reads = {args.view(0)}, .writes = {args.view(0)}, .cycles = 200}, [&] {
    for (float& x : args.elements<float>(0)) x = answer(args.scalar<std::size_t>(1), x);
  });
}

// Adds up each token's answers. Arguments: outbox, routes, sums.
void combine(peal::Device& self, const peal::TaskArguments& args) {
  const peal::View outbox = args.view(0), routes = args.view(1), sums = args.view(2);
  self.compute({.reads = {outbox, routes}, .writes = {sums}, .cycles = 100}, [&] {
    const auto answers = args.elements<float>(0), to = args.elements<float>(2);
    for (std::size_t i = 0; i < block; ++i) {
      const std::uint32_t* from = &args.elements<std::uint32_t>(1)[i / columns * 2];
      to[i] = gate[0] * answers[from[0] * block + i] + gate[1] * answers[from[1] * block + i];
    }
  });
}

bool layer(const std::string& platform) {
  const std::vector<int> devices = {0, 1, 2, 3};
  peal::Worker worker = peal::open_worker({.platform = platform, .devices = devices});
  const auto send = worker.add(peal::device_function("dispatch", dispatch));
  const auto experts = worker.add(peal::device_function("expert", answer_all));
  const auto combines = worker.add(peal::device_function("combine", combine));
  const auto all_to_all = worker.add(peal::collective("all_to_all"));
  worker.start();

  // By device, whose number is also its rank and that of its expert.
  std::map<int, std::vector<float>> rows, sums, expected;
  std::map<int, std::vector<std::uint32_t>> routes;
  std::map<int, peal::Buffer> outbox, inbox;
  for (int d : devices) {
    outbox[d] = worker.allocate({.name = "outbox", .device = d, .count = ranks * block});
    inbox[d] = worker.allocate({.name = "inbox", .device = d, .count = ranks * block});
    sums[d].resize(block);
    for (std::uint32_t i = 0; i < block; ++i) {
      const std::uint32_t token = i / columns + static_cast<std::uint32_t>(d);
      const std::uint32_t first = token * token % ranks, second = (first + 1 + token % 3) % ranks;
      const float x = static_cast<float>(token + 10 * (i % columns));
      if (i % columns == 0) routes[d].insert(routes[d].end(), {first, second});
      rows[d].push_back(x);
      expected[d].push_back(gate[0] * answer(first, x) + gate[1] * answer(second, x));
    }
  }

  const peal::GraphReport report = worker.run([&](peal::Orchestrator& run) {
    using peal::Args;
    for (int d : devices) run.submit(send, Args().in(rows[d]).in(routes[d]).out(outbox[d]), d);
    const auto team = run.allocate_domain({.name = "t", .devices = devices, .window_bytes = 64});
    run.submit_group(all_to_all, devices, [&](int d) {
      return Args().in(outbox[d]).out(inbox[d]).context(team[d]).named("there");
    });
    for (int d : devices) run.submit(experts, Args().inout(inbox[d]).scalar(d), d);
    run.submit_group(all_to_all, devices, [&](int d) {
      return Args().in(inbox[d]).out(outbox[d]).context(team[d]).named("and back");
    });
    for (int d : devices) run.submit(combines, Args().in(outbox[d]).in(routes[d]).out(sums[d]), d);
  });

  fmt::print("{}", describe(report));
  return example::agree("tokens", sums, expected);
}

}  // namespace

int main(int argc, char** argv) { return example::run("06_mixture_of_experts", argc, argv, layer); }
