// SPDX-License-Identifier: Apache-2.0
// What a worker refuses, and the sentence that says so.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tests/worker_run.h"

namespace peal {
namespace {

using Submit = std::function<void(Orchestrator&)>;

// What a run that submits this is refused with.
std::string run_refusal(Worker& worker, const Submit& orchestrate) {
  return refusal([&] { worker.run(orchestrate); });
}

Kernel with_window() {
  return {.name = "with_window",
          .run = [](Device&, const KernelArguments&) {},
          .buffers = {{.name = "given", .kind = KernelBuffer::Kind::input, .count = "2*P"},
                      {.name = "slots", .kind = KernelBuffer::Kind::window, .count = "4"}},
          .signals = {{.name = "arrived", .count = "P"}},
          .least_ranks = 2,
          .most_ranks = 3};
}

TEST(WorkerMisuse, DevicesAndPlatformsThatMakeNoSense) {
  const auto opening = [](const WorkerOptions& options) {
    return refusal([&] { static_cast<void>(open_worker(options)); });
  };
  EXPECT_EQ(opening({.devices = {}}),
            "worker: no devices are given; name at least one, such as .devices = {0}");
  EXPECT_EQ(opening({.devices = {0, -3}}),
            "worker: device -3 is negative; devices are numbered from 0");
  EXPECT_EQ(opening({.devices = {4, 2, 4}}),
            "worker: device 4 is given twice; name each device once");
  EXPECT_EQ(opening({.platform = "a9sim"}),
            "platform `a9sim` is unknown; use one of a2a3sim, a5sim, hostsim, or the path of a "
            ".toml file");
  expect_part(opening({.platform = "nowhere.toml"}), "nowhere.toml");
  for (double seconds : {0.0, -1.0, std::nan("")}) {
    expect_part(opening({.time_limit_seconds = seconds}), "worker: a time limit of ");
  }
  std::vector<int> many(70000);
  for (int i = 0; i < 70000; ++i) many[static_cast<std::size_t>(i)] = i;
  expect_part(opening({.devices = many}), "worker: 70000 devices; the simulator takes 1 to ");
  expect_part(opening({.schedule = "randm:3"}), "randm:3");
}

TEST(WorkerMisuse, ThePhasesOfAWorker) {
  Worker worker = open_worker({});
  const auto nothing = [](Orchestrator&) {};
  std::vector<float> host(1);
  EXPECT_EQ(worker.phase(), WorkerPhase::fresh);
  EXPECT_EQ(run_refusal(worker, nothing), "submit: the worker is new; call start() first");
  EXPECT_EQ(refusal([&] { static_cast<void>(worker.allocate({.count = 1})); }),
            "allocate: the worker is new; call start() first");
  const CallableHandle before = worker.add(adder());
  worker.start();
  EXPECT_EQ(worker.phase(), WorkerPhase::ready);
  EXPECT_EQ(refusal([&] { worker.start(); }),
            "start: the worker is ready and not new; start a worker once");
  const Buffer buffer = worker.allocate({.count = 1});
  worker.run([&](Orchestrator& orch) { orch.submit(before, Args{}.inout(buffer), 0); });
  EXPECT_EQ(worker.run(nothing).tasks.size(), 0u);
  EXPECT_EQ(run_refusal(worker, nullptr), "submit: the function is empty; give one");
  worker.close();
  worker.close();
  EXPECT_EQ(worker.phase(), WorkerPhase::closed);
  EXPECT_EQ(run_refusal(worker, nothing), "submit: the worker is closed; open a new one");
  EXPECT_EQ(refusal([&] { worker.add(adder()); }), "add: the worker is closed; open a new one");
  EXPECT_EQ(refusal([&] { worker.start(); }),
            "start: the worker is closed and not new; start a worker once");
  EXPECT_EQ(refusal([&] { worker.copy_to(buffer, host); }),
            "copy_to: the worker is closed; open a new one");
  EXPECT_EQ(refusal([&] { worker.copy_from(host, buffer); }),
            "copy_from: the worker is closed; open a new one");
  EXPECT_EQ(refusal([&] { worker.free(buffer); }), "free: the worker is closed; open a new one");
}

class NoProgram final : public TaskProgram {};

TEST(WorkerMisuse, CallablesThatNobodyCanRun) {
  Worker worker = started();
  EXPECT_EQ(refusal([&] { worker.add(Callable{.name = "empty", .program = nullptr}); }),
            "callable `empty` has no program; make it with collective(), kernel(), "
            "device_function() or pto_kernel()");
  const Callable odd{.name = "odd", .program = std::make_shared<NoProgram>()};
  const std::string text =
      "callable `odd` is nothing that the simulator can run; give a kernel or a collective";
  EXPECT_EQ(refusal([&] { worker.add(odd); }), text);
  Worker unstarted = open_worker({});
  unstarted.add(odd);
  EXPECT_EQ(refusal([&] { unstarted.start(); }), text);
  EXPECT_EQ(unstarted.phase(), WorkerPhase::failed);
  EXPECT_EQ(refusal([&] { unstarted.add(adder()); }), "add: the worker is failed; open a new one");
  unstarted.close();
  EXPECT_EQ(refusal([&] { static_cast<void>(device_function("f", nullptr)); }),
            "callable `f`: the function is empty; give one");
  EXPECT_EQ(refusal([&] {
              static_cast<void>(device_function("", [](Device&, const TaskArguments&) {}));
            }),
            "callable: the name is empty; give one, which reports can use");
  expect_part(refusal([&] { static_cast<void>(collective("all_reduce_all")); }), "all_reduce_all");
  expect_part(refusal([&] { static_cast<void>(collective("all_reduce", {.algorithm = "star"})); }),
              "star");
  EXPECT_EQ(refusal([&] { static_cast<void>(pto_kernel("no/such.cpp")); }),
            "kernel `no/such.cpp` is not there; name a folder with a case.toml, a case file, or a "
            "source");
  expect_part(refusal([&] { static_cast<void>(pto_kernel("/tmp")); }), "/tmp/case.toml");
}

TEST(WorkerMisuse, DomainsThatMakeNoSense) {
  Worker worker = started(on_devices({5, 2, 9}));
  const auto allocating = [&](const DomainRequest& request) {
    return run_refusal(
        worker, [&](Orchestrator& orch) { static_cast<void>(orch.allocate_domain(request)); });
  };
  const std::vector<int> two = {5, 2};
  EXPECT_EQ(allocating({.name = "", .devices = two, .window_bytes = 64}),
            "domain: the name is empty; give one, which reports can use");
  EXPECT_EQ(allocating({.name = "d", .devices = {}, .window_bytes = 64}),
            "domain `d`: no devices are given; name at least one");
  EXPECT_EQ(allocating({.name = "d", .devices = {5, 2, 5}, .window_bytes = 64}),
            "domain `d`: device 5 is given twice; name each device once");
  EXPECT_EQ(allocating({.name = "d", .devices = {5, 3}, .window_bytes = 64}),
            "domain `d`: device 3 is not one of the worker's; its devices are 5, 2, 9");
  EXPECT_EQ(allocating({.name = "d", .devices = {-1}, .window_bytes = 64}),
            "domain `d`: device -1 is not one of the worker's; its devices are 5, 2, 9");
  EXPECT_EQ(allocating({.name = "d", .devices = two, .window_bytes = 0}),
            "domain `d`: a window of 0 bytes; give at least 1");
  const auto with = [&](const std::vector<DomainBuffer>& buffers, std::size_t window_bytes = 100) {
    return allocating(
        {.name = "d", .devices = two, .window_bytes = window_bytes, .buffers = buffers});
  };
  EXPECT_EQ(with({{.name = "", .count = 1}}),
            "domain `d`: buffer name `` is empty; give each buffer one of its own");
  EXPECT_EQ(with({{.name = "a", .count = 1}, {.name = "a", .count = 1}}),
            "domain `d`: buffer name `a` is used twice; give each buffer one of its own");
  EXPECT_EQ(with({{.name = "a", .count = 26}}),
            "domain `d`: buffer `a` of 26 elements of f32 is larger than the window of 100 bytes; "
            "raise window_bytes");
  EXPECT_EQ(with({{.name = "a", .count = SIZE_MAX}}).substr(0, 26), "domain `d`: buffer `a` of ");
  EXPECT_EQ(
      with({{.name = "a", .count = 10}, {.name = "b", .count = 10}}),
      "domain `d`: buffer `b` of 40 bytes does not fit into the window of 100 bytes, of which "
      "64 are taken; raise window_bytes to 104 or more");
  EXPECT_EQ(with({{.name = "a", .dtype = DType::i64, .count = 2, .size_bytes = 15}}),
            "domain `d`: buffer `a` of 15 bytes does not hold 2 elements of i64; give 16 bytes or "
            "more");
  EXPECT_EQ(with({{.name = "a", .size_bytes = SIZE_MAX}}),
            "domain `d`: buffer `a` of 18446744073709551615 bytes does not fit into the window of "
            "100 bytes, of which 0 are taken; raise window_bytes to 18446744073709551615 or more");
  expect_part(with({}, std::size_t{1} << 60), "`d window` of 1152921504606846976 bytes is more ");
  EXPECT_EQ(with({{.name = "a", .count = 0}, {.name = "b", .count = 25}}), "nothing is thrown");
  EXPECT_EQ(run_refusal(worker,
                        [&](Orchestrator& orch) {
                          const Domain a = orch.allocate_domain({"same", two, 64});
                          static_cast<void>(orch.allocate_domain({"same", {9}, 64}));
                        }),
            "domain `same`: the name is in use in this run; release that domain, or give another "
            "name");
  worker.run([&](Orchestrator& orch) {
    Domain d = orch.allocate_domain({"d", two, 64, {{.name = "a", .count = 1}}});
    EXPECT_EQ(refusal([&] { static_cast<void>(d[2]); }),
              "domain `d`: 2 is not one of its ranks 0..1");
    EXPECT_EQ(refusal([&] { static_cast<void>(d[-1]); }),
              "domain `d`: -1 is not one of its ranks 0..1");
    EXPECT_EQ(refusal([&] { static_cast<void>(d.on_device(9)); }),
              "domain `d`: device 9 is not a member; its devices are 5, 2");
    EXPECT_EQ(d.on_device(2).rank(), 1);
    EXPECT_EQ(refusal([&] { static_cast<void>(d[0].buffer("b")); }),
              "domain `d` has no buffer `b`; use one of `a`");
    d.release();
    d.release();
    const Domain again = orch.allocate_domain({"d", two, 64});
    EXPECT_EQ(refusal([&] { static_cast<void>(again[0].buffer("b")); }),
              "domain `d` has no buffer `b`; give it one in `buffers`");
  });
}

TEST(WorkerMisuse, DomainsThatAreGone) {
  Worker worker = started(on_devices({5, 2}));
  const CallableHandle reduce = worker.add(collective("all_reduce"));
  const CallableHandle add = worker.add(adder());
  const DomainRequest request{"d", {5, 2}, 128, {{.name = "a", .count = 4}, {"b", DType::f32, 4}}};
  std::optional<DomainMember> kept;
  std::optional<Domain> kept_domain;
  std::vector<Buffer> kept_buffers;
  std::vector<float> host(4);
  const auto with_context = [&](Orchestrator& orch, const DomainMember& member) {
    return refusal([&] { orch.submit(reduce, Args{}.inout(host).context(member), 5); });
  };
  const auto with_buffer = [&](Orchestrator& orch, const Buffer& buffer) {
    return refusal([&] { orch.submit(add, Args{}.inout(buffer), 5); });
  };
  worker.run([&](Orchestrator& orch) {
    kept_domain = orch.allocate_domain(request);
    kept = (*kept_domain)[0];
    kept_buffers = {kept->buffer("a"), kept->buffer("b"), kept->window()};
    Domain released = orch.allocate_domain({"released", {5}, 64, {{.name = "a", .count = 4}}});
    const DomainMember member = released[0];
    orch.submit(add, Args{}.inout(member.buffer("a")), 5);
    released.release();
    EXPECT_EQ(with_context(orch, member),
              "task 1 `all_reduce`: domain `released` was released; allocate one in this run");
    EXPECT_EQ(with_buffer(orch, member.buffer("a")),
              "task 1 `adder`: argument 0, `released`, belongs to domain `released`, which was "
              "released; use it before, or another one");
    const DomainMember lost = orch.allocate_domain({"lost", {5}, 64})[0];
    EXPECT_EQ(with_context(orch, lost),
              "task 1 `all_reduce`: domain `lost` was released, because its last handle is gone; "
              "allocate one in this run");
  });
  worker.run([&](Orchestrator& orch) {
    EXPECT_EQ(with_context(orch, *kept),
              "task 0 `all_reduce`: domain `d` is another run's; allocate one in this run");
    for (const Buffer& buffer : kept_buffers) {
      EXPECT_EQ(with_buffer(orch, buffer),
                "task 0 `adder`: argument 0, `d`, belongs to domain `d`, which belongs to a run "
                "that has ended; use it before, or another one");
    }
  });
  for (const Buffer& buffer : kept_buffers) {
    std::vector<float> floats(buffer.count());
    expect_part(refusal([&] { worker.copy_from(floats, buffer); }),
                "copy_from: buffer `d` belongs to domain `d`, which belongs to a run that has "
                "ended; do it before");
  }
  worker.run([&](Orchestrator& orch) {
    const Domain d = orch.allocate_domain(request);
    kept_buffers = {d[0].buffer("b")};
  });
  expect_part(refusal([&] { worker.free(kept_buffers[0]); }), "free: buffer `d` belongs to domain");
}

TEST(WorkerMisuse, ArgumentsThatTheCallableDoesNotTake) {
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
              "all_reduce: there is no context; add .context(domain[rank])");
    EXPECT_EQ(submitting(reduce, Args{}.context(d[0])),
              "all_reduce on rank 0: 0 arrays to send and 0 to receive are given; it takes one and "
              "one, or one inout for both");
    EXPECT_EQ(submitting(reduce, Args{}.context(d[0]).inout(host).out(other)),
              "all_reduce on rank 0: 1 arrays to send and 2 to receive are given; it takes one and "
              "one, or one inout for both");
    EXPECT_EQ(submitting(reduce, Args{}.in(host).scalar(3).context(d[0])),
              "all_reduce: argument 1 is a scalar; give arrays and a context");
    EXPECT_EQ(
        submitting(reduce, Args{}.no_dep(host).context(d[0])),
        "all_reduce: argument 0 is no_dep, which does not say whether it is sent or received; "
        "give `in`, `out` or `inout`");
    expect_part(submitting(reduce, Args{}.in(host).out(integers).context(d[0])), "i32");
    expect_part(submitting(reduce, Args{}.in(here).out(here.part(0, 3)).context(d[0])), "3");
    expect_part(submitting(rooted, Args{}.in(host).context(d[0])), "7");
    EXPECT_EQ(submitting(described, Args{}.context(d[0])),
              "kernel `with_window`: 0 arrays are given, and it takes 2; give one for each of its "
              "buffers, in their order");
    EXPECT_EQ(submitting(described, Args{}.in(host).inout(d[0].buffer("slots")).scalar(1)),
              "kernel `with_window`: argument 2 is a scalar; it takes buffers and a context");
    EXPECT_EQ(submitting(described, Args{}.in(host).inout(d[0].buffer("slots"))),
              "kernel `with_window`: there is no context; add .context(domain[rank])");
    EXPECT_EQ(submitting(described, Args{}.in(integers).inout(here).context(d[0])),
              "kernel `with_window`: array 0 is its buffer `given`, of f32, and i32 is given; give "
              "its type");
    EXPECT_EQ(submitting(described, Args{}.out(host).inout(here).context(d[0])),
              "kernel `with_window`: array 0 is its buffer `given`, which is `in`, and `out` is "
              "given; say what the kernel does with it");
    EXPECT_EQ(
        submitting(described, Args{}.in(here.part(0, 3)).inout(here).context(d[0])),
        "kernel `with_window`: array 0 is its buffer `given`, of 4 elements, and 3 are given; "
        "give as many");
    const std::string outside =
        "kernel `with_window`: array 1 is its buffer `slots`, which peers write or read, and what "
        "is given is in no window of the task's domain; give a buffer of the domain";
    EXPECT_EQ(submitting(described, Args{}.in(host).inout(here).context(d[0])), outside);
    EXPECT_EQ(submitting(described, Args{}.in(host).inout(e[1].buffer("slots")).context(d[0])),
              outside);
    const Domain alone = orch.allocate_domain({"alone", {5}, 64, {{.name = "slots", .count = 4}}});
    EXPECT_EQ(
        submitting(described,
                   Args{}.in(here.part(0, 2)).inout(alone[0].buffer("slots")).context(alone[0])),
        "kernel `with_window`: the domain has 1 ranks, and it takes 2 to 3; use a domain of "
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

TEST(WorkerMisuse, ArgumentsThatAPtoCaseDoesNotHave) {
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
              "kernel `shim`: argument 3 is out of its case, and a scalar is given; give arguments "
              "in the case's order");
    EXPECT_EQ(
        submitting(shim, Args{}.out(v).out(w).out(w).out(w).scalar(1)),
        "kernel `shim`: argument 0 is in of its case, and `out` is given; say what the kernel "
        "does with it");
    EXPECT_EQ(submitting(shim, Args{}.in(v).out(w).out(integers).out(w).scalar(1)),
              "kernel `shim`: argument 2 is out of its case, of f32, and i64 is given; give its "
              "type");
    const Buffer slots = d[0].buffer("scratch");
    EXPECT_EQ(
        submitting(exchange, Args{}.in(v).out(w).inout(w).scalar(0).context(d[0])),
        "kernel `exchange`: argument 2 is window of its case, which peers address, and what is "
        "given is in no window of the task's domain; give a buffer of the domain");
    EXPECT_EQ(
        submitting(exchange, Args{}.in(v).out(w).inout(slots).scalar(0).context(e[0])),
        "kernel `exchange`: argument 2 is window of its case, which peers address, and what is "
        "given is in no window of the task's domain; give a buffer of the domain");
    EXPECT_EQ(
        submitting(exchange, Args{}.in(v).out(w).in(slots).scalar(0).context(d[0])),
        "kernel `exchange`: argument 2 is window of its case, and `in` is given; say what the "
        "kernel does with it");
    EXPECT_EQ(submitting(exchange, Args{}.in(v).out(w).inout(slots).scalar(0).scalar(0)),
              "kernel `exchange`: argument 4 is context of its case, and a scalar is given; give "
              "arguments in the case's order");
    Args many;
    for (int i = 0; i < 60; ++i) many.scalar(i);
    EXPECT_EQ(submitting(bare, many),
              "kernel `kernel`: 60 arguments are given, and a kernel takes 48 at most; give fewer");
  });
}

