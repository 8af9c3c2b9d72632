// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/event_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <istream>
#include <string_view>
#include <system_error>
#include <vector>

#include "peal/base/error.h"
#include "peal/checks/rules/event_rules.h"

namespace peal {
namespace {

constexpr std::string_view magic = "peal events 1\n";

enum class Record : std::uint8_t { text = 1, event = 2, end = 3 };

// An event in the file: texts are given by number, and its footprints follow it.
struct StoredEvent {
  std::uint8_t kind, pipe, flag_pipe, flag_id, region, combination, op, cmp;
  std::uint8_t atomic, cached, polled, look;
  std::int32_t rank, core, peer;
  std::uint32_t issued, number, threshold;
  std::uint32_t file, line, name;
  std::uint32_t reads, writes;
  std::int64_t begin, end;
  std::uint64_t address, size_bytes;
  std::int64_t value;
};

template <class Enum>
std::uint8_t byte_of(Enum value) {
  return static_cast<std::uint8_t>(value);
}

// Limit of one text, which is the name of a source file or a window, or the error at the end.
constexpr std::uint32_t max_text_bytes = 65536;

[[noreturn]] void refuse(const std::string& path, std::string_view what) {
  throw UsageError(fmt::format(
      "event file `{}` {}; record it again with `peal check ... --events FILE`", path, what));
}

template <class T>
T get(std::istream& file, const std::string& path) {
  T value;
  if (!file.read(reinterpret_cast<char*>(&value), sizeof(value))) refuse(path, "ends too early");
  return value;
}

void read_heading(std::istream& file, const std::string& path, EventFileHeading& heading) {
  std::array<char, magic.size()> start{};
  if (!file.read(start.data(), start.size()) ||
      std::string_view(start.data(), start.size()) != magic) {
    refuse(path, "does not begin as one");
  }
  Platform::Switches& switches = heading.switches;
  switches.drained_is_visible = get<std::uint8_t>(file, path) != 0;
  switches.signals_in_order = get<std::uint8_t>(file, path) != 0;
  switches.event_identity_without_waiter = get<std::uint8_t>(file, path) != 0;
  heading.ranks = get<std::int32_t>(file, path);
  if (heading.ranks < 1 || heading.ranks > EventRules::max_ranks) {
    refuse(path, fmt::format("is of {} ranks, and a run has 1 to {}", heading.ranks,
                             EventRules::max_ranks));
  }
}

std::ifstream open(const std::string& path, EventFileHeading& heading) {
  std::ifstream file(path, std::ios::binary);
  read_heading(file, path, heading);
  return file;
}

Event event_of(const StoredEvent& stored, const std::deque<std::string>& texts,
               const std::string& path) {
  if (stored.file >= texts.size() || stored.name >= texts.size()) {
    refuse(path, "is damaged: it names a text that it does not have");
  }
  return {.kind = static_cast<EventKind>(stored.kind),
          .pipe = static_cast<Pipe>(stored.pipe),
          .flag_pipe = stored.flag_pipe,
          .flag_id = stored.flag_id,
          .region = static_cast<RegionKind>(stored.region),
          .combination = static_cast<Combination>(stored.combination),
          .op = static_cast<NotifyOp>(stored.op),
          .cmp = static_cast<WaitCmp>(stored.cmp),
          .atomic = stored.atomic != 0,
          .cached = stored.cached != 0,
          .polled = stored.polled != 0,
          .look = static_cast<Look>(stored.look),
          .rank = stored.rank,
          .core = stored.core,
          .peer = stored.peer,
          .issued = stored.issued,
          .number = stored.number,
          .threshold = stored.threshold,
          .begin = stored.begin,
          .end = stored.end,
          .address = stored.address,
          .size_bytes = stored.size_bytes,
          .value = stored.value,
          .place = {texts[stored.file].c_str(), stored.line},
          .name = texts[stored.name].c_str()};
}

void read_text(std::istream& file, const std::string& path, std::deque<std::string>& texts) {
  const auto size = get<std::uint32_t>(file, path);
  if (size > max_text_bytes) refuse(path, "is damaged: it has a text that is too long");
  std::string& text = texts.emplace_back(size, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(size))) refuse(path, "ends too early");
}

void read_records(std::istream& file, const std::string& path, const EventFileHeading& heading,
                  EventReader& reader) {
  EventRules rules(heading.ranks);
  std::deque<std::string> texts;  // a deque, so that the characters keep their addresses
  std::vector<Footprint> reads, writes;
  std::uint64_t number = 0;
  for (Record record; (record = get<Record>(file, path)) != Record::end;) {
    if (record == Record::text) {
      read_text(file, path, texts);
      continue;
    }
    if (record != Record::event) refuse(path, "is damaged: it has a record that is unknown");
    const auto stored = get<StoredEvent>(file, path);
    Event event = event_of(stored, texts, path);
    reads.clear();
    writes.clear();
    for (std::uint32_t i = 0; i < stored.reads; ++i) reads.push_back(get<Footprint>(file, path));
    for (std::uint32_t i = 0; i < stored.writes; ++i) writes.push_back(get<Footprint>(file, path));
    event.reads = reads;
    event.writes = writes;
    if (const char* const wrong = rules.violated_by(event); wrong != nullptr) {
      refuse(path, fmt::format("is damaged: its event {} has {}", number, wrong));
    }
    reader.read(event);
    ++number;
  }
  if (file.peek() == std::istream::traits_type::eof()) return;  // the run ended well
  read_text(file, path, texts);
  if (texts.back().empty() || file.peek() != std::istream::traits_type::eof()) {
    refuse(path, "is damaged: it goes on behind its end");
  }
  throw RunError(fmt::format("the recorded run ended with {}", texts.back()));
}

}  // namespace

