// SPDX-License-Identifier: Apache-2.0
// One task for the chip: what the tokens are and where they go comes in, the answers go out, and
// the tally, the experts' results and the window are written and read again.
#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
ep_dispatch_combine_orchestration_config(const ChipTaskArgs&) {
  return PTO2OrchestrationConfig{.expected_arg_count = 14};
}

__attribute__((visibility("default"))) void ep_dispatch_combine_orchestration(
    const ChipTaskArgs& args) {
  CoreTaskArgs task;
  for (std::size_t i = 0; i < 4; ++i) task.add_input(args.tensor(i).ref());
  task.add_inout(args.tensor(4).ref());   // the tally
  task.add_inout(args.tensor(5).ref());   // the results
  task.add_output(args.tensor(6).ref());  // the sums
  task.add_inout(args.tensor(7).ref());   // the window
  for (std::size_t i = 0; i < 6; ++i) task.add_scalar(args.scalar(i));
  rt_submit_aiv_task(0, task);
}

}  // extern "C"
