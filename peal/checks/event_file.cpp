// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/event_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string_view>
#include <vector>

#include "peal/base/error.h"

namespace peal {
namespace {

constexpr std::string_view magic = "peal events 1\n";

enum class Record : std::uint8_t { text = 1, event = 2, end = 3 };

// An event as it lies in the file; texts by their numbers, footprints behind it.
struct StoredEvent {
  std::uint8_t kind, pipe, flag_pipe, flag_id, region, combination, op, cmp;
  std::uint8_t atomic, cached, polled, unused;
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

[[noreturn]] void refuse(const std::string& path, const char* what) {
  throw Error(fmt::format("event file `{}` {}; record it again with `peal check ... --events FILE`",
                          path, what));
}

template <class T>
T get(std::ifstream& file, const std::string& path) {
  T value;
  if (!file.read(reinterpret_cast<char*>(&value), sizeof(value))) refuse(path, "ends too early");
  return value;
}

std::ifstream open(const std::string& path, EventFileHeading& heading) {
  std::ifstream file(path, std::ios::binary);
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
  return file;
}

Event event_of(const StoredEvent& stored, const std::deque<std::string>& texts,
               const std::string& path) {
  if (stored.file >= texts.size() || stored.name >= texts.size() ||
      stored.kind > byte_of(EventKind::expectation)) {
    refuse(path, "is damaged");
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

}  // namespace

EventFileWriter::EventFileWriter(const std::string& path, const EventFileHeading& heading)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc) {
  if (!file_) {
    throw Error(fmt::format("event file `{}` cannot be written: {}; name another", path,
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
                  .unused = 0,
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

void EventFileWriter::finish() {
  put(Record::end);
  file_.flush();
  if (file_) return;
  throw Error(fmt::format("event file `{}` cannot be written: {}; is the disk full?", path_,
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
  std::deque<std::string> texts;  // whose characters stay where they are
  std::vector<Footprint> reads, writes;
  for (Record record; (record = get<Record>(file, path)) != Record::end;) {
    if (record == Record::text) {
      std::string& text = texts.emplace_back(get<std::uint32_t>(file, path), '\0');
      if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
        refuse(path, "ends too early");
      }
      continue;
    }
    if (record != Record::event) refuse(path, "is damaged");
    const auto stored = get<StoredEvent>(file, path);
    Event event = event_of(stored, texts, path);
    reads.clear();
    writes.clear();
    for (std::uint32_t i = 0; i < stored.reads; ++i) reads.push_back(get<Footprint>(file, path));
    for (std::uint32_t i = 0; i < stored.writes; ++i) writes.push_back(get<Footprint>(file, path));
    event.reads = reads;
    event.writes = writes;
    reader.read(event);
  }
}

bool is_event_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, magic.size()> start{};
  return file.read(start.data(), start.size()) &&
         std::string_view(start.data(), start.size()) == magic;
}

}  // namespace peal
