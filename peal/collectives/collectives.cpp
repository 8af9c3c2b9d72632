// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/collectives.h"

#include <algorithm>

#include "peal/base/error.h"
#include "peal/collectives/arguments.h"
#include "peal/collectives/registry.h"
#include "peal/collectives/scratch.h"

namespace peal {
namespace {

// The part of every block that one launch works on.
struct Piece {
  std::size_t first = 0, length = 0;
};

// The piece of each of `count` blocks, or of an all-reduce's one block, cut into a chunk for each
// rank.
Chunks blocks(const CallPlan& plan, const View& all, int count, Piece piece) {
  if (count == 0 || all.data == nullptr) return {};
  const View first = all.part(piece.first, piece.length);
  return plan.cuts > 0 ? Chunks(first, plan.cuts) : Chunks(first, count, plan.count);
}
// The same of blocks that are staged, one behind the other.
Chunks staged_blocks(const CallPlan& plan, const View& all, int count) {
  return Chunks(all, plan.cuts > 0 ? plan.cuts : count);
}

// Copies blocks of one length one by one, or the one that is cut into chunks as a whole; those that
// are the same stay.
void copy_blocks(Device& device, const CallPlan& plan, const Chunks& dst, const Chunks& src) {
  if (plan.cuts > 0) return device.copy(dst.whole(), src.whole());
  for (int block = 0; block < dst.parts(); ++block) device.copy(dst[block], src[block]);
}

// Takes the scratch for a launch on blocks of `count` elements.
const Scratch::Half& take_scratch(Device& device, const CallPlan& plan, std::size_t count) {
  const Scratch::Half& half = plan.scratch->next(count, plan.dtype, plan.staged);
  device.expect({.scratch = half.memory.data,
                 .scratch_bytes = half.memory.count,
                 .moved_bytes = plan.moved_bytes,
                 .has_far_lines = plan.has_far_lines});
  return half;
}

void launch(Device& device, const KnownCall& call, ReduceOp op, const Scratch::Half& half,
            const Chunks& send, const Chunks& recv) {
  call.plan->algorithm->launch(device, {.send = send,
                                        .recv = recv,
                                        .scratch = half.scratch,
                                        .signals = half.signals,
                                        .packets = half.packets,
                                        .uses = half.uses,
                                        .root = Rank{call.root},
                                        .op = op});
}

// A piece of a call, with what it needs staged.
void launch_piece(Device& device, const KnownCall& call, ReduceOp op, Piece piece) {
  const CallPlan& plan = *call.plan;
  const Scratch::Half& half = take_scratch(device, plan, piece.length);
  const Chunks send = blocks(plan, call.send, plan.shape.send_blocks, piece);
  const Chunks recv = blocks(plan, call.recv, plan.shape.recv_blocks, piece);
  const int sends = plan.staged.send_blocks, recvs = plan.staged.recv_blocks;
  const Chunks from = sends > 0 ? staged_blocks(plan, half.send, sends) : send;
  const Chunks to = recvs > 0 ? staged_blocks(plan, half.recv, recvs) : recv;
  if (sends > 0) copy_blocks(device, plan, from, send);
  if (plan.algorithm->needs.in_place) copy_blocks(device, plan, to, from);
  launch(device, call, op, half, from, to);
  if (recvs > 0) copy_blocks(device, plan, recv, to);
}

// Where the buffers of a call lie, as far as it is the same on every rank.
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

// A call by reference. Nothing is copied that need not be: a small collective takes less time than
// it takes a processor to load again what it has just stored in other pieces.
struct Given {
  Collective collective{};
  const View& send;
  const View& recv;
  const std::string_view& algorithm;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
};

bool is_same(const View& a, const View& b) {
  return a.data == b.data && a.count == b.count && a.dtype == b.dtype;
}

bool is_known(const Team& team, const KnownCall& known, const Given& call) {
  return known.plan != nullptr && known.collective == call.collective && known.root == call.root &&
         known.task == team.tasks() && is_same(known.send, call.send) &&
         is_same(known.recv, call.recv) && known.plan->is_asked(call.algorithm);
}

// Checks a call, and finds out how it is carried out.
void look_into(Team& team, CollectiveState& state, const Given& call) {
  const View &send = call.send, &recv = call.recv;
  const CallKind kind{.collective = call.collective,
                      .send = send,
                      .recv = recv,
                      .placement = placement_of(team.device(), call.collective, send, recv),
                      .root = call.root,
                      .asked = call.algorithm};
  const CallPlan* plan = state.find(kind);
  // What was right once is right again, but for where the buffers lie.
  if (plan == nullptr || overlap_in_part(send, recv)) {
    const std::size_t count = check_arguments(kind, team.rank(), team.size());
    if (plan == nullptr) plan = &state.plan(team, kind, count);
  }
  KnownCall& known = state.last();
  known.plan = plan;
  known.collective = call.collective;
  known.send = send;
  known.recv = recv;
  known.root = call.root;
  known.task = team.tasks();
  if (!plan->is_one_launch) return;
  const Piece all{0, plan->count};
  known.send_blocks = blocks(*plan, send, plan->shape.send_blocks, all);
  known.recv_blocks = blocks(*plan, recv, plan->shape.recv_blocks, all);
}

void launch_all(Device& device, const KnownCall& call, ReduceOp op) {
  const CallPlan& plan = *call.plan;
  if (plan.is_one_launch) {
    const Scratch::Half& half = take_scratch(device, plan, plan.count);
    return launch(device, call, op, half, call.send_blocks, call.recv_blocks);
  }
  std::size_t first = 0;
  do {
    const Piece piece{first, std::min(plan.longest_piece, plan.count - first)};
    launch_piece(device, call, op, piece);
    first += piece.length;
  } while (first < plan.count);
}

void carry_out(Team& team, const Given& given) {
  if (team.broken()) {
    throw Error(std::string(name(given.collective)) +
                ": an earlier call on this team failed half-way; start a new run");
  }
  static constexpr View nothing;  // stands for what nobody looks at, whose type may be any
  const Given call{
      .collective = given.collective,
      .send = sends(given.collective, team.rank(), given.root) ? given.send : nothing,
      .recv = receives(given.collective, team.rank(), given.root) ? given.recv : nothing,
      .algorithm = given.algorithm,
      .op = given.op,
      .root = given.root};
  CollectiveState& state = collective_state(team);
  const KnownCall& known = state.last();
  if (!is_known(team, known, call)) {
    try {
      look_into(team, state, call);
    } catch (const RunError&) {  // ranks talk to each other there, too
      team.break_off();
      throw;
    }
  }
  const CallPlan& plan = *known.plan;
  if (plan.count == 0 && call.collective != Collective::barrier) return;
  Device& device = team.device();
  try {
    launch_all(device, known, call.op);
    device.flush();
    device.expect({});
    state.has_called(team, plan);
  } catch (...) {
    team.break_off();
    throw;
  }
}

}  // namespace

void run_collective(Team& team, const CollectiveCall& call) {
  carry_out(team, {.collective = call.collective,
                   .send = call.send,
                   .recv = call.recv,
                   .algorithm = call.algorithm,
                   .op = call.op,
                   .root = call.root});
}

void all_reduce(Team& team, const AllReduce& args) {
  carry_out(team, {.collective = Collective::all_reduce,
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .op = args.op});
}

void all_gather(Team& team, const AllGather& args) {
  carry_out(team, {.collective = Collective::all_gather,
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm});
}

void reduce_scatter(Team& team, const ReduceScatter& args) {
  carry_out(team, {.collective = Collective::reduce_scatter,
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .op = args.op});
}

void all_to_all(Team& team, const AllToAll& args) {
  carry_out(team, {.collective = Collective::all_to_all,
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm});
}

void broadcast(Team& team, const Broadcast& args) {
  carry_out(team, {.collective = Collective::broadcast,
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .root = args.root});
}

void reduce(Team& team, const Reduce& args) {
  carry_out(team, {.collective = Collective::reduce,
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .op = args.op,
                   .root = args.root});
}

void gather(Team& team, const Gather& args) {
  carry_out(team, {.collective = Collective::gather,
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .root = args.root});
}

void scatter(Team& team, const Scatter& args) {
  carry_out(team, {.collective = Collective::scatter,
                   .send = args.send.view(),
                   .recv = args.recv.view(),
                   .algorithm = args.algorithm,
                   .root = args.root});
}

void barrier(Team& team) { run_collective(team, {.collective = Collective::barrier}); }

}  // namespace peal
