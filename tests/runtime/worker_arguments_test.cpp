// SPDX-License-Identifier: Apache-2.0
// Arguments and groups that a worker refuses, and the sentence that says so.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/worker_run.h"

namespace peal {
namespace {

Kernel with_window() {
  return {.name = "with_window",
          .run = [](Device&, const KernelArguments&) {},
          .buffers = {{.name = "given", .kind = KernelBuffer::Kind::input, .count = "2*P"},
                      {.name = "slots", .kind = KernelBuffer::Kind::window, .count = "4"}},
          .signals = {{.name = "arrived", .count = "P"}},
          .min_ranks = 2,
          .max_ranks = 3};
}

TEST(WorkerArguments, ArgumentsThatTheCallableDoesNotTake) {
  Worker worker = started(on_devices({5, 2, 9}));
  const CallableHandle add = worker.add(adder());
  const CallableHandle reduce = worker.add(collective("all_reduce"));
  const CallableHandle rooted = worker.add(collective("gather", {.root = 7}));
  const CallableHandle described = worker.add(with_window());
  std::vector<float> host(4), other(4);
  const std::vector<float> fixed(4);
  std::vector<int> integers(4);
  const Buffer here = worker.allocate({.name = "here", .device = 5, .count = 4});
  const Buffer there = worker.allocate({.name = "there", .device = 2, .count = 4});
  worker.run([&](Orchestrator& orch) {
    const Domain d = orch.allocate_domain({"d", {5, 2}, 64, {{.name = "slots", .count = 4}}});
    const Domain e = orch.allocate_domain({"e", {9, 5}, 64, {{.name = "slots", .count = 4}}});
    const auto submitting = [&](CallableHandle callable, const Args& args, int device = 5) {
      return refusal([&] { orch.submit(callable, args, device); });
    };
    EXPECT_EQ(submitting(add, Args{}.inout(here), 3),
              "task 0 `adder`: device 3 is not one of the worker's; its devices are 5, 2, 9");
    EXPECT_EQ(
        submitting(add, Args{}.inout(there).named("mine")),
        "task 0 `mine`: argument 0, `there`, lies on device 2, and the task runs on device 5; "
        "give what lies there");
    EXPECT_EQ(
        submitting(add, Args{}.out(fixed)),
        "task 0 `adder`: argument 0 is const and given as `out`; give it as `in`, or what can "
        "be written");
    EXPECT_EQ(submitting(add, Args{}.context(d[0]).context(e[1])),
              "task 0 `adder`: 2 contexts are given; a task has one domain at most");
    EXPECT_EQ(
        submitting(add, Args{}.context(d[1])),
        "task 0 `adder`: the context is device 2's in domain `d`, and the task runs on device "
        "5; give that one's");
    EXPECT_EQ(
        refusal([&] { orch.submit(add, Args{}.inout(Buffer()), 5); }),
        "buffer: this handle refers to nothing; use one that Worker::allocate or a domain has "
        "returned");
    EXPECT_EQ(submitting({}, {}),
              "submit: this callable is nothing; use what Worker::add has "
              "returned");
    EXPECT_EQ(submitting(add, Args{}.inout(here).after(Task{})),
              "task 0 `adder`: it is to wait for task 0 of another run; runs take effect in the "
              "order of their submission anyway, so leave it away");
    EXPECT_EQ(submitting(reduce, Args{}.inout(host)),
              "task 0 `all_reduce`: all_reduce: there is no context; add .context(domain[rank])");
    EXPECT_EQ(submitting(reduce, Args{}.context(d[0])),
              "task 0 `all_reduce`: all_reduce on rank 0: 0 arrays to send and 0 to receive are "
              "given; it takes one and "
              "one, or one inout for both");
    EXPECT_EQ(submitting(reduce, Args{}.context(d[0]).inout(host).out(other)),
              "task 0 `all_reduce`: all_reduce on rank 0: 1 arrays to send and 2 to receive are "
              "given; it takes one and "
              "one, or one inout for both");
    EXPECT_EQ(submitting(reduce, Args{}.in(host).scalar(3).context(d[0])),
              "task 0 `all_reduce`: all_reduce: argument 1 is a scalar; give arrays and a context");
    EXPECT_EQ(submitting(reduce, Args{}.no_dep(host).context(d[0])),
              "task 0 `all_reduce`: all_reduce: argument 0 is no_dep, which does not say whether "
              "it is sent or received; "
              "give `in`, `out` or `inout`");
    expect_part(submitting(reduce, Args{}.in(host).out(integers).context(d[0])), "i32");
    expect_part(submitting(reduce, Args{}.in(here).out(here.part(0, 3)).context(d[0])), "3");
    expect_part(submitting(rooted, Args{}.in(host).context(d[0])), "7");
    EXPECT_EQ(submitting(described, Args{}.context(d[0])),
              "task 0 `with_window`: kernel `with_window`: 0 arrays are given, and it takes 2; "
              "give one for each of its "
              "buffers, in their order");
    EXPECT_EQ(submitting(described, Args{}.in(host).inout(d[0].buffer("slots")).scalar(1)),
              "task 0 `with_window`: kernel `with_window`: argument 2 is a scalar; it takes "
              "buffers and a context");
    EXPECT_EQ(submitting(described, Args{}.in(host).inout(d[0].buffer("slots"))),
              "task 0 `with_window`: kernel `with_window`: there is no context; add "
              ".context(domain[rank])");
    EXPECT_EQ(submitting(described, Args{}.in(integers).inout(here).context(d[0])),
              "task 0 `with_window`: kernel `with_window`: array 0 is its buffer `given`, of f32, "
              "and i32 is given; give "
              "its type");
    EXPECT_EQ(submitting(described, Args{}.out(host).inout(here).context(d[0])),
              "task 0 `with_window`: kernel `with_window`: array 0 is its buffer `given`, which is "
              "`in`, and `out` is "
              "given; say what the kernel does with it");
    EXPECT_EQ(submitting(described, Args{}.in(here.part(0, 3)).inout(here).context(d[0])),
              "task 0 `with_window`: kernel `with_window`: array 0 is its buffer `given`, of 4 "
              "elements, and 3 are given; "
              "give as many");
    const std::string outside =
        "task 0 `with_window`: kernel `with_window`: array 1 is its buffer `slots`, which peers "
        "write or read, and what "
        "is given is in no window of the task's domain; give a buffer of the domain";
    EXPECT_EQ(submitting(described, Args{}.in(host).inout(here).context(d[0])), outside);
    EXPECT_EQ(submitting(described, Args{}.in(host).inout(e[1].buffer("slots")).context(d[0])),
              outside);
    const Domain alone = orch.allocate_domain({"alone", {5}, 64, {{.name = "slots", .count = 4}}});
    EXPECT_EQ(
        submitting(described,
                   Args{}.in(here.part(0, 2)).inout(alone[0].buffer("slots")).context(alone[0])),
        "task 0 `with_window`: kernel `with_window`: the domain has 1 ranks, and it takes 2 to 3; "
        "use a domain of "
        "as many devices");
    EXPECT_EQ(refusal([&] { orch.submit_sub(HostFunction{}); }),
              "task 0 `function`: the function is empty; give one");
    EXPECT_EQ(refusal([&] { orch.submit_sub(std::function<void()>{}); }),
              "task 0 `function`: the function is empty; give one");
    EXPECT_EQ(refusal([&] { orch.copy(host, here.part(0, 3)); }),
              "copy: 3 elements of f32 to 4 of f32; give as many of one type");
    EXPECT_EQ(refusal([&] { orch.copy(integers, here); }),
              "copy: 4 elements of f32 to 4 of i32; give as many of one type");
    EXPECT_EQ(refusal([&] { orch.copy(fixed, here); }),
              "task 0 `copy`: argument 0 is const and given as `out`; give it as `in`, or what can "
              "be written");
  });
  EXPECT_EQ(refusal([&] { static_cast<void>(here.part(3, 2)); }),
            "buffer `here`: 2 elements from 3 on are not within its 4; give a smaller part");
  EXPECT_EQ(refusal([&] { static_cast<void>(here.part(SIZE_MAX, 2)); }).substr(0, 14),
            "buffer `here`:");
}

TEST(WorkerArguments, ArgumentsThatAPtoCaseDoesNotHave) {
  Worker worker = started(on_devices({5, 2}));
  const CallableHandle shim = worker.add(pto_kernel(PEAL_SOURCE_DIR "/tests/pto/shim/"));
  const CallableHandle exchange =
      worker.add(pto_kernel(PEAL_SOURCE_DIR "/tests/pto/exchange.toml"));
  const PtoSource source("");
  const CallableHandle bare = worker.add(source.callable());
  std::vector<float> v(64), w(64);
  std::vector<std::int64_t> integers(64);
  worker.run([&](Orchestrator& orch) {
    const Domain d = orch.allocate_domain({"d", {5, 2}, 4096, {{.name = "scratch", .count = 288}}});
    const Domain e = orch.allocate_domain({"e", {5, 2}, 4096, {{.name = "scratch", .count = 288}}});
    const auto submitting = [&](CallableHandle callable, const Args& args) {
      return refusal([&] { orch.submit(callable, args, 5); });
    };
    expect_part(submitting(shim, Args{}.in(v).out(w)),
                "kernel `shim`: 2 arguments are given, and its case `" PEAL_SOURCE_DIR
                "/tests/pto/shim/case.toml` has 5; give as many, in their order");
    EXPECT_EQ(submitting(shim, Args{}.in(v).out(w).out(w).scalar(1).out(w)),
              "task 0 `shim`: kernel `shim`: argument 3 is out of its case, and a scalar is given; "
              "give arguments "
              "in the case's order");
    EXPECT_EQ(submitting(shim, Args{}.out(v).out(w).out(w).out(w).scalar(1)),
              "task 0 `shim`: kernel `shim`: argument 0 is in of its case, and `out` is given; say "
              "what the kernel "
              "does with it");
    EXPECT_EQ(submitting(shim, Args{}.in(v).out(w).out(integers).out(w).scalar(1)),
              "task 0 `shim`: kernel `shim`: argument 2 is out of its case, of f32, and i64 is "
              "given; give its "
              "type");
    const Buffer slots = d[0].buffer("scratch");
    EXPECT_EQ(submitting(exchange, Args{}.in(v).out(w).inout(w).scalar(0).context(d[0])),
              "task 0 `exchange`: kernel `exchange`: argument 2 is window of its case, which peers "
              "address, and what is "
              "given is in no window of the task's domain; give a buffer of the domain");
    EXPECT_EQ(submitting(exchange, Args{}.in(v).out(w).inout(slots).scalar(0).context(e[0])),
              "task 0 `exchange`: kernel `exchange`: argument 2 is window of its case, which peers "
              "address, and what is "
              "given is in no window of the task's domain; give a buffer of the domain");
    EXPECT_EQ(submitting(exchange, Args{}.in(v).out(w).in(slots).scalar(0).context(d[0])),
              "task 0 `exchange`: kernel `exchange`: argument 2 is window of its case, and `in` is "
              "given; say what the "
              "kernel does with it");
    EXPECT_EQ(submitting(exchange, Args{}.in(v).out(w).inout(slots).scalar(0).scalar(0)),
              "task 0 `exchange`: kernel `exchange`: argument 4 is context of its case, and a "
              "scalar is given; give "
              "arguments in the case's order");
    Args many;
    for (int i = 0; i < 60; ++i) many.scalar(i);
    EXPECT_EQ(submitting(bare, many),
              "task 0 `kernel`: kernel `kernel`: 60 arguments are given, and a kernel takes 48 at "
              "most; give fewer");
  });
}

TEST(WorkerArguments, GroupsThatMakeNoSense) {
  Worker worker = started(on_devices({5, 2, 9}));
  const CallableHandle add = worker.add(adder());
  std::vector<float> v(100), w(100);
  worker.run([&](Orchestrator& orch) {
    const auto grouping = [&](const std::vector<int>& devices, const std::vector<Args>& args) {
      return refusal([&] { orch.submit_group(add, devices, args); });
    };
    EXPECT_EQ(grouping({}, {}), "task 0 `adder`: no devices are given; name at least one");
    EXPECT_EQ(grouping({5, 2}, {Args{}}),
              "task 0 `adder`: 2 devices and arguments for 1; give each device its own");
    EXPECT_EQ(
        grouping({5, 2, 5}, {Args{}, Args{}, Args{}}),
        "task 0 `adder`: device 5 is twice in the group; a device takes one task at a time, so "
        "name each once");
    EXPECT_EQ(grouping({5, 8}, {Args{}, Args{}}),
              "task 0 `adder`: device 8 is not one of the worker's; its devices are 5, 2, 9");
    const auto part = [&](std::size_t first, std::size_t count) {
      return std::span(v).subspan(first, count);
    };
    const std::string clash =
        " use the same memory of the host, and one writes it; give each its own";
    EXPECT_EQ(grouping({5, 2}, {Args{}.inout(v), Args{}.inout(v)}),
              "task 0 `adder`: its members on devices 5 and 2" + clash);
    const std::vector<std::vector<Args>> clashes = {
        {Args{}.in(v), Args{}.out(part(99, 1))},
        {Args{}.out(part(0, 50)), Args{}.in(part(49, 51))},
        {Args{}.in(part(0, 50)), Args{}.in(v).out(part(10, 10))},
        {Args{}.in(part(0, 100)).in(part(0, 20)), Args{}.in(part(0, 90)).out(part(30, 1))},
        {Args{}.in(v), Args{}.out(w), Args{}.out(part(0, 1))},
    };
    for (const std::vector<Args>& args : clashes) {
      const std::vector<int> devices = {2, 9, 5};
      expect_part(
          grouping({devices.begin(), devices.begin() + static_cast<long>(args.size())}, args),
          clash);
    }
    EXPECT_EQ(grouping({5, 2}, {Args{}.inout(part(0, 50)), Args{}.inout(part(50, 50)).in(w)}),
              "nothing is thrown");
    EXPECT_EQ(grouping({5, 2}, {Args{}.inout(part(0, 50)).in(w), Args{}.inout(part(50, 50)).in(w)}),
              "nothing is thrown");
    // What one member gives as two outputs that overlap could not be written back.
    EXPECT_EQ(
        refusal([&] { orch.submit(add, Args{}.inout(part(0, 10)).inout(part(9, 10)), 5); }),
        "task 2 `adder`: device 5 is to write two arrays of host memory that overlap in part; "
        "give them as one, or apart");
  });
}

TEST(WorkerArguments, MembersOfACollectiveGiveTheSame) {
  Worker worker = started(on_devices({5, 2}));
  const CallableHandle reduce = worker.add(collective("all_reduce"));
  std::vector<float> four(4), five(5);
  std::vector<double> doubles(4);
  worker.run([&](Orchestrator& orch) {
    const Domain d = orch.allocate_domain({"d", {5, 2}, 64});
    EXPECT_EQ(refusal([&] {
                orch.submit_group(reduce, {5, 2},
                                  std::vector<Args>{Args{}.inout(four).context(d[0]),
                                                    Args{}.inout(five).context(d[1])});
              }),
              "task 0 `all_reduce`: all_reduce on rank 1: blocks of 5 elements of f32 are given, "
              "and rank 0 has 4 of f32; "
              "give every rank the same");
    EXPECT_EQ(refusal([&] {
                orch.submit_group(reduce, {5, 2},
                                  std::vector<Args>{Args{}.inout(four).context(d[0]),
                                                    Args{}.inout(doubles).context(d[1])});
              }),
              "task 0 `all_reduce`: all_reduce on rank 1: blocks of 4 elements of f64 are given, "
              "and rank 0 has 4 of f32; "
              "give every rank the same");
  });
}

}  // namespace
}  // namespace peal
