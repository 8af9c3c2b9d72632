// SPDX-License-Identifier: Apache-2.0
// A layer whose weights are spread over three devices: y = x W, where each device has some columns
// of x and the rows of W that go with them. Each multiplies its own, and an all-reduce adds the
// products up. The two are linked by the buffer that one writes and the other reads.
#include <fmt/core.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "examples/worker/verify.h"
#include "peal/launch/worker.h"

namespace {

constexpr std::size_t tokens = 7, inner = 101, outer = 45;  // three devices share the inner ones

// y = x w, where x has as many columns as w has rows.
void multiply(std::span<float> y, std::span<const float> x, std::span<const float> w) {
  const std::size_t depth = w.size() / outer;
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = 0;
    for (std::size_t k = 0; k < depth; ++k) {
      y[i] += x[i / outer * depth + k] * w[k * outer + i % outer];
    }
  }
}

// The same on a device, which takes a cycle for each 16 x 16 x 16 products.
void product(peal::Device& self, const peal::TaskArguments& args) {
  const peal::View x = args.view(0), w = args.view(1), partial = args.view(2);
  const auto blocks = [](std::size_t size) { return static_cast<std::int64_t>((size + 15) / 16); };
  const std::int64_t cycles = blocks(tokens) * blocks(w.count / outer) * blocks(outer);
  self.compute({.reads = {x, w}, .writes = {partial}, .cycles = cycles}, [&] {
    multiply(args.elements<float>(2), args.elements<float>(0), args.elements<float>(1));
  });
}

bool tensor_parallel(const std::string& platform) {
  const std::vector<int> devices = {0, 1, 2};
  peal::Worker worker = peal::open_worker({.platform = platform, .devices = devices});
  const peal::CallableHandle products = worker.add(peal::device_function("product", product));
  const peal::CallableHandle all_reduce = worker.add(peal::collective("all_reduce"));
  worker.start();

  std::vector<float> all_x(tokens * inner), all_w(inner * outer), all_y(tokens * outer);
  for (std::size_t i = 0; i < all_x.size(); ++i) all_x[i] = static_cast<float>(i % 11) - 4;
  for (std::size_t i = 0; i < all_w.size(); ++i) all_w[i] = static_cast<float>(i % 7) - 2;
  multiply(all_y, all_x, all_w);

  // By device: its columns of x, which are 34, 34 and 33, its rows of W, and all of y.
  std::map<int, std::vector<float>> x, w, y, expected;
  std::map<int, peal::Buffer> partial;
  const auto owner = [](std::size_t k) { return static_cast<int>(k * 3 / inner); };
  for (std::size_t i = 0; i < all_x.size(); ++i) x[owner(i % inner)].push_back(all_x[i]);
  for (std::size_t i = 0; i < all_w.size(); ++i) w[owner(i / outer)].push_back(all_w[i]);
  for (int d : devices) {
    y[d].resize(all_y.size());
    expected[d] = all_y;
    partial[d] = worker.allocate({.name = "partial", .device = d, .count = all_y.size()});
  }

  const peal::GraphReport report = worker.run([&](peal::Orchestrator& orchestrator) {
    for (int d : devices) {
      orchestrator.submit(products, peal::Args().in(x[d]).in(w[d]).out(partial[d]), d);
    }
    const peal::Domain team =
        orchestrator.allocate_domain({.name = "team", .devices = devices, .window_bytes = 64});
    orchestrator.submit_group(all_reduce, devices, [&](int rank) {
      return peal::Args().in(partial[rank]).out(y[rank]).context(team[rank]);
    });
  });

  fmt::print("{}", describe(report));
  return example::agree("y", y, expected);
}

}  // namespace

int main(int argc, char** argv) {
  return example::run("05_tensor_parallel", argc, argv, tensor_parallel);
}
