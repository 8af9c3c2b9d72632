// SPDX-License-Identifier: Apache-2.0
// Every collective as a task of a worker, on simulated devices and on processes.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "peal/launch/launch.h"
#include "peal/reference/reference.h"
#include "tests/support/slice.h"
#include "tests/support/worker_run.h"

namespace peal {
namespace {

enum class Placement { host, buffers, in_place, windows, windows_in_place };

reference::Comparison compare(Collective collective, const reference::Buffers& buffers, DType dtype,
                              int root) {
  using reference::Inputs;
  const ReduceOp op = ReduceOp::sum;
  const reference::Tolerance tolerance = reference::reduction_tolerance(dtype, op, Inputs::exact);
  switch (collective) {
    case Collective::all_reduce:
      return reference::all_reduce(buffers, op, tolerance);
    case Collective::reduce:
      return reference::reduce(buffers, op, root, tolerance);
    case Collective::reduce_scatter:
      return reference::reduce_scatter(buffers, op, tolerance);
    case Collective::all_gather:
      return reference::all_gather(buffers);
    case Collective::gather:
      return reference::gather(buffers, root);
    case Collective::scatter:
      return reference::scatter(buffers, root);
    case Collective::broadcast:
      return reference::broadcast(buffers, root);
    default:
      return reference::all_to_all(buffers);
  }
}

using Handles = std::map<Collective, CallableHandle>;

// A worker that knows all collectives.
Worker with_collectives(const WorkerOptions& options, Handles& handles) {
  Worker worker = open_worker(options);
  const int root = static_cast<int>(worker.devices().size()) / 2;
  for (Collective collective : all_collectives) {
    handles[collective] = worker.add(peal::collective(name(collective), {.root = root}));
  }
  worker.start();
  return worker;
}

// One call of a collective on memory of its own.
template <class T>
class CollectiveTask {
 public:
  CollectiveTask(Worker& worker, const Handles& handles, Collective collective, std::size_t count,
                 Placement placement)
      : worker_(worker),
        collective_(collective),
        count_(count),
        placement_(placement),
        ranks_(static_cast<int>(worker.devices().size())),
        root_(ranks_ / 2),
        handle_(handles.at(collective)) {
    const CollectiveShape blocks = shape(collective, ranks_);
    for (int rank = 0; rank < ranks_; ++rank) {
      send_.emplace_back(static_cast<std::size_t>(blocks.send_blocks) * count);
      recv_.emplace_back(static_cast<std::size_t>(blocks.recv_blocks) * count);
      for (std::size_t i = 0; i < send_.back().size(); ++i) {
        send_.back()[i] = T(static_cast<float>((i + 3 * static_cast<std::size_t>(rank)) % 5));
      }
      if (placement == Placement::buffers || placement == Placement::in_place) {
        sends_.push_back(allocate(rank, send_.back()));
        recvs_.push_back(allocate(rank, recv_.back()));
      }
    }
  }

  void submit(Orchestrator& orch, const Domain& domain) {
    const bool in_windows =
        placement_ == Placement::windows || placement_ == Placement::windows_in_place;
    if (in_windows) return submit_in_windows(orch);
    orch.submit_group(handle_, domain.devices(), [&](int rank) {
      const auto at = static_cast<std::size_t>(rank);
      Args args;
      args.context(domain[rank]);
      const bool sends_one = sends(collective_, rank, root_);
      const bool takes_one = receives(collective_, rank, root_);
      if (collective_ == Collective::barrier) return args;
      if (placement_ == Placement::in_place) return args.inout(sends_[at]);
      const bool on_host = placement_ == Placement::host;
      if (sends_one) args.in(on_host ? Array(std::as_const(send_[at])) : Array(sends_[at]));
      if (takes_one) args.out(on_host ? Array(recv_[at]) : Array(recvs_[at]));
      return args;
    });
  }

  void expect_result() {
    if (collective_ == Collective::barrier) return;
    std::vector<View> sent, received;
    for (std::size_t rank = 0; rank < send_.size(); ++rank) {
      if (placement_ == Placement::buffers) worker_.copy_from(recv_[rank], recvs_[rank]);
      if (placement_ == Placement::in_place) worker_.copy_from(recv_[rank], sends_[rank]);
      sent.push_back(View::of(std::span(send_[rank])));
      received.push_back(View::of(std::span(recv_[rank])));
    }
    const reference::Comparison comparison =
        compare(collective_, {sent, received, count_}, DTypeOf<T>::value, root_);
    EXPECT_TRUE(comparison.equal())
        << name(collective_) << " of " << count_ << " " << name(DTypeOf<T>::value) << " on "
        << ranks_ << " devices, placement " << static_cast<int>(placement_);
  }

