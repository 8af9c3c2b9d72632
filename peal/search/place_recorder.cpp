// SPDX-License-Identifier: Apache-2.0
#include "peal/search/place_recorder.h"

#include <string_view>

#include "peal/base/process/last_words.h"

namespace peal {

void PlaceRecorder::read(const Event& event) {
  LastWords* const words = last_words();
  if (words == nullptr) return;
  if (event.kind == EventKind::region) {
    if (event.region == RegionKind::on_chip) numbers_.push_back(cores_of_rank_[event.rank]++);
    return;
  }
  const std::string_view file = event.place.file == nullptr ? "" : event.place.file;
  const bool is_kernels = !file.empty() && event.place.origin == SourceOrigin::kernel;
  // Between its start and its first instruction a kernel has no line.
  const LastWords::Place place =
      is_kernels ? LastWords::Place{.file = file, .line = event.place.line} : LastWords::Place{};
  const auto core = static_cast<std::size_t>(event.core);
  say_last(words->place, event.rank, core < numbers_.size() ? numbers_[core] : 0, "", place);
}

}  // namespace peal
