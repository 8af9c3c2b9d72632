// SPDX-License-Identifier: Apache-2.0
// One task for the chip: kernel 0 with the arguments of the case, in their order.
#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig all_reduce_ring_orchestration_config(
    const ChipTaskArgs&) {
  return PTO2OrchestrationConfig{.expected_arg_count = 6};
}

__attribute__((visibility("default"))) void all_reduce_ring_orchestration(
    const ChipTaskArgs& args) {
  CoreTaskArgs task;
  task.add_input(args.tensor(0).ref());
  task.add_output(args.tensor(1).ref());
  task.add_inout(args.tensor(2).ref());  // the window
  task.add_scalar(args.scalar(0));       // the count
  task.add_scalar(args.scalar(1));       // the call
  task.add_scalar(args.scalar(2));       // the context
  rt_submit_aiv_task(0, task);
}

}  // extern "C"