 private:
  // In a domain of its own, at another place of the window on each rank.
  void submit_in_windows(Orchestrator& orch) {
    const std::size_t sent = send_.front().size(), received = recv_.front().size();
    const auto at = [&](int rank) { return static_cast<std::size_t>(3 * rank); };
    const std::size_t spare = at(ranks_);
    const Domain domain = orch.allocate_domain(
        {.name = "windows",
         .devices = worker_.devices(),
         .window_bytes = (sent + received + 2 * spare) * sizeof(T) + 64,
         .buffers = {{.name = "send", .dtype = DTypeOf<T>::value, .count = sent + spare},
                     {.name = "recv", .dtype = DTypeOf<T>::value, .count = received + spare}}});
    const auto buffer = [&](const char* name, int rank, std::size_t count) {
      return domain[rank].buffer(name).part(at(rank), count);
    };
    const bool in_place = placement_ == Placement::windows_in_place;
    for (int rank = 0; rank < ranks_; ++rank) {
      orch.copy(buffer("send", rank, sent), std::as_const(send_[static_cast<std::size_t>(rank)]));
    }
    orch.submit_group(handle_, domain.devices(), [&](int rank) {
      Args args;
      args.context(domain[rank]);
      if (collective_ == Collective::barrier) return args;
      if (in_place) return args.inout(buffer("send", rank, sent));
      if (sends(collective_, rank, root_)) args.in(buffer("send", rank, sent));
      if (receives(collective_, rank, root_)) args.out(buffer("recv", rank, received));
      return args;
    });
    for (int rank = 0; rank < ranks_; ++rank) {
      orch.copy(recv_[static_cast<std::size_t>(rank)],
                in_place ? buffer("send", rank, sent) : buffer("recv", rank, received));
    }
  }

  Buffer allocate(int rank, const std::vector<T>& elements) {
    const Buffer buffer =
        worker_.allocate({.device = worker_.devices()[static_cast<std::size_t>(rank)],
                          .dtype = DTypeOf<T>::value,
                          .count = elements.size()});
    worker_.copy_to(buffer, elements);
    return buffer;
  }

