// SPDX-License-Identifier: Apache-2.0
// What a worker refuses, and the sentence that says so.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/worker_run.h"

namespace peal {
namespace {

using Submit = std::function<void(Orchestrator&)>;

// What a run that submits this is refused with.
std::string run_refusal(Worker& worker, const Submit& orchestrate) {
  return refusal([&] { worker.run(orchestrate); });
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
            "platform `a9sim` is unknown; use one of a2a3sim, a5sim, hostsim, shm, or the path of "
            "a .toml file");
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
