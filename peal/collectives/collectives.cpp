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

Chunks blocks(const View& all, int count, std::size_t stride, Piece piece) {
  if (count == 0 || all.data == nullptr) return {};
  return {all.part(piece.first, piece.length), count, stride};
}

void launch_piece(Device& device, const CollectiveCall& call, const Algorithm& algorithm,
                  std::size_t count, Piece piece, Scratch& scratch) {
  const CollectiveShape blocks_of = shape(call.collective, device.ranks());
  const DType dtype = call.recv.data != nullptr ? call.recv.dtype : call.send.dtype;
  const Scratch::Half half = scratch.next(piece.length, dtype);
  KernelCall launch{.send = blocks(call.send, blocks_of.send_blocks, count, piece),
                    .recv = blocks(call.recv, blocks_of.recv_blocks, count, piece),
                    .data = {},
                    .scratch = half.scratch,
                    .signals = half.signals,
                    .reused = half.reused,
                    .root = Rank{call.root},
                    .op = call.op};
  if (call.collective != Collective::all_reduce) return algorithm.launch(device, launch);
  const View data = algorithm.data_in_window ? half.data : launch.recv[0];
  device.copy(data, launch.send[0]);
  launch.data = Chunks(data, device.ranks());
  algorithm.launch(device, launch);
  device.copy(launch.recv[0], data);
}

}  // namespace

void run_collective(Team& team, const CollectiveCall& asked) {
  if (team.broken()) {
    throw Error(std::string(name(asked.collective)) +
                ": an earlier call on this team failed half-way; start a new run");
  }
  CollectiveCall call = asked;  // less what nobody looks at, whose type may be any
  if (!sends(call.collective, team.rank(), call.root)) call.send = {};
  if (!receives(call.collective, team.rank(), call.root)) call.recv = {};
  const Algorithm* const named =
      call.algorithm == "auto" ? nullptr : &find_algorithm(call.collective, call.algorithm);
  const std::size_t count = check_arguments(call, team.rank(), team.size());
  const DType dtype = call.recv.data != nullptr ? call.recv.dtype : call.send.dtype;
  if (count == 0 && call.collective != Collective::barrier) return;
  CollectiveState& state = collective_state(team);
  const Algorithm& algorithm =
      named != nullptr ? *named : state.choose(team, call.collective, count, dtype);
  try {
    const bool has_root = shape(call.collective, team.size()).has_root;
    Scratch& scratch = state.scratch(team, algorithm, has_root ? call.root : 0);
    const std::size_t longest = scratch.longest_piece(dtype);
    std::size_t first = 0;
    do {
      const Piece piece{first, std::min(longest, count - first)};
      launch_piece(team.device(), call, algorithm, count, piece, scratch);
      first += piece.length;
    } while (first < count);
    team.device().flush();
  } catch (...) {
    team.break_off();
    throw;
  }
}

void all_reduce(Team& team, const AllReduce& args) {
  run_collective(team, {.collective = Collective::all_reduce,
                        .send = args.send.view(),
                        .recv = args.recv.view(),
                        .op = args.op,
                        .algorithm = args.algorithm});
}

void all_gather(Team& team, const AllGather& args) {
  run_collective(team, {.collective = Collective::all_gather,
                        .send = args.send.view(),
                        .recv = args.recv.view(),
                        .algorithm = args.algorithm});
}

void reduce_scatter(Team& team, const ReduceScatter& args) {
  run_collective(team, {.collective = Collective::reduce_scatter,
                        .send = args.send.view(),
                        .recv = args.recv.view(),
                        .op = args.op,
                        .algorithm = args.algorithm});
}

void all_to_all(Team& team, const AllToAll& args) {
  run_collective(team, {.collective = Collective::all_to_all,
                        .send = args.send.view(),
                        .recv = args.recv.view(),
                        .algorithm = args.algorithm});
}

void broadcast(Team& team, const Broadcast& args) {
  run_collective(team, {.collective = Collective::broadcast,
                        .send = args.send.view(),
                        .recv = args.recv.view(),
                        .root = args.root,
                        .algorithm = args.algorithm});
}

void reduce(Team& team, const Reduce& args) {
  run_collective(team, {.collective = Collective::reduce,
                        .send = args.send.view(),
                        .recv = args.recv.view(),
                        .op = args.op,
                        .root = args.root,
                        .algorithm = args.algorithm});
}

void gather(Team& team, const Gather& args) {
  run_collective(team, {.collective = Collective::gather,
                        .send = args.send.view(),
                        .recv = args.recv.view(),
                        .root = args.root,
                        .algorithm = args.algorithm});
}

void scatter(Team& team, const Scatter& args) {
  run_collective(team, {.collective = Collective::scatter,
                        .send = args.send.view(),
                        .recv = args.recv.view(),
                        .root = args.root,
                        .algorithm = args.algorithm});
}

void barrier(Team& team) { run_collective(team, {.collective = Collective::barrier}); }

}  // namespace peal
