// SPDX-License-Identifier: Apache-2.0
// The second task reads what the first one writes, but its tensor is submitted without dependency.
#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig no_dep_config(const ChipTaskArgs &) {
  return {.expected_arg_count = 8};
}

__attribute__((visibility("default"))) void no_dep(const ChipTaskArgs &args) {
  const ChipTensor &in = args.tensor(0), &out = args.tensor(1);
  const ChipTensor &data = args.tensor(2), &signals = args.tensor(3);
  const bool repaired = args.scalar(0) != 0;
  CoreTaskArgs stages, takes;
  stages.add_input(in).add_no_dep(out).add_output(data).add_no_dep(signals);
  takes.add_no_dep(in).add_output(out);
  if (repaired) takes.add_input(data);
  if (!repaired) takes.add_no_dep(data);
  takes.add_no_dep(signals);
  for (std::size_t i = 0; i < 4; ++i) {
    stages.add_scalar(args.scalar(i));
    takes.add_scalar(args.scalar(i));
  }
  rt_submit_aiv_task(0, stages.add_scalar(0));
  rt_submit_aiv_task(0, takes.add_scalar(1));
}

}  // extern "C"
