// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// Writes the current rank, core and line to last_words() at each event, for the report of a run
// that crashes or hangs.
class PlaceRecorder final : public EventReader {
 public:
  void read(const Event& event) override;

 private:
  std::vector<int> numbers_;  // by core of the run: its number within its rank
  std::map<int, int> cores_of_rank_;
};

}  // namespace peal
