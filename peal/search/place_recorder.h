// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// Keeps in last_words() where a run is, for a report of a run that does not come to its end.
class PlaceRecorder final : public EventReader {
 public:
  void read(const Event& event) override;

 private:
  std::vector<int> numbers_;  // of each core of the run, within its rank
  std::map<int, int> cores_of_rank_;
};

}  // namespace peal