TEST(WorkerMisuse, GroupsThatMakeNoSense) {
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

TEST(WorkerMisuse, MembersOfACollectiveGiveTheSame) {
  Worker worker = started(on_devices({5, 2}));
  const CallableHandle reduce = worker.add(collective("all_reduce"));
  std::vector<float> four(4), five(5);
  std::vector<double> doubles(4);
  worker.run([&](Orchestrator& orch) {
    const Domain d = orch.allocate_domain({"d", {5, 2}, 64});
    EXPECT_EQ(
        refusal([&] {
          orch.submit_group(reduce, {5, 2},
                            std::vector<Args>{Args{}.inout(four).context(d[0]),
                                              Args{}.inout(five).context(d[1])});
        }),
        "all_reduce on rank 1: blocks of 5 elements of f32 are given, and rank 0 has 4 of f32; "
        "give every rank the same");
    EXPECT_EQ(
        refusal([&] {
          orch.submit_group(reduce, {5, 2},
                            std::vector<Args>{Args{}.inout(four).context(d[0]),
                                              Args{}.inout(doubles).context(d[1])});
        }),
        "all_reduce on rank 1: blocks of 4 elements of f64 are given, and rank 0 has 4 of f32; "
        "give every rank the same");
  });
}

TEST(WorkerMisuse, BuffersThatAreGoneOrOthers) {
  Worker worker = started(on_devices({5, 2})), other = started(on_devices({5, 2}));
  const CallableHandle add = worker.add(adder());
  EXPECT_EQ(refusal([&] { static_cast<void>(worker.allocate({.device = 0, .count = 1})); }),
            "buffer `buffer`: device 0 is not one of the worker's; its devices are 5, 2");
  EXPECT_EQ(refusal([&] { static_cast<void>(worker.allocate({.name = "", .device = 5})); }),
            "buffer: the name is empty; give one, which reports can use");
  EXPECT_EQ(refusal([&] {
              static_cast<void>(worker.allocate({.name = "b", .device = 5, .count = SIZE_MAX}));
            }),
            "buffer `b`: 18446744073709551615 elements are more than any memory; give fewer");
  expect_part(refusal([&] {
                static_cast<void>(
                    worker.allocate({.name = "b", .device = 5, .count = std::size_t{1} << 50}));
              }),
              "`b` of 4503599627370496 bytes is more than the ");
  const Buffer gone = worker.allocate({.name = "gone", .device = 5, .count = 8});
  const Buffer part = gone.part(4, 4), kept = worker.allocate({.device = 5, .count = 4});
  const Array before(part);
  worker.free(gone);
  std::vector<float> four(4);
  EXPECT_EQ(refusal([&] { worker.free(part); }), "free: buffer `gone` was freed; do it before");
  EXPECT_EQ(refusal([&] { worker.copy_to(part, four); }),
            "copy_to: buffer `gone` was freed; do it before");
  EXPECT_EQ(refusal([&] { worker.copy_from(four, part); }),
            "copy_from: buffer `gone` was freed; do it before");
  EXPECT_EQ(refusal([&] { worker.copy_to(kept, part); }),
            "copy_to: buffer `gone` was freed; do it before");
  EXPECT_EQ(refusal([&] { worker.copy_from(before, kept); }),
            "copy_from: buffer `gone` was freed; do it before");
  const Buffer others = other.allocate({.name = "others", .device = 5, .count = 4});
  const CallableHandle others_add = other.add(adder());
  EXPECT_EQ(refusal([&] { worker.copy_to(others, four); }),
            "copy_to: buffer `others` is another worker's; use this one's");
  EXPECT_EQ(refusal([&] { worker.copy_to(kept, others); }),
            "copy_to: buffer `others` is another worker's; use this one's");
  EXPECT_EQ(refusal([&] { worker.free(others); }),
            "free: buffer `others` is another worker's; use this one's");
  std::optional<Task> task_of_before;
  std::optional<Domain> domain_of_other;
  other.run([&](Orchestrator& orch) { domain_of_other = orch.allocate_domain({"o", {5}, 64}); });
  worker.run([&](Orchestrator& orch) {
    task_of_before = orch.submit(add, Args{}.inout(kept), 5);
    EXPECT_EQ(refusal([&] { orch.submit(add, Args{}.inout(part), 5); }),
              "task 1 `adder`: argument 0, `gone`, was freed; use it before, or another one");
    EXPECT_EQ(refusal([&] { orch.submit(add, Args{}.inout(before), 5); }),
              "task 1 `adder`: argument 0, `gone`, was freed; use it before, or another one");
    EXPECT_EQ(
        refusal([&] { orch.submit(add, Args{}.inout(others), 5); }),
        "task 1 `adder`: argument 0, `others`, is a buffer of another worker; use this one's");
    EXPECT_EQ(refusal([&] { orch.submit(others_add, Args{}.inout(kept), 5); }),
              "submit: this callable is another worker's; use what this one's add() has returned");
    EXPECT_EQ(refusal([&] { orch.submit(add, Args{}.context((*domain_of_other)[0]), 5); }),
              "task 1 `adder`: domain `o` is another run's; allocate one in this run");
  });
  EXPECT_EQ(
      run_refusal(worker,
                  [&](Orchestrator& orch) {
                    orch.submit(add, Args{}.inout(kept), 5);
                    orch.submit(add, Args{}.inout(kept).after(*task_of_before), 5);
                  }),
      "task 1 `adder`: it is to wait for task 0 of another run; runs take effect in the order "
      "of their submission anyway, so leave it away");
  const RunHandle run =
      worker.submit([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(kept), 5); });
  EXPECT_EQ(refusal([&] { worker.free(kept); }),
            "free: buffer `buffer` on device 5 is used by 1 run that has not ended; wait for it "
            "first");
  run.wait();
  worker.free(kept);
}

