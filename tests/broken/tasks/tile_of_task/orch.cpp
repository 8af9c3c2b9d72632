// SPDX-License-Identifier: Apache-2.0
// The second task expects in its core's tile what the first one has loaded: right as long as one
// core runs both, one after the other.
#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig tile_of_task_config(
    const ChipTaskArgs &) {
  return {.expected_arg_count = 8};
}

__attribute__((visibility("default"))) void tile_of_task(const ChipTaskArgs &args) {
  CoreTaskArgs loads, stores;
  loads.add_input(args.tensor(0)).add_no_dep(args.tensor(1));
  loads.add_output(args.tensor(2)).add_no_dep(args.tensor(3));
  stores.add_no_dep(args.tensor(0)).add_output(args.tensor(1));
  stores.add_input(args.tensor(2)).add_no_dep(args.tensor(3));
  for (std::size_t i = 0; i < 4; ++i) {
    loads.add_scalar(args.scalar(i));
    stores.add_scalar(args.scalar(i));
  }
  rt_submit_aiv_task(0, loads.add_scalar(0));
  rt_submit_aiv_task(0, stores.add_scalar(1));
}

}  // extern "C"
