// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/checks/findings.h"
#include "peal/run/event.h"

namespace peal {

// What has to be left out together to leave one synchronisation out: a line, or all lines whose
// set_flags and wait_flags belong to each other.
struct SyncUnit {
  std::vector<FindingLine> lines;
  std::string what;  // "notify", "wait", "set_flag and wait_flag", ...
};

// The lines of a kernel that synchronise, as the events of a run show them. A line that also moves
// or combines data is no such line: what orders its parts belongs to it.
class Synchronisations {
 public:
  void read(const Event& event, SourceId place);
  // A wait_flag of one place has waited for a set_flag of the other.
  void pair(SourceId set, SourceId wait);

  // In the order in which they were met.
  [[nodiscard]] std::vector<SyncUnit> units(const SourceTable& places) const;

 private:
  enum Part : unsigned {
    notifies = 1,
    waits = 2,
    flags = 4,
    barriers = 8,
    cleans = 16,
    works = 32
  };
  struct Line {
    unsigned parts = 0;
    SourceId unit = 0;  // the first line of those that go together
    bool is_met = false;
  };
  Line& line(SourceId place);
  [[nodiscard]] static unsigned part_of(const Event& event);
  [[nodiscard]] static std::string describe(unsigned parts);

  std::vector<Line> lines_;  // by SourceId
  std::vector<SourceId> order_;
  bool has_tasks_ = false;
};

}  // namespace peal
