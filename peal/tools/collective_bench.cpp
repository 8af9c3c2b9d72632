// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/collective_bench.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "peal/collectives/collectives.h"
#include "peal/launch/timed_call.h"
#include "peal/tools/call_times.h"

namespace peal {
namespace {

// Element i of the send of `rank` in a call: small numbers, so that sums are exact; for products
// ones and few twos.
int input(const BenchPlan& plan, int rank, std::uint64_t call, std::size_t i) {
  const std::uint64_t mixed = i + 3 * static_cast<std::uint64_t>(rank) + 5 * call;
  if (plan.op == ReduceOp::prod) {
    return mixed % static_cast<std::uint64_t>(std::max(4, plan.ranks)) < 2 ? 2 : 1;
  }
  return static_cast<int>(mixed % 4);
}

int combined(const BenchPlan& plan, std::uint64_t call, std::size_t i) {
  int result = input(plan, 0, call, i);
  for (int rank = 1; rank < plan.ranks; ++rank) {
    const int next = input(plan, rank, call, i);
    switch (plan.op) {
      case ReduceOp::sum:
        result += next;
        break;
      case ReduceOp::prod:
        result *= next;
        break;
      case ReduceOp::min:
        result = std::min(result, next);
        break;
      case ReduceOp::max:
        result = std::max(result, next);
    }
  }
  return result;
}

// The correct element i of the recv of `rank`.
int expected(const BenchPlan& plan, std::size_t count, int rank, std::uint64_t call,
             std::size_t i) {
  const ElementOrigin from = origin(plan.collective, {.rank = rank,
                                                      .root = plan.root,
                                                      .block = static_cast<int>(i / count),
                                                      .count = count,
                                                      .offset = i % count});
  return from.combined ? combined(plan, call, from.element)
                       : input(plan, from.from, call, from.element);
}

template <class Value>
void fill(const View& view, Value value) {
  with_type(view.dtype, [&](auto zero) {
    using T = decltype(zero);
    auto* const elements = reinterpret_cast<T*>(view.data);
    for (std::size_t i = 0; i < view.count; ++i) elements[i] = element_of<T>(value(i));
  });
}

template <class Value>
std::uint64_t count_wrong(const View& view, Value value) {
  return with_type(view.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::uint64_t wrong = 0;
    for (std::size_t i = 0; i < view.count; ++i) {
      const T right = element_of<T>(value(i));
      wrong += std::memcmp(view.data + i * sizeof(T), &right, sizeof(T)) != 0 ? 1u : 0u;
    }
    return wrong;
  });
}

// A rank's buffers; in place, the shorter one is a part of the longer one.
struct Buffers {
  View send, recv;
};

Buffers make_buffers(const BenchPlan& plan, Team& team, std::size_t count, bool in_place) {
  const CollectiveShape blocks = shape(plan.collective, plan.ranks);
  const auto length = [count](int of) { return static_cast<std::size_t>(of) * count; };
  Buffers made{team.allocate(length(blocks.send_blocks), plan.dtype),
               team.allocate(length(blocks.recv_blocks), plan.dtype)};
  if (!in_place) return made;
  const std::size_t own = static_cast<std::size_t>(team.rank()) * count;
  if (blocks.recv_blocks > blocks.send_blocks) {
    made.send = made.recv.part(own, count);
  } else if (blocks.send_blocks > blocks.recv_blocks) {
    made.recv = made.send.part(own, count);
  } else {
    made.send = made.recv;
  }
  return made;
}

// A number of calls that takes about a second and suffices for a 99th percentile.
std::uint64_t calls_for(const BenchPlan& plan, std::size_t count) {
  if (plan.iterations) return *plan.iterations;
  const std::uint64_t bytes = std::max<std::uint64_t>(1, plan.size_bytes(count));
  return std::clamp<std::uint64_t>((std::uint64_t{1} << 28) / bytes, 20, 20000);
}

}  // namespace

std::size_t BenchPlan::size_bytes(std::size_t count) const {
  const CollectiveShape blocks = shape(collective, ranks);
  return count * static_cast<std::size_t>(std::max(blocks.send_blocks, blocks.recv_blocks)) *
         peal::size_bytes(dtype);
}

BenchRow measure(const BenchPlan& plan, std::size_t count, bool in_place) {
  const std::uint64_t calls = calls_for(plan, count), warm_up = std::min<std::uint64_t>(calls, 10);
  const auto ranks = static_cast<std::size_t>(plan.ranks);
  // Per rank: the times of its calls, then the number of its wrong elements.
  const std::span<std::byte> shared =
      plan.executor->share(ranks * (calls + 1) * sizeof(std::uint64_t));
  const auto of_rank = [&](std::size_t rank) {
    return std::span(reinterpret_cast<std::uint64_t*>(shared.data()) + rank * (calls + 1),
                     calls + 1);
  };
  plan.executor->run(
      plan.ranks,
      [&](Team& team) {
        const std::span<std::uint64_t> own = of_rank(static_cast<std::size_t>(team.rank()));
        const Buffers buffers = make_buffers(plan, team, count, in_place);
        const SignalRow rounds =
            team.device().allocate_signals("bench barrier", barrier_rounds(plan.ranks));
        const bool gives = sends(plan.collective, team.rank(), plan.root);
        const bool takes = receives(plan.collective, team.rank(), plan.root);
        for (std::uint64_t call = 0; call < warm_up + calls; ++call) {
          if (gives) {
            fill(buffers.send, [&](std::size_t i) { return input(plan, team.rank(), call, i); });
          }
          const std::int64_t took = timed_call_ns(team.device(), rounds, [&] {
            run_collective(team, {.collective = plan.collective,
                                  .send = buffers.send,
                                  .recv = buffers.recv,
                                  .op = plan.op,
                                  .root = plan.root,
                                  .algorithm = plan.algorithm});
          });
          if (call >= warm_up) own[call - warm_up] = static_cast<std::uint64_t>(took);
          if (takes) {
            own[calls] += count_wrong(buffers.recv, [&](std::size_t i) {
              return expected(plan, count, team.rank(), call, i);
            });
          }
          barrier(team.device(), rounds);
        }
      },
      {});
  BenchRow row{.count = count, .in_place = in_place, .calls = calls};
  CallTimes slowest{std::vector<std::int64_t>(calls)};
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const std::span<const std::uint64_t> own = of_rank(rank);
    for (std::uint64_t call = 0; call < calls; ++call) {
      slowest.ns[call] = std::max(slowest.ns[call], static_cast<std::int64_t>(own[call]));
    }
    row.wrong += own[calls];
  }
  slowest.sort();
  row.median_us = slowest.median_us();
  row.p99_us = slowest.p99_us();
  return row;
}

}  // namespace peal
