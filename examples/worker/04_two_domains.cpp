// SPDX-License-Identifier: Apache-2.0
// Two domains that share a device: `left` is devices 0 and 1, `right` is devices 1 and 2. Device 1
// is rank 1 of the one and rank 0 of the other, and the sums of the two do not mix.
#include <fmt/core.h>

#include <map>
#include <string>
#include <vector>

#include "examples/worker/verify.h"
#include "peal/launch/worker.h"

namespace {

constexpr int count = 100;

struct Side {
  std::string name;
  std::vector<int> devices;                // in the order of their ranks
  std::map<int, float> gives;              // by device
  float sum;                               // of what they give
  std::map<int, std::vector<float>> data;  // by device; the inputs, then the sums
};

bool two_domains(const std::string& platform) {
  std::vector<Side> sides = {
      {.name = "left", .devices = {0, 1}, .gives = {{0, 1}, {1, 2}}, .sum = 3, .data = {}},
      {.name = "right", .devices = {1, 2}, .gives = {{1, 10}, {2, 20}}, .sum = 30, .data = {}}};
  for (Side& side : sides) {
    for (int device : side.devices) side.data[device].assign(count, side.gives[device]);
  }

  peal::Worker worker = peal::open_worker({.platform = platform, .devices = {0, 1, 2}});
  const peal::CallableHandle all_reduce = worker.add(peal::collective("all_reduce"));
  worker.start();

  worker.run([&](peal::Orchestrator& orchestrator) {
    std::vector<peal::Domain> domains;
    for (const Side& side : sides) {
      domains.push_back(orchestrator.allocate_domain(
          {.name = side.name, .devices = side.devices, .window_bytes = 64}));
    }
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const peal::Domain& domain = domains[i];
      std::map<int, std::vector<float>>& data = sides[i].data;
      // A member's rank is its place in its domain, whatever its rank elsewhere.
      orchestrator.submit_group(all_reduce, domain.devices(), [&](int rank) {
        const peal::DomainMember member = domain[rank];
        fmt::print("device {} is rank {} of {}\n", member.device(), member.rank(), domain.name());
        return peal::Args().inout(data[member.device()]).context(member).named(domain.name());
      });
    }
  });

  bool passes = true;
  for (const Side& side : sides) {
    for (const auto& [device, sum] : side.data) {
      fmt::print("device {} has {} from {}\n", device, sum.front(), side.name);
      passes &= example::agree(fmt::format("sum of {} on device {}", side.name, device), sum,
                               std::vector<float>(count, side.sum));
    }
  }
  return passes;
}

}  // namespace

int main(int argc, char** argv) { return example::run("04_two_domains", argc, argv, two_domains); }
