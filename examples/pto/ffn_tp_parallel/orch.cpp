// SPDX-License-Identifier: Apache-2.0
// Two tasks: the product of the chip's own shards, then its sum over the ranks. `partial` is what
// orders them.
#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig ffn_tp_parallel_orchestration_config(
    const ChipTaskArgs&) {
  return PTO2OrchestrationConfig{.expected_arg_count = 8};
}

__attribute__((visibility("default"))) void ffn_tp_parallel_orchestration(
    const ChipTaskArgs& args) {
  const ChipTensor& partial = args.tensor(2).ref();

  CoreTaskArgs product;
  product.add_input(args.tensor(0).ref());
  product.add_input(args.tensor(1).ref());
  product.add_output(partial);
  rt_submit_aic_task(0, product);

  CoreTaskArgs sum;
  sum.add_input(partial);
  sum.add_output(args.tensor(3).ref());
  sum.add_inout(args.tensor(4).ref());  // the window
  sum.add_scalar(args.scalar(0));       // the count
  sum.add_scalar(args.scalar(1));       // the call
  sum.add_scalar(args.scalar(2));       // the context
  rt_submit_aiv_task(1, sum);
}

}  // extern "C"