  Worker& worker_;
  Collective collective_;
  std::size_t count_;
  Placement placement_;
  int ranks_, root_;
  CallableHandle handle_;
  std::vector<std::vector<T>> send_, recv_;
  std::vector<Buffer> sends_, recvs_;
};

template <class T>
void expect_collectives(Worker& worker, const Handles& handles,
                        const std::vector<std::size_t>& counts) {
  std::vector<CollectiveTask<T>> tasks;
  for (Collective collective : all_collectives) {
    const CollectiveShape blocks = shape(collective, static_cast<int>(worker.devices().size()));
    for (std::size_t count : counts) {
      for (Placement placement : {Placement::host, Placement::buffers, Placement::in_place,
                                  Placement::windows, Placement::windows_in_place}) {
        const bool in_place =
            placement == Placement::in_place || placement == Placement::windows_in_place;
        if (in_place && blocks.send_blocks != blocks.recv_blocks) continue;
        tasks.emplace_back(worker, handles, collective, count, placement);
      }
    }
  }
  const GraphReport report = worker.run([&](Orchestrator& orch) {
    const Domain domain = orch.allocate_domain(
        {.name = "all", .devices = worker.devices(), .window_bytes = 64, .buffers = {}});
    for (auto& task : tasks) task.submit(orch, domain);
  });
  EXPECT_GT(report.tasks.size(), tasks.size());  // copies are tasks, too
  EXPECT_EQ(report.failures(), 0u);
  for (auto& task : tasks) task.expect_result();
}

// What a task is told of where its arrays lie.
void ask_for_windows(Device& self, const TaskArguments& args) {
  for (std::size_t i = 1; i + 1 < args.size(); ++i) {  // the last one is the context
    args.elements<std::int32_t>(0)[i - 1] = self.is_in_window(args.view(i)) ? 1 : 0;
  }
}

using Answers = std::vector<std::vector<std::int32_t>>;  // by member, of two arrays

// `how` gives each member its arrays; they are `a` and `b` of the domain, or memory of the host.
Answers ask(Worker& worker, CallableHandle asks, const std::vector<int>& members,
            const std::function<Args(const DomainMember&, std::span<float>)>& how) {
  Answers answers(members.size(), {-1, -1});
  std::vector<std::vector<float>> host(members.size(), std::vector<float>(8));
  worker.run([&](Orchestrator& orch) {
    const Domain domain = orch.allocate_domain(
        {"d", {5, 2, 9}, 128, {{.name = "a", .count = 8}, {.name = "b", .count = 8}}});
    orch.submit_group(asks, members, [&](int member) {
      const auto at = static_cast<std::size_t>(member);
      Args args = Args{}.no_dep(answers[at]);
      const DomainMember place = domain.on_device(members[at]);
      const Args more = how(place, host[at]);
      for (const Args::Entry& entry : more.entries()) args.add(*entry.array, entry.direction);
      return args.context(place);
    });
  });
  return answers;
}

TEST(WorkerCollectives, OnlyWhatLiesInWindowsOnAllRanksCountsAsThat) {
  const std::vector<int> all = {5, 2, 9};
  const auto three = [](std::int32_t a, std::int32_t b) { return Answers(3, {a, b}); };
  for (const char* platform : {"a2a3sim", "shm"}) {
    SCOPED_TRACE(platform);
    Worker worker = open_worker({.platform = platform, .devices = all});
    const CallableHandle asks = worker.add(device_function("asks", ask_for_windows));
    worker.start();
    const auto both = [](const DomainMember& at, std::span<float>) {
      return Args{}.in(at.buffer("a")).out(at.buffer("b"));
    };
    EXPECT_EQ(ask(worker, asks, all, both), three(1, 1));
    // Not all ranks take part in the task.
    EXPECT_EQ(ask(worker, asks, {5, 2}, both), Answers(2, {0, 0}));
    EXPECT_EQ(ask(worker, asks, all,
                  [](const DomainMember& at, std::span<float> host) {
                    return Args{}.in(at.buffer("a")).out(host);
                  }),
              three(1, 0));
    // One member's memory is the host's.
    const auto from_host = [](const DomainMember& at, std::span<float> host) {
      const Array own = at.rank() == 1 ? Array(host) : Array(at.buffer("a"));
      return Args{}.in(own).out(at.buffer("b"));
    };
    EXPECT_EQ(ask(worker, asks, all, from_host), three(0, 1));
    // One member sends and receives at one place, and the others do not.
    const auto in_place = [](const DomainMember& at, std::span<float>) {
      if (at.rank() == 1) return Args{}.inout(at.buffer("a"));
      return Args{}.in(at.buffer("a")).out(at.buffer("b"));
    };
    EXPECT_EQ(ask(worker, asks, all, in_place), (Answers{{0, 0}, {0, -1}, {0, 0}}));
    // As in a broadcast, where the others send nothing.
    const auto from_one = [](const DomainMember& at, std::span<float>) {
      if (at.rank() == 1) return Args{}.inout(at.buffer("a"));
      return Args{}.out(at.buffer("b"));
    };
    EXPECT_EQ(ask(worker, asks, all, from_one), Answers(3, {1, -1}));
  }
}

TEST(WorkerCollectives, EveryOneIsATask) {
  for (const char* platform : {"a2a3sim", "a5sim", "shm"}) {
    for (int devices : tests::all_or_slice({1, 2, 3, 4, 7}, {1, 3})) {
      for (const char* schedule : {"virtual", "random:7"}) {
        if (!is_simulated(platform) && std::string(schedule) != "virtual") continue;
        Handles handles;
        Worker worker = with_collectives(
            {.platform = platform, .devices = device_numbers(devices), .schedule = schedule},
            handles);
        expect_collectives<float>(worker, handles,
                                  tests::all_or_slice<std::size_t>({0, 1, 13, 1000}, {0, 13}));
        expect_collectives<std::uint8_t>(worker, handles, {5});
        expect_collectives<Float16>(worker, handles, {3});
        expect_collectives<std::int64_t>(worker, handles, {33});
      }
    }
  }
  for (const char* platform : {"a2a3sim", "shm"}) {
    Handles handles;
    Worker large = with_collectives({.platform = platform, .devices = {3, 1}}, handles);
    expect_collectives<double>(large, handles, {100'003});
  }
}

}  // namespace
}  // namespace peal
