// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/built_run.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace peal {

void BuiltRun::release() {
  for (const std::shared_ptr<DomainState>& domain : domains) {
    domain->release("belongs to a run that has ended");
    driver.free(domain->window);
    for (const std::shared_ptr<BufferMemory>& window : domain->windows) window->data = nullptr;
  }
  for (const auto& [host, memory] : copies) driver.free(memory);
  for (const std::shared_ptr<BufferMemory>& memory : buffers) --memory->runs;
  domains.clear();
  copies.clear();
  buffers.clear();
}

std::vector<DeviceDriver::Use> uses_of(const BuiltRun& run) {
  std::set<DeviceDriver::Use> known;
  std::vector<DeviceDriver::Use> result;
  for (const BuiltTask& task : run.tasks) {
    if (task.devices.empty()) continue;
    for (const TaskMember& member : task.members) {
      const int ranks =
          member.domain ? static_cast<int>(run.domains[*member.domain]->request.devices.size()) : 1;
      const DeviceDriver::Use use{task.callable->program.get(), member.device, ranks};
      if (known.insert(use).second) result.push_back(use);
    }
  }
  return result;
}

// Joins and host functions are no device tasks, so paths lead through them to the device tasks
// before. Direct predecessors of the last one found are implied by it and left out, so that a long
// chain of tasks does not accumulate edges.
std::vector<std::vector<std::uint32_t>> device_predecessors(const BuiltRun& run) {
  std::vector<std::vector<std::size_t>> before(run.graph.node_count());
  for (const TaskGraph::Arrow& arrow : run.graph.arrows()) before[arrow.to].push_back(arrow.from);
  std::vector<std::size_t> seen(before.size(), SIZE_MAX);  // the last task that visited the node
  std::vector<std::vector<std::uint32_t>> result(run.tasks.size());
  for (std::size_t task = 0; task < run.tasks.size(); ++task) {
    std::vector<std::uint32_t> found;
    std::vector<std::size_t> open = before[task];
    while (!open.empty()) {
      const std::size_t node = open.back();
      open.pop_back();
      if (seen[node] == task) continue;
      seen[node] = task;
      if (node >= run.tasks.size()) {
        open.insert(open.end(), before[node].begin(), before[node].end());
      } else if (run.tasks[node].devices.empty()) {
        found.insert(found.end(), result[node].begin(), result[node].end());
      } else {
        found.push_back(static_cast<std::uint32_t>(node));
      }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    if (found.empty()) continue;
    const std::vector<std::uint32_t>& implied = result[found.back()];
    std::set_difference(found.begin(), found.end(), implied.begin(), implied.end(),
                        std::back_inserter(result[task]));
  }
  return result;
}

}  // namespace peal
