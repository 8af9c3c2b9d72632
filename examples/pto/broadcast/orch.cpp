// SPDX-License-Identifier: Apache-2.0
// One task for the chip: kernel 0 with the arguments of the case, in their order.
#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig broadcast_orchestration_config(
    const ChipTaskArgs&) {
  return PTO2OrchestrationConfig{.expected_arg_count = 7};
}

__attribute__((visibility("default"))) void broadcast_orchestration(const ChipTaskArgs& args) {
  CoreTaskArgs task;
  task.add_input(args.tensor(0).ref());
  task.add_output(args.tensor(1).ref());
  task.add_inout(args.tensor(2).ref());  // the window
  for (std::size_t i = 0; i < args.scalar_count(); ++i) task.add_scalar(args.scalar(i));
  rt_submit_aiv_task(0, task);
}

}  // extern "C"
