// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/run/run.h"

namespace peal {

// The state of one core of a rank when the run failed.
struct RankEnd {
  int rank = 0, core = 0;
  std::string end;   // "finished", "waits", "failed", or "stopped" by a failure elsewhere
  std::string what;  // "waits for ...", or the failure
  std::string file;  // source file of the place; empty if unknown
  std::uint32_t line = 0;
};

// Thrown for a run that fails, with its report up to the failure and the state of its cores.
class FailedRun : public RunError {
 public:
  FailedRun(const std::string& text, RunReport report, std::vector<RankEnd> ends)
      : RunError(text), report_(std::move(report)), ends_(std::move(ends)) {}

  // From the error that ended the run; `report` covers the run up to then, and is empty if unknown.
  [[nodiscard]] static FailedRun of(const RunError& error, RunReport report);
  // Serialise and deserialise, to pass it from one process to another.
  [[nodiscard]] std::string packed() const;
  [[nodiscard]] static FailedRun unpacked(const std::string& bytes);

  [[nodiscard]] const RunReport& report() const { return report_; }
  [[nodiscard]] const std::vector<RankEnd>& ends() const { return ends_; }

 private:
  RunReport report_;
  std::vector<RankEnd> ends_;
};

}  // namespace peal
