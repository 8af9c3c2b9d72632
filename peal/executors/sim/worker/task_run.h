// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/chip/chip_program.h"
#include "peal/chip/fabric.h"
#include "peal/executors/sim/fiber.h"
#include "peal/executors/sim/rank_device.h"
#include "peal/executors/sim/worker/device_heap.h"
#include "peal/run/device_driver.h"

namespace peal {

// A domain of a run: a SimDevice and a Team for each member.
class TaskDomain final : public SimWindows {
 public:
  TaskDomain(const DriverDomain& domain, DeviceHeap& heap, Fabric& fabric,
             const RunOptions& options, std::map<std::string, Picoseconds>& foreseen);
  ~TaskDomain() override;

  [[nodiscard]] const DriverDomain& domain() const { return domain_; }
  struct Member {
    Member(SimRun& run, Core& core, int rank, int ranks)
        : device(run, core, rank, ranks), team(device, run.fabric.platform()) {}
    SimDevice device;
    Team team;
  };
  // The member of that rank. The first call makes it, on `core`, where it stays.
  [[nodiscard]] Member& member(int rank, Core& core);
  // By rank, the address of its window; empty if the domain has none.
  [[nodiscard]] std::vector<std::byte*> window_addresses() const;

 private:
  void place(SimWindow& window) override;

  DriverDomain domain_;
  DeviceHeap& heap_;
  SimRun run_;
  std::vector<std::unique_ptr<Member>> members_;  // by rank
};

// One run of tasks on simulated devices. Each core of a device has a fiber, which executes the
// parts of tasks that start() assigns to the core, one after the other, until the run is over.
//
// A task that fails must not disturb the others, though it shares memory and the agenda with them:
// 1. Its cores stop: their fibers are unwound, or dropped inside a kernel, and get new ones; the
//    cores restart with empty queues, so that no further instruction of the task is executed.
// 2. Stores in flight cannot be recalled, as their steps are on the agenda. So each new fiber first
//    *settles*: it waits until they are visible. Only then is the task's end reported, and its
//    devices can take another task, whose memory no old store can hit any more.
// 3. Signals in flight still write to their cells, in windows of the task's domain. What has ended
//    is kept alive (left_, left_domains_) until no signal of the whole run is in flight.
class TaskRun {
 public:
  struct Machine {
    const Platform& platform;
    StackPool& stacks;
    DeviceHeap& heap;
    std::vector<ZeroPages>& on_chip;
    std::map<std::string, Picoseconds>& foreseen;  // results of Device::foresee, by name
  };
  TaskRun(const Machine& machine, DeviceDriver::RunSettings settings);
  ~TaskRun();
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;

  void start(const DriverTask& task);
  std::optional<TaskEnd> wait_for_end(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] Picoseconds now() const { return fabric_->now(); }

 private:
  struct Part {  // one device's part in a task
    TaskMember member;
    TaskDomain* domain = nullptr;
    std::unique_ptr<ChipTask> chip;  // null for a program in verbs
    int cores = 1;
    std::int64_t first_number = 0;         // its first task's number, for readers of events
    std::vector<std::int64_t> after = {};  // numbers of tasks that happen before, for readers
  };
  struct Running {
    std::uint32_t id = 0;
    const TaskProgram* program = nullptr;
    std::string name;
    std::vector<std::uint32_t> after;
    std::vector<Part> parts;
    std::vector<int> cores;  // all cores that execute it, part by part
    int cores_left = 0;      // cores that have not ended their share
    std::exception_ptr failure;
    bool is_deadlock = false;
  };
  struct Slot {  // a core's fiber and its present share of a task
    std::unique_ptr<Fiber> fiber;
    Running* task = nullptr;  // null while the core has nothing to do
    std::size_t part = 0;
    int index = 0;  // among the cores of the part
    Picoseconds begin = 0;
    bool settles = false;  // the task has failed; the fiber only waits for its stores in flight
  };
  struct Numbers {  // consecutive task numbers, as the readers of events know them
    std::int64_t first = 0;
    std::size_t count = 0;
  };
  // Switches fibers, and remembers the core whose program has thrown.
  class Programs final : public ProgramSwitch {
   public:
    explicit Programs(std::deque<Slot>& slots) : slots_(slots) {}
    void resume(int core) override;
    void suspend(int core) override;
    std::span<std::byte> stack(int core) override;
    [[noreturn]] void abandon(int core, std::exception_ptr failure) override;
    // The core whose program has ended with an exception, or -1; resets it. resume() leaves
    // `running_` set only if the fiber's resume() throws.
    [[nodiscard]] int take_running() { return std::exchange(running_, -1); }

   private:
    std::deque<Slot>& slots_;
    int running_ = -1;
  };

  [[nodiscard]] static int cores_of(const TaskProgram& program, int ranks);
  [[nodiscard]] int core_of(int device, int index);
  [[nodiscard]] TaskDomain& domain_of(const TaskMember& member);
  void prepare(Running& task);
  void assign(Running& task);
  void work(int core);
  void run_part(Core& core, const Slot& slot);
  [[nodiscard]] std::vector<std::int64_t> tasks_before(const Running& task, int device);
  void end_program(int core);
  void leave(Running& task);
  void forget_left();
  void fail(Running& task, std::exception_ptr failure);
  void fail_standing();

  Machine machine_;
  DeviceDriver::RunSettings settings_;
  std::deque<Slot> slots_;  // by core
  Programs programs_;
  std::unique_ptr<Agenda> agenda_;
  std::unique_ptr<Fabric> fabric_;
  std::vector<std::unique_ptr<TaskDomain>> domains_;
  std::map<int, std::unique_ptr<TaskDomain>> alone_;  // by device: for tasks without a domain
  std::vector<std::vector<int>> cores_;               // by device
  std::map<std::uint32_t, std::unique_ptr<Running>> running_;
  // Tasks and domains that have ended, kept while signals to them may be in flight.
  std::vector<std::unique_ptr<Running>> left_;
  std::vector<std::unique_ptr<TaskDomain>> left_domains_;
  std::deque<TaskEnd> ended_;
  std::map<std::uint32_t, std::vector<Numbers>> numbers_;  // by task that has started
  std::map<int, Numbers> last_on_;                         // by device: of its last task
  std::int64_t next_number_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace peal