EventFileWriter::EventFileWriter(const std::string& path, const EventFileHeading& heading)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc) {
  if (!file_) {
    throw UsageError(fmt::format("event file `{}` cannot be written: {}; name another", path,
                                 std::strerror(errno)));
  }
  file_.write(magic.data(), magic.size());
  put(static_cast<std::uint8_t>(heading.switches.drained_is_visible));
  put(static_cast<std::uint8_t>(heading.switches.signals_in_order));
  put(static_cast<std::uint8_t>(heading.switches.event_identity_without_waiter));
  put(static_cast<std::int32_t>(heading.ranks));
}

template <class T>
void EventFileWriter::put(const T& value) {
  file_.write(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::uint32_t EventFileWriter::number_of(const char* text) {
  const std::string_view view = text == nullptr ? "" : text;
  const auto known = texts_.find(view);
  if (known != texts_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(texts_.size());
  texts_.emplace(view, number);
  put(Record::text);
  put(static_cast<std::uint32_t>(view.size()));
  file_.write(view.data(), static_cast<std::streamsize>(view.size()));
  return number;
}

void EventFileWriter::read(const Event& event) {
  const std::uint32_t place = number_of(event.place.file), name = number_of(event.name);
  put(Record::event);
  put(StoredEvent{.kind = byte_of(event.kind),
                  .pipe = byte_of(event.pipe),
                  .flag_pipe = event.flag_pipe,
                  .flag_id = event.flag_id,
                  .region = byte_of(event.region),
                  .combination = byte_of(event.combination),
                  .op = byte_of(event.op),
                  .cmp = byte_of(event.cmp),
                  .atomic = event.atomic,
                  .cached = event.cached,
                  .polled = event.polled,
                  .look = byte_of(event.look),
                  .rank = event.rank,
                  .core = event.core,
                  .peer = event.peer,
                  .issued = event.issued,
                  .number = event.number,
                  .threshold = event.threshold,
                  .file = place,
                  .line = event.place.line,
                  .name = name,
                  .reads = static_cast<std::uint32_t>(event.reads.size()),
                  .writes = static_cast<std::uint32_t>(event.writes.size()),
                  .begin = event.begin,
                  .end = event.end,
                  .address = event.address,
                  .size_bytes = event.size_bytes,
                  .value = event.value});
  for (const Footprint& area : event.reads) put(area);
  for (const Footprint& area : event.writes) put(area);
}

void EventFileWriter::finish(std::string_view end) {
  put(Record::end);
  if (!end.empty()) {
    end = end.substr(0, max_text_bytes);
    put(static_cast<std::uint32_t>(end.size()));
    file_.write(end.data(), static_cast<std::streamsize>(end.size()));
  }
  file_.flush();
  if (file_) return;
  throw UsageError(fmt::format("event file `{}` cannot be written: {}; is the disk full?", path_,
                               std::strerror(errno)));
}

EventFileHeading read_event_file_heading(const std::string& path) {
  EventFileHeading heading;
  static_cast<void>(open(path, heading));
  return heading;
}

void read_event_file(const std::string& path, EventReader& reader) {
  EventFileHeading heading;
  std::ifstream file = open(path, heading);
  read_records(file, path, heading, reader);
}

void read_events(std::istream& file, const std::string& path, EventReader& reader) {
  EventFileHeading heading;
  read_heading(file, path, heading);
  read_records(file, path, heading, reader);
}

bool is_event_file(const std::string& path) {
  // Only regular files: opening a named pipe would block until a writer opens it.
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return false;
  std::ifstream file(path, std::ios::binary);
  std::array<char, magic.size()> start{};
  return file.read(start.data(), start.size()) &&
         std::string_view(start.data(), start.size()) == magic;
}

}  // namespace peal
