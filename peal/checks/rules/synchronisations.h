// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/checks/findings.h"
#include "peal/run/event.h"

namespace PEAL_API peal {

// The unit of mutation testing (search/mutation.h): the lines that must be left out together to
// leave out one synchronisation. One line, or all lines whose set_flags and wait_flags match.
struct SyncUnit {
  std::vector<FindingLine> lines;
  std::string what;  // "notify", "wait", "set_flag and wait_flag", ...
};

// The lines of a kernel that synchronise, collected from the events of a run. A line that also
// moves or combines data does not count: its synchronisation orders the parts of that line itself.
class Synchronisations {
 public:
  // Notes what the line of an event does.
  void read(const Event& event, SourceId place);
  // A wait_flag at one place has consumed a set_flag of the other: both join one unit.
  void pair(SourceId set, SourceId wait);

  // The units, in the order in which their first lines were executed.
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
    SourceId unit = 0;    // the line that stands for its unit
    bool is_met = false;  // it is in order_
  };
  Line& line(SourceId place);
  [[nodiscard]] static unsigned part_of(const Event& event);
  [[nodiscard]] static std::string describe(unsigned parts);

  std::vector<Line> lines_;  // by SourceId
  std::vector<SourceId> order_;
  bool has_tasks_ = false;
};

}  // namespace peal
