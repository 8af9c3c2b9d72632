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

// A file begins with this, its format as one digit, and a newline.
constexpr std::string_view magic = "peal events ";
constexpr char format = '2';  // of 1, places had no origin
constexpr std::size_t start_size = magic.size() + 2;

enum class Record : std::uint8_t { text = 1, event = 2, end = 3 };

// An event in the file: texts are given by number, and its footprints follow it. The text of a
// place's file has the place's origin.
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

// The format of an event file, as its digit; '\0' if the stream does not begin as an event file.
char read_format(std::istream& file) {
  std::array<char, start_size> start{};
  if (!file.read(start.data(), start.size())) return '\0';
  const std::string_view text(start.data(), start.size());
  const char of_file = text[magic.size()];
  const bool is_one = text.starts_with(magic) && of_file >= '1' && of_file <= '9';
  return is_one && text.back() == '\n' ? of_file : '\0';
}

void read_heading(std::istream& file, const std::string& path, EventFileHeading& heading) {
  const char of_file = read_format(file);
  if (of_file == '\0') refuse(path, "does not begin as one");
  if (of_file != format) {
    refuse(path,
           fmt::format("has format {}, and this version of Peal reads format {}", of_file, format));
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

// A text of the file. As the file of a place, it has the place's origin.
struct Text {
  std::string characters;
  SourceOrigin origin{};
};

Event event_of(const StoredEvent& stored, const std::deque<Text>& texts, const std::string& path) {
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
          .atomic = stored.atomic,
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
          .place = {texts[stored.file].characters.c_str(), stored.line, texts[stored.file].origin},
          .name = texts[stored.name].characters.c_str()};
}

SourceOrigin read_origin(std::istream& file, const std::string& path) {
  const auto origin = get<std::uint8_t>(file, path);
  if (origin >= source_origin_count) refuse(path, "is damaged: it has an origin that is unknown");
  return static_cast<SourceOrigin>(origin);
}

std::string read_text(std::istream& file, const std::string& path) {
  const auto size = get<std::uint32_t>(file, path);
  if (size > max_text_bytes) refuse(path, "is damaged: it has a text that is too long");
  std::string text(size, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(size))) refuse(path, "ends too early");
  return text;
}

void read_records(std::istream& file, const std::string& path, const EventFileHeading& heading,
                  EventReader& reader) {
  EventRules rules(heading.ranks);
  std::deque<Text> texts;  // a deque, so that the characters keep their addresses
  std::vector<Footprint> reads, writes;
  std::uint64_t number = 0;
  for (Record record; (record = get<Record>(file, path)) != Record::end;) {
    if (record == Record::text) {
      const SourceOrigin origin = read_origin(file, path);
      texts.push_back({read_text(file, path), origin});
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
  const std::string end = read_text(file, path);
  if (end.empty() || file.peek() != std::istream::traits_type::eof()) {
    refuse(path, "is damaged: it goes on behind its end");
  }
  throw RunError(fmt::format("the recorded run ended with {}", end));
}

}  // namespace

EventFileWriter::EventFileWriter(const std::string& path, const EventFileHeading& heading)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc) {
  if (!file_) {
    throw UsageError(fmt::format("event file `{}` cannot be written: {}; name another", path,
                                 std::strerror(errno)));
  }
  file_.write(magic.data(), magic.size());
  put(format);
  put('\n');
  put(static_cast<std::uint8_t>(heading.switches.drained_is_visible));
  put(static_cast<std::uint8_t>(heading.switches.signals_in_order));
  put(static_cast<std::uint8_t>(heading.switches.event_identity_without_waiter));
  put(static_cast<std::int32_t>(heading.ranks));
}

template <class T>
void EventFileWriter::put(const T& value) {
  file_.write(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::uint32_t EventFileWriter::number_of(const char* text, SourceOrigin origin) {
  const std::string_view view = text == nullptr ? "" : text;
  auto& numbers = numbers_[static_cast<std::size_t>(origin)];
  const auto known = numbers.find(view);
  if (known != numbers.end()) return known->second;
  const std::uint32_t number = texts_++;
  numbers.emplace(view, number);
  put(Record::text);
  put(byte_of(origin));
  put(static_cast<std::uint32_t>(view.size()));
  file_.write(view.data(), static_cast<std::streamsize>(view.size()));
  return number;
}

void EventFileWriter::read(const Event& event) {
  const std::uint32_t place = number_of(event.place.file, event.place.origin);
  const std::uint32_t name = number_of(event.name, SourceOrigin::kernel);
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
  return read_format(file) != '\0';
}

}  // namespace peal
