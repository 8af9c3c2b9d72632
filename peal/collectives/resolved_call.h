// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/base/source_place.h"
#include "peal/collectives/call_arguments.h"
#include "peal/collectives/call_plan.h"
#include "peal/machine/team.h"

namespace peal {

class PlanCache;

// The result of steps 3 and 4 of a call (collectives.cpp): its arguments as the caller gave them,
// and what they were resolved to. PlanCache keeps the last one of this rank, so that a program that
// repeats one call (the common case in a loop) skips resolve_call(). The repetition needs no
// announcement either: a device takes the last announced call as repeated until it is told of
// another one.
struct ResolvedCall {
  static constexpr std::uint64_t never = UINT64_MAX;

  const CallPlan* plan = nullptr;
  CallTraits traits;
  bool sends = false, receives = false, is_empty = false;
  ConstView send;  // empty where this rank does not send
  View recv;       // empty where it does not receive
  SourcePlace place;
  // Team::tasks() at the time of the call, because what lies in windows may change with the task;
  // `never`, which no call matches, on a device that every call must be announced to.
  std::uint64_t task = 0;
  std::uint64_t stamp = 0;
  Chunks send_blocks, recv_blocks;  // set only if the plan is one launch

  // True if the call has the same arguments, from the same line of the program, in the same task;
  // checks, plan and announcement then still hold. The placement needs no comparison: it is a
  // function of the views and of the task.
  [[nodiscard]] bool is_repeated(const CallArguments& call, std::uint64_t tasks) const {
    return plan != nullptr && traits == call.traits && task == tasks &&
           place.line == call.place->line && place.file == call.place->file &&
           (!sends || is_same(send, *call.send)) && (!receives || is_same(recv, *call.recv)) &&
           plan->key.is_algorithm(*call.algorithm);
  }

 private:
  template <class AnyView>
  [[nodiscard]] static bool is_same(const AnyView& a, const AnyView& b) {
    return a.data == b.data && a.count == b.count && a.dtype == b.dtype;
  }
};

// Checks a call, finds or makes its plan, announces it to the device, and stores the result as
// cache.last(). Breaks the team when it fails while the ranks communicate.
void resolve_call(Team& team, PlanCache& cache, const CallArguments& given);

}  // namespace peal
