// SPDX-License-Identifier: Apache-2.0
// Two tasks linked by a tensor alone: the first doubles, the second adds 1; a third, on other
// tensors, may run beside them.
#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig twice_orchestration_config(
    const ChipTaskArgs& args) {
  (void)args;
  return PTO2OrchestrationConfig{
      .expected_arg_count = 5,
  };
}

__attribute__((visibility("default"))) void twice_orchestration(const ChipStorageTaskArgs& args) {
  Tensor in = from_tensor_arg(args.tensor(0));
  const ChipTensor& middle = args.tensor(1).ref();
  CoreTaskArgs doubled;
  doubled.add_input(in).add_output(middle).add_scalar(2);
  doubled.add_scalar(0);
  rt_submit_aiv_task(0, doubled);
  Arg added;
  added.add_input(middle);
  added.add_output(args.tensor(2).ref());
  added.add_scalar(1);
  added.add_scalar(1);
  rt_submit_aiv_task(0, added);
  Arg beside;
  beside.add_input(in);
  beside.add_output(args.tensor(3).ref());
  beside.add_scalar(args.scalar(0));
  beside.add_scalar(0);
  rt_submit_aiv_task(0, beside);
}

}  // extern "C"
