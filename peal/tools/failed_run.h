// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/run/run.h"

namespace peal {

// How one core of a rank had ended when the run went wrong.
struct RankEnd {
  int rank = 0, core = 0;
  std::string end;   // "finished", "waits", "failed", or "stopped" by what went wrong elsewhere
  std::string what;  // "waits for ...", or what failed
  std::string file;  // where; empty if that is not known
  std::uint32_t line = 0;
};

// A run that went wrong by itself, with all that is known of it.
class FailedRun : public RunError {
 public:
  FailedRun(const std::string& text, RunReport report, std::vector<RankEnd> ends)
      : RunError(text), report_(std::move(report)), ends_(std::move(ends)) {}

  // Of what ended the run; `report` is what was done up to then, empty where that is not known.
  [[nodiscard]] static FailedRun of(const RunError& error, RunReport report);
  // From one process to another.
  [[nodiscard]] std::string packed() const;
  [[nodiscard]] static FailedRun unpacked(const std::string& bytes);

  [[nodiscard]] const RunReport& report() const { return report_; }
  [[nodiscard]] const std::vector<RankEnd>& ends() const { return ends_; }

 private:
  RunReport report_;
  std::vector<RankEnd> ends_;
};

}  // namespace peal
