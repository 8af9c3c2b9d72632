// SPDX-License-Identifier: Apache-2.0
// Two tasks that nothing orders; on one core the first has to end before the second starts.
#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig co_scheduling_config(
    const ChipTaskArgs&) {
  return {.expected_arg_count = 8};
}

__attribute__((visibility("default"))) void co_scheduling(const ChipTaskArgs& args) {
  for (std::uint64_t task = 0; task < 2; ++task) {
    CoreTaskArgs own;
    for (std::size_t i = 0; i < 4; ++i) own.add_no_dep(args.tensor(i));
    for (std::size_t i = 0; i < 4; ++i) own.add_scalar(args.scalar(i));
    rt_submit_aiv_task(0, own.add_scalar(task));
  }
}

}  // extern "C"
