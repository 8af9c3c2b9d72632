// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <fstream>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>

#include "peal/run/event.h"
#include "peal/run/platform.h"

namespace peal {

// What an event file begins with: of what run it is.
struct EventFileHeading {
  Platform::Switches switches;
  int ranks = 0;
};

// Records the events of one run in a file, so that they can be read again without the run. The file
// belongs to machines of one byte order.
class EventFileWriter final : public EventReader {
 public:
  // Throws Error when the file cannot be written.
  EventFileWriter(const std::string& path, const EventFileHeading& heading);
  void read(const Event& event) override;
  // `end` tells what has ended the run before its time, or is empty. Throws Error when not
  // everything has been written.
  void finish(std::string_view end);

 private:
  // The number of a text, which is written when it is first used.
  std::uint32_t number_of(const char* text);
  template <class T>
  void put(const T& value);

  std::string path_;
  std::ofstream file_;
  std::map<std::string, std::uint32_t, std::less<>> texts_;
};

// Throws Error for what is no event file.
[[nodiscard]] EventFileHeading read_event_file_heading(const std::string& path);

// Hands every recorded event to the reader. Throws Error, which names the event, at the first that
// no run of Peal can have; and RunError at the end of a run that ended before its time.
void read_event_file(const std::string& path, EventReader& reader);

// The same for what is no file; `name` stands for its path in errors.
void read_events(std::istream& stream, const std::string& name, EventReader& reader);

// Whether the file begins as an event file does.
[[nodiscard]] bool is_event_file(const std::string& path);

}  // namespace peal
