// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/resolved_call.h"

#include "peal/base/error.h"
#include "peal/collectives/kernel_launch.h"
#include "peal/collectives/plan_cache.h"
#include "peal/machine/calls/call_record.h"

namespace peal {
namespace {

// Where the buffers of a call lie. Members stay false where ranks may differ or no algorithm of the
// collective depends on them: the result must be the same on every rank.
Placement placement_of(const Device& device, const CallArguments& used) {
  const ConstView& send = *used.send;
  const View& recv = *used.recv;
  switch (used.traits.collective()) {
    case Collective::all_reduce:
    case Collective::all_to_all:
      return {.send_in_window = device.is_in_window(send),
              .recv_in_window = device.is_in_window(recv),
              .in_place = send.data == recv.data};
    case Collective::reduce_scatter:
      return {.send_in_window = device.is_in_window(send)};
    case Collective::all_gather:
    case Collective::broadcast:
      return {.recv_in_window = device.is_in_window(recv)};
    default:
      return {};
  }
}

bool overlap_in_part(const ConstView& send, const ConstView& recv) {
  return send.data != recv.data && send.data < recv.data + recv.size_bytes() &&
         recv.data < send.data + send.size_bytes();
}

// The record of a call on blocks of `count` elements, by which ranks compare their calls.
CallRecord record_of(const CallArguments& given, int rank, std::size_t count) {
  const CallTraits& traits = given.traits;
  const CollectiveShape blocks = shape(traits.collective(), 1);
  CallRecord call;
  set_names(call, name(traits.collective()), *given.algorithm);
  set_place(call, *given.place);
  call.count = count;
  // The type is that of a buffer which this rank uses; the other one may be empty.
  if (count > 0) call.dtype = given.does_receive(rank) ? given.recv->dtype : given.send->dtype;
  if (blocks.has_root) call.root = traits.root();
  if (blocks.has_op) call.op = traits.op();
  call.is_in_place = count > 0 && given.send->data == given.recv->data;
  return call;
}

// Finds the plan of a call. If there is none, checks the arguments and makes one. The plan's calls
// are announced by announce().
CallPlan& find_plan(Team& team, PlanCache& cache, const CallArguments& given, bool is_announced) {
  const CallArguments used = given.used_by(team.rank());
  const PlanKey key = PlanKey::of(used, placement_of(team.device(), used));
  CallPlan* const known = cache.find(key);
  // A plan exists only for arguments that passed the check. The check depends on the plan's key and
  // on how the buffers overlap; so with a plan it is repeated only if they overlap in part, which
  // is right in place and wrong otherwise.
  if (known != nullptr && !overlap_in_part(*used.send, *used.recv)) return *known;
  const std::size_t count = check_arguments(used, team.rank(), team.size());
  if (known != nullptr) return *known;
  // Planning may communicate. Announced before, a rank that makes another call is found out there,
  // with both calls in the message. announce() later adds the chosen algorithm.
  if (is_announced && team.device().host().is_real) {
    team.device().announce(record_of(given, team.rank(), count));
  }
  return cache.plan(team, used, key, count);
}

// Announces the call to the device and returns its stamp. Where the device still has an earlier
// announcement of an equal call, it is told only that one's number.
std::uint64_t announce(Team& team, CallPlan& plan, const CallArguments& given) {
  const ReduceOp op = given.traits.op();
  for (const CallPlan::Announcement& known : plan.announced) {
    if (!known.is_of(op, *given.place)) continue;
    if (team.device().announce_again(known.number)) return known.stamp;
  }
  CallRecord call = record_of(given, team.rank(), plan.count);
  set_names(call, name(given.traits.collective()), plan.algorithm->name);
  call.is_chosen = true;
  CallPlan::Announcement& kept = plan.announced[plan.announcements++ % plan.announced.size()];
  kept = {.number = team.device().announce(call),
          .op = op,
          .place = *given.place,
          .stamp = stamp_of(call)};
  return kept.stamp;
}

void find_and_announce(Team& team, PlanCache& cache, const CallArguments& given) {
  // Calls that the chooser makes while it plans are part of the user's call: not announced.
  const bool is_announced = !cache.is_planning() && team.size() > 1;
  CallPlan& plan = find_plan(team, cache, given, is_announced);
  const std::uint64_t stamp = is_announced ? announce(team, plan, given) : 0;
  const CallArguments used = given.used_by(team.rank());
  ResolvedCall& known = cache.last();
  known.plan = &plan;
  known.traits = given.traits;
  known.send = *used.send;
  known.recv = *used.recv;
  known.sends = given.does_send(team.rank());
  known.receives = given.does_receive(team.rank());
  known.is_empty = plan.count == 0 && given.traits.collective() != Collective::barrier;
  known.place = *given.place;
  known.task = team.device().host().is_real ? team.tasks() : ResolvedCall::never;
  known.stamp = stamp;
  if (!plan.is_one_launch) return;
  const Piece all{0, plan.count};
  known.send_blocks = send_blocks(plan, known.send, all);
  known.recv_blocks = recv_blocks(plan, known.recv, all);
}

}  // namespace

void resolve_call(Team& team, PlanCache& cache, const CallArguments& given) {
  try {
    find_and_announce(team, cache, given);
  } catch (const RunError&) {
    team.abort();
    throw;
  }
}

}  // namespace peal