TEST(WorkerMisuse, AFunctionOfTheWorkerCannotUseIt) {
  Worker worker = started();
  const Buffer buffer = worker.allocate({.count = 1});
  const std::string reason =
      ": a function that the worker runs cannot use the worker itself; do it before or after the "
      "run";
  std::vector<std::string> texts;
  const auto try_all = [&] {
    texts.push_back(refusal([&] { worker.run([](Orchestrator&) {}); }));
    texts.push_back(refusal([&] { static_cast<void>(worker.allocate({.count = 1})); }));
    texts.push_back(refusal([&] { worker.free(buffer); }));
    texts.push_back(refusal([&] { worker.close(); }));
  };
  const std::vector<std::string> expected = {
      "submit" + reason, "allocate" + reason, "free" + reason,
      "close: a function that the worker runs cannot close it; do it after the run"};
  worker.run([&](Orchestrator& orch) {
    try_all();
    orch.submit_sub(try_all);
  });
  ASSERT_EQ(texts.size(), 8u);
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(texts[i], expected[i % 4]);
  std::vector<float> v(2);
  const GraphReport report = report_of(worker.submit([&](Orchestrator& orch) {
    orch.submit_sub([](const TaskArguments& args) { static_cast<void>(args.view(1)); },
                    Args{}.in(v));
    orch.submit_sub([](const TaskArguments& args) { static_cast<void>(args.scalar<int>(0)); },
                    Args{}.in(v));
    orch.submit_sub([](const TaskArguments& args) { static_cast<void>(args.elements<int>(0)); },
                    Args{}.in(v));
  }));
  EXPECT_EQ(report.tasks[0].failure,
            "argument 1 is asked for, and the task has 1; give it one more when it is submitted");
  EXPECT_EQ(report.tasks[1].failure,
            "argument 0 is an array and not a scalar; ask for what it was submitted as");
  EXPECT_EQ(report.tasks[2].failure,
            "argument 0 holds elements of f32 and not i32; ask for its own type");
}

}  // namespace
}  // namespace peal
