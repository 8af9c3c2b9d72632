// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/collectives.h"

#include <string>

#include "peal/base/error.h"
#include "peal/collectives/call_arguments.h"
#include "peal/collectives/kernel_launch.h"
#include "peal/collectives/plan_cache.h"
#include "peal/collectives/resolved_call.h"

namespace peal {
namespace {

// The path of a call, with the function that takes each step:
// 1. all_reduce() and its like, below, point to the arguments by a CallArguments.
// 2. ResolvedCall::is_repeated() compares them with the last call. If arguments, line of the
//    program and task are those of the last call, steps 3 and 4 are skipped.
// 3. resolve_call() looks up the plan by its key. If there is none, it checks the arguments, and
//    PlanCache::plan() chooses the algorithm and prepares its scratch.
// 4. resolve_call() announces the call to the device, so that it can detect ranks that make
//    different calls, and stores the result of steps 3 and 4 as the last call.
// 5. Device::begin_call() adds the call's stamp to the history, which arrivals carry from then on;
//    launch_all() takes a half of the scratch and launches the kernel. Where need be, it cuts the
//    call into pieces, a launch each, and stages what the algorithm needs in windows.
// 6. flush() completes all stores; after end_call() arrivals carry no history; after_call() repeats
//    the measurement of the latency between the ranks if one is due.
// A RunError in steps 3 and 4 and any failure in steps 5 and 6 breaks the team, because other ranks
// may wait for this one in vain. An Error in step 3 is thrown before this rank communicates.
void carry_out(Team& team, const CallArguments& given);

// Step 1, for the arguments of a collective with buffers.
template <class Arguments>
CallArguments arguments_of(CallTraits traits, const Arguments& args, const SourcePlace& place) {
  return {.traits = traits,
          .send = &args.send.view(),
          .recv = &args.recv.view(),
          .algorithm = &args.algorithm,
          .place = &place};
}

}  // namespace

void run_collective(Team& team, const CollectiveCall& call, SourcePlace place) {
  carry_out(team, {.traits = CallTraits(call.collective, call.op, call.root),
                   .send = &call.send,
                   .recv = &call.recv,
                   .algorithm = &call.algorithm,
                   .place = &place});
}

void all_reduce(Team& team, const AllReduce& args, SourcePlace place) {
  carry_out(team, arguments_of(CallTraits(Collective::all_reduce, args.op), args, place));
}

void all_gather(Team& team, const AllGather& args, SourcePlace place) {
  carry_out(team, arguments_of(CallTraits(Collective::all_gather), args, place));
}

void reduce_scatter(Team& team, const ReduceScatter& args, SourcePlace place) {
  carry_out(team, arguments_of(CallTraits(Collective::reduce_scatter, args.op), args, place));
}

void all_to_all(Team& team, const AllToAll& args, SourcePlace place) {
  carry_out(team, arguments_of(CallTraits(Collective::all_to_all), args, place));
}

void broadcast(Team& team, const Broadcast& args, SourcePlace place) {
  carry_out(team,
            arguments_of(CallTraits(Collective::broadcast, ReduceOp::sum, args.root), args, place));
}

void reduce(Team& team, const Reduce& args, SourcePlace place) {
  carry_out(team, arguments_of(CallTraits(Collective::reduce, args.op, args.root), args, place));
}

void gather(Team& team, const Gather& args, SourcePlace place) {
  carry_out(team,
            arguments_of(CallTraits(Collective::gather, ReduceOp::sum, args.root), args, place));
}

void scatter(Team& team, const Scatter& args, SourcePlace place) {
  carry_out(team,
            arguments_of(CallTraits(Collective::scatter, ReduceOp::sum, args.root), args, place));
}

void barrier(Team& team, SourcePlace place) {
  carry_out(team, {.traits = CallTraits(Collective::barrier), .place = &place});
}

namespace {

[[noreturn, gnu::noinline]] void refuse_broken(const CallArguments& given) {
  throw UsageError(std::string(name(given.traits.collective())) +
                   ": an earlier call on this team failed half-way; start a new run");
}

void carry_out(Team& team, const CallArguments& given) {
  if (team.broken()) refuse_broken(given);
  PlanCache& cache = plan_cache(team);
  const ResolvedCall& call = cache.last();
  if (!call.is_repeated(given, team.tasks())) resolve_call(team, cache, given);
  Device& device = team.device();
  device.begin_call(call.stamp);
  if (call.is_empty) return device.end_call();
  const CallPlan& plan = *call.plan;
  try {
    launch_all(device, call);
    device.flush(SourcePlace::here(SourceOrigin::call));
    device.set_transfer_hint({});
    device.end_call();
    cache.after_call(team, plan);
  } catch (...) {
    device.end_call();
    team.abort();
    throw;
  }
}

}  // namespace

}  // namespace peal
