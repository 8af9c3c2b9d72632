// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "peal/chip/agenda.h"

namespace peal {

// Takes the steps in the order that a file lists, recorded in a run of the same program.
class ScheduleReplay final : public Agenda {
 public:
  // Throws Error when the file cannot be read or is not a schedule.
  explicit ScheduleReplay(const std::string& path);

  void add(Picoseconds time, StepId step) override { enabled_.push_back({time, step}); }
  // Throws Error when the file's next step is not enabled.
  bool take(Picoseconds& time, StepId& step) override;

 private:
  struct Entry {
    Picoseconds time;
    StepId step;
  };
  std::string path_;
  std::vector<std::uint32_t> steps_;
  std::size_t next_ = 0;
  std::vector<Entry> enabled_;
  Picoseconds last_ = 0;
};

// Delegates to another schedule and writes its choices to a file as they are made.
class ScheduleRecorder final : public Agenda {
 public:
  // Throws Error when the file cannot be written.
  ScheduleRecorder(std::unique_ptr<Agenda> chosen_by, const std::string& path);

  void add(Picoseconds time, StepId step) override { chosen_by_->add(time, step); }
  bool take(Picoseconds& time, StepId& step) override;

 private:
  std::unique_ptr<Agenda> chosen_by_;
  std::string path_;
  std::ofstream file_;
};

}  // namespace peal
