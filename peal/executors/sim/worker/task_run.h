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

// The domains of a run as the simulator has them: a simulated device and a team for each member.
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
  // The member of that rank, which runs on this core from its first use on.
  [[nodiscard]] Member& member(int rank, Core& core);
  // Where each rank's window lies; empty where the domain has none.
  [[nodiscard]] std::vector<std::byte*> window_addresses() const;

 private:
  void place(SimWindow& window) override;

  DriverDomain domain_;
  DeviceHeap& heap_;
  SimRun run_;
  std::vector<std::unique_ptr<Member>> members_;  // by rank
};

// One run of tasks on simulated devices. Each core of a device has a fiber, which takes the parts
// of tasks that are given to the core, one after the other, until the run is over.
class TaskRun {
 public:
  struct Machine {
    const Platform& platform;
    StackPool& stacks;
    DeviceHeap& heap;
    std::vector<ZeroPages>& on_chip;
    std::map<std::string, Picoseconds>& foreseen;  // by Device::foresee, on this platform
  };
  TaskRun(const Machine& machine, DeviceDriver::RunSettings settings);
  ~TaskRun();
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;

  void start(const DriverTask& task);
  std::optional<TaskEnd> wait_for_end(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] Picoseconds now() const { return fabric_->now(); }

 private:
  struct Part {  // of a task: one device's
    TaskMember member;
    TaskDomain* domain = nullptr;
    std::unique_ptr<ChipTask> chip;  // of a chip program
    int cores = 1;
    std::int64_t first_number = 0;         // to the readers of events
    std::vector<std::int64_t> after = {};  // tasks that have ended before, for readers of events
  };
  struct Running {
    std::uint32_t id = 0;
    const TaskProgram* program = nullptr;
    std::string name;
    std::vector<std::uint32_t> after;
    std::vector<Part> parts;
    std::vector<int> cores;  // that have a share in it
    int cores_left = 0;
    std::exception_ptr failure;
    bool is_deadlock = false;
  };
  struct Slot {  // of a core
    std::unique_ptr<Fiber> fiber;
    Running* task = nullptr;
    std::size_t part = 0;
    int index = 0;  // among the cores of the part
    Picoseconds begin = 0;
    bool settles = false;  // its share has failed; only what it has stored is waited for
  };
  struct Numbers {
    std::int64_t first = 0;
    std::size_t count = 0;
  };
  // Suspends and resumes the fibers, and knows which one ran last.
  class Programs final : public ProgramSwitch {
   public:
    explicit Programs(std::deque<Slot>& slots) : slots_(slots) {}
    void resume(int core) override;
    void suspend(int core) override;
    std::span<std::byte> stack(int core) override;
    [[noreturn]] void abandon(int core, std::exception_ptr failure) override;
    // The core whose program has ended with an exception, or -1.
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
  // What has ended and signals may be under way to.
  std::vector<std::unique_ptr<Running>> left_;
  std::vector<std::unique_ptr<TaskDomain>> left_domains_;
  std::deque<TaskEnd> ended_;
  std::map<std::uint32_t, std::vector<Numbers>> numbers_;  // of tasks that have started
  std::map<int, Numbers> last_on_;                         // of the last task of each device
  std::int64_t next_number_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace peal
