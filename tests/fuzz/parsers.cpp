// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/parsers.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <utility>
#include <vector>

#include "cli/options/number_option.h"
#include "peal/base/error.h"
#include "peal/base/expression.h"
#include "peal/cases/case_call.h"
#include "peal/cases/case_file.h"
#include "peal/cases/case_flags.h"
#include "peal/checks/checker.h"
#include "peal/checks/event_file.h"
#include "peal/collectives/collectives.h"
#include "peal/collectives/tuning/chooser.h"
#include "peal/executors/sim/executor.h"
#include "peal/executors/sim/schedule/replay.h"
#include "peal/machine/team.h"
#include "peal/run/platform.h"
#include "peal/tools/device_list.h"
#include "peal/tools/files/npy.h"
#include "peal/tools/graph_file.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// A file in memory that holds the text, for what reads paths.
class TextFile {
 public:
  explicit TextFile(const std::string& text) : file_(::memfd_create("text", MFD_CLOEXEC)) {
    PEAL_CHECK(file_ >= 0);
    PEAL_CHECK(::write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~TextFile() { ::close(file_); }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", file_); }

 private:
  int file_;
};

// Paths in cases are relative to the root of the sources.
class InSources {
 public:
  InSources() : before_(fs::current_path()) { fs::current_path(PEAL_SOURCE_DIR); }
  ~InSources() { fs::current_path(before_); }
  InSources(const InSources&) = delete;
  InSources& operator=(const InSources&) = delete;

 private:
  fs::path before_;
};

void parse_events(const std::string& text) {
  std::istringstream stream(text);
  Checker checker(Platform::Switches{});
  read_events(stream, "fuzzed", checker);
  checker.finish(Checker::RunEnd::failed);
}

// Figures show what they are worth in a run.
void parse_platform(const std::string& text) {
  const TextFile file(text);
  SimExecutor executor(read_platform(file.path()));
  executor.run(2,
               [](Team& team) {
                 const View data = team.allocate(64, DType::f32);
                 all_reduce(team, {.send = data, .recv = data});
               },
               {});
}

// What a run asks a case for, on the numbers of ranks that it is for; arrays are not made.
void use(const CaseFile& file) {
  for (const int ranks : file.ranks) {
    const CaseSetup setup = case_setup(file, ranks);
    for (const int rank : {0, ranks - 1}) {
      const CaseCall call(file, {.ranks = ranks, .rank = rank, .call = setup.calls - 1});
    }
  }
}

void parse_case(const std::string& text) {
  const InSources here;
  use(read_case_text(text));
}

// Lines of which the first character says which flag they are.
void parse_flags(const std::string& text) {
  const InSources here;
  CaseFlags flags;
  flags.kernel = "tests/fuzz/parsers.cpp";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const std::string value = line.substr(1);
    switch (line.front()) {
      case 'a':
        flags.args.push_back(value);
        break;
      case 'w':
        flags.windows.push_back(value);
        break;
      case 'e':
        flags.expected.push_back(value);
        break;
      case 'v':
        flags.values.push_back(value);
        break;
      case 'b':
        flags.blocks = value;
        break;
      case 'c':
        flags.cores = value;
        break;
      case 't':
        flags.tolerance = value;
        break;
      default:
        flags.core = value;
    }
  }
  use(case_of_flags(flags));
}

// Kernels would have to be compiled: only graphs of collectives and copies are read.
void parse_graph(const std::string& text) {
  if (text.find("kernel") != text.npos) return;
  const TextFile file(text);
  static_cast<void>(read_graph_file(file.path()));
}

void parse_npy(const std::string& text) {
  const TextFile file(text);
  static_cast<void>(read_npy(file.path()));
}

void parse_expression(const std::string& text) {
  constexpr std::string_view names[] = {"P", "rank", "count"};
  const Expression expression = Expression::parse(text, names);
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN}) {
    const std::int64_t values[] = {value, 3, value};
    try {
      static_cast<void>(expression.evaluate(values));
    } catch (const Error&) {  // one that divides by zero may still have a value for the next
    }
  }
}

void parse_schedule(const std::string& text) {
  const TextFile file(text);
  ScheduleReplay schedule(file.path());
  Picoseconds time = 0;
  for (std::uint32_t bits = 0; bits < 64; ++bits) schedule.add(bits, StepId{bits});
  for (StepId step{}; schedule.take(time, step);) {
  }
}

void parse_tune_file(const std::string& text) {
  const TextFile file(text);
  static_cast<void>(text_of(read_measured_choices(file.path())));
}

void parse_numbers(const std::string& text) {
  const std::string value = text.empty() ? text : text.substr(1);
  switch (text.empty() ? '\0' : text.front()) {
    case 'd':
      static_cast<void>(parse_devices(value));
      break;
    case 's':
      static_cast<void>(parse_sizes(value, std::nullopt, std::nullopt));
      break;
    case 'r': {
      const std::size_t comma = value.find(',');
      const std::string last = comma == value.npos ? "64M" : value.substr(comma + 1);
      static_cast<void>(parse_sizes(value.substr(0, comma), last, "2"));
      break;
    }
    case 't':
      static_cast<void>(parse_time_limit(value));
      break;
    default:
      static_cast<void>(parse_number("--count", value, {.lowest = 1, .highest = 1000}));
  }
}

void parse_chosen_algorithms(const std::string& text) {
  ::setenv("PEAL_ALGORITHM", text.c_str(), 1);
  struct Unset {
    ~Unset() { ::unsetenv("PEAL_ALGORITHM"); }
  } unset;
  static_cast<void>(forced_algorithm(Collective::all_reduce));
}

constexpr FuzzParser parsers[] = {
    {"events", parse_events},
    {"platforms", parse_platform},
    {"cases", parse_case},
    {"flags", parse_flags},
    {"graphs", parse_graph},
    {"npy", parse_npy},
    {"expressions", parse_expression},
    {"schedules", parse_schedule},
    {"tune_files", parse_tune_file},
    {"numbers", parse_numbers},
    {"chosen_algorithms", parse_chosen_algorithms},
};

}  // namespace

std::span<const FuzzParser> fuzz_parsers() { return parsers; }

const FuzzParser& find_fuzz_parser(std::string_view name) {
  std::string names;
  for (const FuzzParser& parser : parsers) {
    if (parser.name == name) return parser;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", parser.name);
  }
  throw UsageError(fmt::format("parser `{}` is unknown; use one of {}", name, names));
}

}  // namespace peal
