// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/collectives.h"

#include <algorithm>

#include "peal/base/error.h"
#include "peal/collectives/arguments.h"
#include "peal/collectives/plan_cache.h"
#include "peal/collectives/registry.h"

namespace peal {
namespace {

// The path of a call, with the function that takes each step:
// 1. carry_out() packs the arguments into CallArguments, by reference.
// 2. is_known() compares them with the last call. If they are equal, steps 3 and 4 are skipped.
// 3. resolve_call() looks up the plan by its key (CallKind). If there is none, it checks the
//    arguments, and PlanCache::plan() chooses the algorithm and prepares its scratch.
// 4. announce() tells the device of the call, so that it can detect ranks that make different
//    calls; the result of steps 3 and 4 is stored as the last call.
// 5. Device::begin_call() stamps the notifies of the call; launch_all() cuts it into pieces, stages
//    what the algorithm needs in windows, takes a half of the scratch and launches the kernel.
// 6. flush() completes all stores, end_call() ends the stamping.
// A RunError in steps 3 and 4 and any failure in steps 5 and 6 breaks the team, because other ranks
// may wait for this one in vain. An Error in step 3 is thrown before this rank communicates.

// The part of every block that one launch works on, in elements.
struct Piece {
  std::size_t first = 0, length = 0;
};

// The piece of each of the `count` blocks of a buffer. An all-reduce has one block, whose piece is
// cut into one chunk per rank.
Chunks blocks(const CallPlan& plan, const View& all, int count, Piece piece) {
  if (count == 0 || all.data == nullptr) return {};
  const View first = all.part(piece.first, piece.length);
  return plan.cuts > 0 ? Chunks(first, plan.cuts) : Chunks(first, count, plan.count);
}
// As blocks(), for staged memory, which holds the pieces of all blocks without gaps.
Chunks staged_blocks(const CallPlan& plan, const View& all, int count) {
  return Chunks(all, plan.cuts > 0 ? plan.cuts : count);
}

// Copies all blocks of src to dst. The block of an all-reduce is copied as a whole.
void copy_blocks(Device& device, const CallPlan& plan, const Chunks& dst, const Chunks& src) {
  if (plan.cuts > 0) return device.copy(dst.whole(), src.whole());
  for (int block = 0; block < dst.parts(); ++block) device.copy(dst[block], src[block]);
}

// Takes a half of the scratch for a launch on blocks of `count` elements. Tells the device where
// that half lies, so that a real host keeps what is stored there in the caches.
const Scratch::Half& take_scratch(Device& device, const CallPlan& plan, std::size_t count) {
  const Scratch::Half& half = plan.scratch->next(count, plan.dtype, plan.staged);
  device.set_transfer_hint({.scratch = half.memory.data,
                            .scratch_bytes = half.memory.count,
                            .moved_bytes = plan.moved_bytes,
                            .lacks_shared_cache = plan.lacks_shared_cache});
  return half;
}

void launch(Device& device, const CachedCall& call, const Scratch::Half& half, const Chunks& send,
            const Chunks& recv) {
  call.plan->algorithm->launch(device, {.send = send,
                                        .recv = recv,
                                        .scratch = half.scratch,
                                        .signals = half.signals,
                                        .packets = half.packets,
                                        .uses = half.uses,
                                        .root = Rank{call.root},
                                        .op = call.op});
}

// Launches one piece of a call. Copies what has to be staged in before the launch, and out after.
void launch_piece(Device& device, const CachedCall& call, Piece piece) {
  const CallPlan& plan = *call.plan;
  const Scratch::Half& half = take_scratch(device, plan, piece.length);
  const Chunks send = blocks(plan, call.send, plan.shape.send_blocks, piece);
  const Chunks recv = blocks(plan, call.recv, plan.shape.recv_blocks, piece);
  const int sends = plan.staged.send_blocks, recvs = plan.staged.recv_blocks;
  const Chunks from = sends > 0 ? staged_blocks(plan, half.send, sends) : send;
  const Chunks to = recvs > 0 ? staged_blocks(plan, half.recv, recvs) : recv;
  if (sends > 0) copy_blocks(device, plan, from, send);
  if (plan.algorithm->needs.in_place) copy_blocks(device, plan, to, from);
  launch(device, call, half, from, to);
  if (recvs > 0) copy_blocks(device, plan, recv, to);
}

// Where the buffers of a call lie. Members stay false where ranks may differ or no algorithm of the
// collective depends on them: the result must be the same on every rank.
Placement placement_of(const Device& device, Collective collective, const View& send,
                       const View& recv) {
  switch (collective) {
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

bool overlap_in_part(const View& send, const View& recv) {
  return send.data != recv.data && send.data < recv.data + recv.size_bytes() &&
         recv.data < send.data + send.size_bytes();
}

// The arguments of a call, by reference. They are not copied, because a load that spans several
// recent smaller stores cannot be forwarded from the store buffer: it waits until they have reached
// the cache, and that takes longer than a small collective.
struct CallArguments {
  std::uint64_t traits = 0;  // see CollectiveTraits
  const View& send;
  const View& recv;
  const std::string_view& algorithm;
  const SourcePlace& place;
};

bool is_same(const View& a, const View& b) {
  return a.data == b.data && a.count == b.count && a.dtype == b.dtype;
}

// True if the call equals the last one, so that checks, plan and announcement still hold. The
// placement needs no comparison: it is a function of the views and of the task.
bool is_known(const Team& team, const CachedCall& known, const CallArguments& call) {
  return known.plan != nullptr && known.traits == call.traits && known.task == team.tasks() &&
         known.place.line == call.place.line && known.place.file == call.place.file &&
         (!known.sends || is_same(known.send, call.send)) &&
         (!known.receives || is_same(known.recv, call.recv)) &&
         known.plan->is_asked(call.algorithm);
}

// The record of a call on blocks of `count` elements, by which ranks compare their calls.
CallRecord record_of(const CallArguments& given, int rank, std::size_t count) {
  const auto [collective, op, root] = CollectiveTraits::of(given.traits);
  const CollectiveShape blocks = shape(collective, 1);
  CallRecord call;
  set_names(call, name(collective), given.algorithm);
  set_place(call, given.place);
  call.count = count;
  // The type is that of a buffer which this rank uses; the other one may be empty.
  const View& data = receives(collective, rank, root) ? given.recv : given.send;
  if (count > 0) call.dtype = data.dtype;
  if (blocks.has_root) call.root = root;
  if (blocks.has_op) call.op = op;
  call.is_in_place = count > 0 && given.send.data == given.recv.data;
  return call;
}

// Announces the call to the device and returns its stamp. Where the device still has an earlier
// announcement of an equal call, it is told only that one's number.
std::uint64_t announce(Team& team, CallPlan& plan, const CallArguments& given) {
  const auto [collective, op, root] = CollectiveTraits::of(given.traits);
  for (const Announcement& known : plan.announced) {
    if (!known.is_of(op, given.place)) continue;
    if (team.device().announce_again(known.number)) return known.stamp;
  }
  CallRecord call = record_of(given, team.rank(), plan.count);
  set_names(call, name(collective), plan.algorithm->name);
  call.is_chosen = true;
  Announcement& kept = plan.announced[plan.announcements++ % plan.announced.size()];
  kept = {.number = team.device().announce(call),
          .op = op,
          .place = given.place,
          .stamp = stamp_of(call)};
  return kept.stamp;
}

// Checks a call, finds or makes its plan, announces it, and stores the result as the last call.
void resolve_call(Team& team, PlanCache& cache, const CallArguments& given) {
  static constexpr View nothing;  // replaces a buffer that this rank does not use
  const auto [collective, op, root] = CollectiveTraits::of(given.traits);
  const bool does_send = sends(collective, team.rank(), root);
  const bool does_receive = receives(collective, team.rank(), root);
  const View& send = does_send ? given.send : nothing;
  const View& recv = does_receive ? given.recv : nothing;
  const CallKind kind{.collective = collective,
                      .send = send,
                      .recv = recv,
                      .placement = placement_of(team.device(), collective, send, recv),
                      .root = root,
                      .asked = given.algorithm};
  // Calls that the chooser makes while it plans are part of the user's call: not announced.
  const bool is_users = !cache.is_planning() && team.size() > 1;
  const bool is_real = team.device().host().is_real;
  CallPlan* plan = cache.find(kind);
  // A plan exists only for arguments that passed the check. The check depends on the plan's key and
  // on how the buffers overlap; so with a plan it is repeated only if they overlap in part, which
  // is right in place and wrong otherwise.
  if (plan == nullptr || overlap_in_part(send, recv)) {
    const std::size_t count = check_arguments(kind, team.rank(), team.size());
    if (plan == nullptr) {
      // Planning may communicate. Announced before, a rank that makes another call is found out
      // there, with both calls in the message. announce() below adds the chosen algorithm.
      if (is_users && is_real) team.device().announce(record_of(given, team.rank(), count));
      plan = &cache.plan(team, kind, count);
    }
  }
  const std::uint64_t stamp = is_users ? announce(team, *plan, given) : 0;
  CachedCall& known = cache.last();
  known.plan = plan;
  known.traits = given.traits;
  known.send = send;
  known.recv = recv;
  known.sends = does_send;
  known.receives = does_receive;
  known.is_empty = plan->count == 0 && collective != Collective::barrier;
  known.place = given.place;
  known.task = is_real ? team.tasks() : CachedCall::never;
  known.stamp = stamp;
  known.root = root;
  known.op = op;
  if (!plan->is_one_launch) return;
  const Piece all{0, plan->count};
  known.send_blocks = blocks(*plan, send, plan->shape.send_blocks, all);
  known.recv_blocks = blocks(*plan, recv, plan->shape.recv_blocks, all);
}

// resolve_call(), which breaks the team when it fails while the ranks communicate. Not inlined, so
// that the path of a repeated call does not save registers for it.
[[gnu::noinline]] void resolve_call_or_abort(Team& team, PlanCache& cache,
                                             const CallArguments& given) {
  try {
    resolve_call(team, cache, given);
  } catch (const RunError&) {
    team.abort();
    throw;
  }
}

[[noreturn, gnu::noinline]] void refuse_broken(const CallArguments& given) {
  throw UsageError(std::string(name(CollectiveTraits::of(given.traits).collective)) +
                   ": an earlier call on this team failed half-way; start a new run");
}

void launch_all(Device& device, const CachedCall& call) {
  const CallPlan& plan = *call.plan;
  if (plan.is_one_launch) {
    const Scratch::Half& half = take_scratch(device, plan, plan.count);
    return launch(device, call, half, call.send_blocks, call.recv_blocks);
  }
  std::size_t first = 0;
  do {
    const Piece piece{first, std::min(plan.longest_piece, plan.count - first)};
    launch_piece(device, call, piece);
    first += piece.length;
  } while (first < plan.count);
}

void carry_out(Team& team, const CallArguments& given) {
  if (team.broken()) refuse_broken(given);
  PlanCache& cache = plan_cache(team);
  const CachedCall& known = cache.last();
  if (!is_known(team, known, given)) resolve_call_or_abort(team, cache, given);
  Device& device = team.device();
  device.begin_call(known.stamp);
  if (known.is_empty) return device.end_call();
  const CallPlan& plan = *known.plan;
  try {
    launch_all(device, known);
    device.flush();
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

void run_collective(Team& team, const CollectiveCall& call, SourcePlace place) {
  carry_out(team, {.traits = CollectiveTraits{call.collective, call.op, call.root}.word(),
                   .send = call.send,
                   .recv = call.recv,
                   .algorithm = call.algorithm,
                   .place = place});
}

void all_reduce(Team& team, const AllReduce& args, SourcePlace place) {
  carry_out(team,
            {.traits = CollectiveTraits{.collective = Collective::all_reduce, .op = args.op}.word(),
             .send = args.send.view(),
             .recv = args.recv.view(),
             .algorithm = args.algorithm,
             .place = place});
}

void all_gather(Team& team, const AllGather& args, SourcePlace place) {
  carry_out(team, {.traits = CollectiveTraits{.collective = Collective::all_gather}.word(),
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .place = place});
}

void reduce_scatter(Team& team, const ReduceScatter& args, SourcePlace place) {
  carry_out(
      team,
      {.traits = CollectiveTraits{.collective = Collective::reduce_scatter, .op = args.op}.word(),
       .send = args.send.view(),
       .recv = args.recv.view(),
       .algorithm = args.algorithm,
       .place = place});
}

void all_to_all(Team& team, const AllToAll& args, SourcePlace place) {
  carry_out(team, {.traits = CollectiveTraits{.collective = Collective::all_to_all}.word(),
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .place = place});
}

void broadcast(Team& team, const Broadcast& args, SourcePlace place) {
  carry_out(
      team,
      {.traits = CollectiveTraits{.collective = Collective::broadcast, .root = args.root}.word(),
       .send = args.send.view(),
       .recv = args.recv.view(),
       .algorithm = args.algorithm,
       .place = place});
}

void reduce(Team& team, const Reduce& args, SourcePlace place) {
  carry_out(team, {.traits =
                       CollectiveTraits{
                           .collective = Collective::reduce, .op = args.op, .root = args.root}
                           .word(),
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .place = place});
}

void gather(Team& team, const Gather& args, SourcePlace place) {
  carry_out(team,
            {.traits = CollectiveTraits{.collective = Collective::gather, .root = args.root}.word(),
             .send = args.send.view(),
             .recv = args.recv.view(),
             .algorithm = args.algorithm,
             .place = place});
}

void scatter(Team& team, const Scatter& args, SourcePlace place) {
  carry_out(
      team,
      {.traits = CollectiveTraits{.collective = Collective::scatter, .root = args.root}.word(),
       .send = args.send.view(),
       .recv = args.recv.view(),
       .algorithm = args.algorithm,
       .place = place});
}

void barrier(Team& team, SourcePlace place) {
  static constexpr View nothing;
  carry_out(team, {.traits = CollectiveTraits{.collective = Collective::barrier}.word(),
                   .send = nothing,
                   .recv = nothing,
                   .algorithm = auto_algorithm,
                   .place = place});
}

}  // namespace peal
