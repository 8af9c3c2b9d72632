// SPDX-License-Identifier: Apache-2.0
// A driver that throws: whatever it is, the run ends with it as its defect, and the worker goes on.
#include "peal/runtime/run_execution.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "peal/runtime/worker.h"

namespace peal {
namespace {

// A driver of devices that do nothing. Memory is the process's own.
class IdleDriver final : public DeviceDriver {
 public:
  struct Throws {
    std::function<void()> at_begin, at_start, at_wait;
  };
  IdleDriver(const Throws& throws, int& held) : throws_(throws), held_(held) {}

  const Platform& platform() const override { return platform_; }
  void add_program(const std::string&, const TaskProgram&) override {}
  DeviceMemory allocate(const DeviceMemoryRequest& request) override {
    memory_.push_back(std::vector<std::byte>(request.size_bytes));
    ++held_;
    return {.id = memory_.size(), .first = memory_.back().data()};
  }
  void free(const DeviceMemory&) override { --held_; }
  void begin_run(RunSettings) override { throw_by(throws_.at_begin); }
  void start(const DriverTask& task) override {
    throw_by(throws_.at_start);
    started_ = task.id;
  }
  std::optional<TaskEnd> wait_for_end(std::chrono::steady_clock::time_point) override {
    throw_by(throws_.at_wait);
    return TaskEnd{.task = started_};
  }
  Picoseconds now() const override { return 0; }
  void end_run() override {}

 private:
  static void throw_by(const std::function<void()>& function) {
    if (function) function();
  }

  const Throws& throws_;
  int& held_;
  Platform platform_;
  std::vector<std::vector<std::byte>> memory_;
  std::uint32_t started_ = 0;
};

TEST(RunExecution, WhateverTheDriverThrowsEndsTheRun) {
  const std::vector<std::pair<std::function<void()>, std::string>> ways = {
      {[] { throw std::runtime_error("the device is gone"); }, "run 1: the device is gone"},
      {[] { throw std::runtime_error(""); },
       "run 1: the driver throws an exception without a text, of type std::runtime_error"},
      {[] { throw 7; }, "run 1: the driver throws what is no std::exception, of type int"},
      {[] { throw "words"; },
       "run 1: the driver throws what is no std::exception, of type char const*"}};
  for (const auto& [way, text] : ways) {
    for (const auto place : {&IdleDriver::Throws::at_begin, &IdleDriver::Throws::at_start,
                             &IdleDriver::Throws::at_wait}) {
      IdleDriver::Throws throws;
      int held = 0;
      Worker worker({.platform = "idle", .devices = {0}, .make_driver = [&](int) {
                       return std::make_unique<IdleDriver>(throws, held);
                     }});
      const CallableHandle nothing =
          worker.add(device_function("nothing", [](Device&, const TaskArguments&) {}));
      worker.start();
      std::vector<float> values(4);
      const auto orchestrate = [&](Orchestrator& orchestrator) {
        orchestrator.submit(nothing, Args{}.inout(values), 0);
      };
      throws.*place = way;
      const RunHandle run = worker.submit(orchestrate);
      EXPECT_EQ(held, 1);
      try {
        static_cast<void>(run.result());
        ADD_FAILURE() << text << ": nothing is thrown";
      } catch (const RunError& error) {
        EXPECT_EQ(error.what(), text);
      }
      EXPECT_TRUE(run.has_ended());
      EXPECT_EQ(held, 0);
      throws.*place = nullptr;
      EXPECT_TRUE(worker.run(orchestrate).is_clean());
      EXPECT_EQ(held, 0);
    }
  }
}

}  // namespace
}  // namespace peal
