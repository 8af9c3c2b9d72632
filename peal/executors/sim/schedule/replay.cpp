// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/schedule/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "peal/base/error.h"

namespace peal {
namespace {

constexpr const char* heading = "peal schedule 1";

}  // namespace

ScheduleReplay::ScheduleReplay(const std::string& path) : path_(path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line != heading) {
    throw UsageError(
        fmt::format("schedule file `{}` cannot be read as one; record it with "
                    "--save-schedule FILE",
                    path));
  }
  for (std::uint32_t bits = 0; file >> bits;) steps_.push_back(bits);
  if (!file.eof())
    throw UsageError(fmt::format("schedule file `{}` is damaged; record it again", path));
}

bool ScheduleReplay::take(Picoseconds& time, StepId& step) {
  if (enabled_.empty()) return false;
  const auto is_next = [this](const Entry& entry) {
    return next_ < steps_.size() && entry.step.bits == steps_[next_];
  };
  const auto found = std::find_if(enabled_.begin(), enabled_.end(), is_next);
  if (found == enabled_.end()) {
    throw UsageError(
        fmt::format("schedule file `{}` does not fit this run at step {}; record it again "
                    "with the same kernel, ranks and sizes",
                    path_, next_));
  }
  ++next_;
  time = last_ = std::max(last_, found->time);
  step = found->step;
  enabled_.erase(found);  // keeps the order, so that of two equal steps the older one goes first
  return true;
}

ScheduleRecorder::ScheduleRecorder(std::unique_ptr<Agenda> chosen_by, const std::string& path)
    : chosen_by_(std::move(chosen_by)), path_(path), file_(path, std::ios::trunc) {
  file_ << heading << '\n';
  if (file_) return;
  throw UsageError(fmt::format("schedule file `{}` cannot be written: {}; name another", path,
                               std::strerror(errno)));
}

bool ScheduleRecorder::take(Picoseconds& time, StepId& step) {
  const bool taken = chosen_by_->take(time, step);
  if (taken) file_ << step.bits << '\n';
  if (!taken) file_.flush();
  if (file_) return taken;
  throw UsageError(fmt::format("schedule file `{}` cannot be written: {}; is the disk full?", path_,
                               std::strerror(errno)));
}

}  // namespace peal
