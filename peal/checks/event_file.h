// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>

#include "peal/base/source_place.h"
#include "peal/run/event.h"
#include "peal/run/platform.h"

namespace peal {

// The heading of an event file: what is needed to check its run.
struct EventFileHeading {
  Platform::Switches switches;
  int ranks = 0;
};

// Records the events of one run in a file, so that they can be checked again without the run. The
// format is binary, in the byte order of the machine, and has a version: a file of another one is
// refused.
class EventFileWriter final : public EventReader {
 public:
  // Throws Error when the file cannot be written.
  EventFileWriter(const std::string& path, const EventFileHeading& heading);
  void read(const Event& event) override;
  // Ends the file. `end` is the error that ended the run early, or empty. Throws Error if something
  // could not be written.
  void finish(std::string_view end);

 private:
  // The number of an interned text, which is written to the file on first use. The file of a place
  // has the place's origin.
  std::uint32_t number_of(const char* text, SourceOrigin origin);
  template <class T>
  void put(const T& value);

  std::string path_;
  std::ofstream file_;
  // By origin: the numbers of the texts.
  std::array<std::map<std::string, std::uint32_t, std::less<>>, source_origin_count> numbers_;
  std::uint32_t texts_ = 0;
};

// Throws Error if the file is not an event file.
[[nodiscard]] EventFileHeading read_event_file_heading(const std::string& path);

// Passes every recorded event to the reader. Throws Error at the first event that breaks
// EventRules, naming it, and RunError at the end if an error ended the recorded run early.
void read_event_file(const std::string& path, EventReader& reader);

// The same for any stream; errors use `name` in place of a path.
void read_events(std::istream& stream, const std::string& name, EventReader& reader);

// True if the file begins like an event file, of whichever version.
[[nodiscard]] bool is_event_file(const std::string& path);

}  // namespace peal
