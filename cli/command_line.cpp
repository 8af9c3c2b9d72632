// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands/bench_command.h"
#include "cli/commands/check_command.h"
#include "cli/commands/graph_command.h"
#include "cli/commands/kernel_bench_command.h"
#include "cli/commands/launch_command.h"
#include "cli/commands/list_command.h"
#include "cli/commands/run_command.h"
#include "cli/commands/tune_command.h"
#include "cli/options/case_target.h"
#include "cli/options/check_request.h"
#include "cli/options/run_request.h"
#include "cli/options/unused_option.h"
#include "cli/output/say.h"
#include "peal/base/error.h"
#include "peal/base/notes.h"
#include "peal/base/process/watched_process.h"
#include "peal/launch/launch.h"
#include "peal/run/kernel_failure.h"
#include "peal/tools/files/output_file.h"
#include "peal/version.h"

namespace peal {
namespace {

constexpr int failed = 1, misuse = 2;

struct ListRequest {
  bool json = false;
  std::string json_path;  // empty: stdout
};

void add_list(CLI::App* list, ListRequest& request) {
  list->add_option("--json", request.json_path, "As JSON, into a file if one is named; - is stdout")
      ->type_name("[FILE]")
      ->expected(0, 1);
  list->callback([list, &request] { request.json = list->count("--json") > 0; });
}

// Adds the options that describe a PTO kernel without a case file.
void add_case_flags(CLI::App* run, CaseFlags& flags) {
  const auto add_each = [run](const char* name, auto& values, const char* type, const char* help) {
    run->add_option(name, values, help)->type_name(type)->allow_extra_args(false);
  };
  add_each("--arg", flags.args, "ARG",
           "An argument of a PTO kernel without a case file, in order: 'in f32[256] "
           "fill=i+100*rank', 'out f32[256]', 'inout f32[N] fill=0', 'temp f32[N]', 'window NAME', "
           "'scalar P', 'context'");
  add_each("--window", flags.windows, "WINDOW", "A window of its: 'NAME f32[256 + 16*P]'");
  add_each("--expect", flags.expected, "KEY=VALUE",
           "What it has to result in: all_reduce=sum, broadcast=0, all_gather=true, out0=2*i");
  add_each("--value", flags.values, "NAME=VALUE", "A name for expressions: N=256");
  add_each("--include", flags.include, "FOLDER", "A folder for its includes");
  run->add_option("--blocks", flags.blocks, "Blocks of it per rank; default 1")->type_name("N");
  run->add_option("--cores", flags.cores, "Cores of a rank; default as many")->type_name("N");
  run->add_option("--core", flags.core, "aiv or aic; default aiv")->type_name("TYPE");
  run->add_option("--tolerance", flags.tolerance,
                  "The largest difference that is none; default 1e-3")
      ->type_name("X");
}

void add_in_process(CLI::App* command, bool& in_process) {
  command->add_flag("--in-process", in_process,
                    "Run kernels in this process, as under a debugger; one that takes the process "
                    "takes the report");
}

void add_run(CLI::App* run, RunRequest& request) {
  const auto add = [run](const char* names, auto& value, const char* type, const char* help) {
    return run->add_option(names, value, help)->type_name(type);
  };
  add("collective", request.collective, "NAME",
      "A collective of `peal list`, or a kernel: a source that defines peal_kernel, a PTO source "
      "with --case or --arg, or a folder with case.toml")
      ->required();
  add("--case", request.case_file, "FILE", "The case file that describes a PTO kernel's arguments");
  add_case_flags(run, request.flags);
  add("--time-limit", request.time_limit, "S",
      "Seconds that a kernel may run without an instruction of the chip; default 5");
  add("--calls", request.calls, "N",
      "Calls of a kernel on one window; default what it is made for");
  add("--set", request.set, "NAME=N",
      "Another expression for one of the values of a kernel or case, such as N=4K")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add("-p,--platform", request.platform, "NAME",
      "A platform of `peal list`, or a .toml file; default a2a3sim");
  add("-d,--devices", request.devices, "LIST", "Devices such as 0-3 or 0,2,5-7: a rank on each");
  add("-n,--ranks", request.ranks, "N", "Number of ranks; default 4");
  add("-a,--algorithm", request.algorithm, "NAME",
      "An algorithm of `peal list`; default auto, the one predicted to be fastest");
  add("-c,--count", request.count, "N",
      "Elements of a block, as in MPI, such as 1000 or 64K; default 256. Of a kernel or case: its "
      "value `count`");
  add("-t,--dtype", request.dtype, "TYPE",
      "f32 f64 f16 bf16 i8 u8 i16 u16 i32 u32 i64 u64; default f32");
  add("--op", request.op, "OP", "sum prod min max; default sum");
  add("--root", request.root, "RANK", "Of broadcast, reduce, gather, scatter; default 0");
  add("--input", request.input, "FILE", "A .npy array to send, one row per rank");
  add("--output", request.output, "FILE", "A .npy array of what the ranks hold, one row per rank");
  add("--fill", request.fill, "KIND",
      "What is sent without --input: ramp (i + 100 r) or rand; default ramp");
  add("--seed", request.seed, "N", "Of --fill rand; default 0");
  add("--schedule", request.schedule, "KIND",
      "virtual (by simulated time), random:SEED, pct:SEED or a file; default virtual");
  add("--save-schedule", request.save_schedule, "FILE", "Record the schedule of the run");
  add("--repeat", request.repeat, "N",
      "Calls back to back, of which the last is compared; default 1");
  run->add_flag("--no-values", request.no_values, "Move no data: for timing at scale");
  add_in_process(run, request.in_process);
  add("--json", request.json, "FILE", "Write everything that is printed as JSON; - is stdout");
}

void add_check(CLI::App* check, CheckCommandRequest& request) {
  const auto add = [check](const char* names, auto& value, const char* type, const char* help) {
    return check->add_option(names, value, help)->type_name(type);
  };
  RunRequest& run = request.run;
  add("target", run.collective, "NAME",
      "A collective of `peal list`, or a kernel: a source that defines peal_kernel, a PTO source "
      "with --case or --arg, or a folder with case.toml")
      ->required();
  add("--case", run.case_file, "FILE", "The case file that describes a PTO kernel's arguments");
  add_case_flags(check, run.flags);
  add("-n,--ranks", run.ranks, "LIST",
      "Numbers of ranks, such as 2,3,4,8; default the case's, or 4");
  add("-d,--devices", run.devices, "LIST", "Devices such as 0-3 or 0,2,5-7: a rank on each");
  add("-a,--algorithm", run.algorithm, "NAME", "An algorithm of `peal list`; default auto");
  add("-c,--count", run.count, "N",
      "Elements of a block, as in MPI, such as 1000 or 64K; default 256. Of a kernel or case: its "
      "value `count`");
  add("-t,--dtype", run.dtype, "TYPE", "As of `peal run`; default f32");
  add("--op", run.op, "OP", "sum prod min max; default sum");
  add("--root", run.root, "RANK", "Of broadcast, reduce, gather, scatter; default 0");
  add("-p,--platform", run.platform, "NAME",
      "A platform of `peal list`, or a .toml file; default a2a3sim");
  add("--calls", run.calls, "N",
      "Calls back to back on the same windows, each with new input; default 2, or what the "
      "kernel or case says (a case that says nothing: 1)");
  add("--set", run.set, "NAME=N",
      "Another expression for one of the values of a kernel or case, such as N=4K")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add("--only", request.only, "CHECK", "Only findings of these classes")
      ->allow_extra_args(false)
      ->delimiter(',');
  add("--skip", request.skip, "CHECK", "No findings of these classes")
      ->allow_extra_args(false)
      ->delimiter(',');
  check->add_flag("--advice", request.advice, "Say what is waste, too");
  check->add_flag("--strict", request.strict, "Assume no more of the hardware than is documented");
  check->add_flag("--mutate", request.mutate,
                  "Leave out each synchronisation, one at a time, and say whether it is needed");
  add("--schedules", request.schedules, "N",
      "Schedules to search where one run does not decide; default 64");
  add("--schedule", run.schedule, "KIND",
      "Of the first run: virtual, random:SEED, pct:SEED or a file; default virtual");
  add("--save-schedule", run.save_schedule, "FILE", "Record the schedule of the first run");
  add("--time-limit", run.time_limit, "S",
      "Seconds that a kernel may run without an instruction of the chip; default 5");
  add("--events", request.events, "FILE",
      "Record the events of the first run; `peal check FILE` reads them again");
  add("--json", run.json, "FILE", "Write everything that is printed as JSON; - is stdout");
  add_in_process(check, run.in_process);
}

void add_graph(CLI::App* graph, GraphCommandRequest& request) {
  const auto add = [graph](const char* names, auto& value, const char* type, const char* help) {
    return graph->add_option(names, value, help)->type_name(type);
  };
  add("file", request.file, "FILE", "The graph: devices, domains, buffers, tasks and arguments")
      ->required();
  add("-p,--platform", request.platform, "NAME",
      "A platform of `peal list`, or a .toml file; default the graph's, or a2a3sim");
  graph->add_flag("--checks", request.checks, "Look for races and the like, as `peal check` does");
  add("--schedule", request.schedule, "KIND",
      "virtual (by simulated time), random:SEED, pct:SEED or a file; default virtual");
  add("--time-limit", request.time_limit, "S",
      "Seconds that a kernel may run without an instruction of the chip; default 5");
  add("--dot", request.dot, "FILE", "Write the graph in the language of Graphviz");
  add("--json", request.json, "FILE", "Write everything that is printed as JSON; - is stdout");
  add_in_process(graph, request.in_process);
}

void add_bench(CLI::App* bench, BenchRequest& request) {
  const auto add = [bench](const char* names, auto& value, const char* type, const char* help) {
    return bench->add_option(names, value, help)->type_name(type);
  };
  add("collective", request.collective, "NAME",
      "A collective of `peal list`, or a source that defines peal_kernel")
      ->required();
  add("-p,--platform", request.platform, "NAME", "shm, the default: processes over shared memory");
  add("-n,--ranks", request.ranks, "N", "Number of ranks; default 2");
  add("-a,--algorithm", request.algorithm, "NAME", "An algorithm of `peal list`; default auto");
  add("-b,--smallest", request.smallest, "BYTES", "The smallest size, such as 8 or 4K; default 8");
  add("-e,--largest", request.largest, "BYTES",
      "The largest size; default 64M, or the smallest if that is given");
  add("-f,--factor", request.factor, "N", "From one size to the next; default 4");
  add("-t,--dtype", request.dtype, "TYPE", "As of `peal run`; default f32");
  add("--op", request.op, "OP", "sum prod min max; default sum");
  add("--root", request.root, "RANK", "Of broadcast, reduce, gather, scatter; default 0");
  add("-c,--count", request.count, "N", "Of a kernel: its value `count`, such as 1000 or 64K");
  add("--set", request.set, "NAME=N", "Another expression for one of the values of a kernel")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add("--iterations", request.iterations, "N",
      "Calls that are measured; default as many as move 256 MiB, 20 to 20000");
  add("--json", request.json, "FILE", "Write the rows as JSON");
}

void add_tune(CLI::App* tune, TuneRequest& request) {
  tune->add_option("-n,--ranks", request.ranks, "Numbers of ranks; default 2,4,8")
      ->type_name("N,...");
  tune->add_option("-c,--collective", request.collective, "Only this one")->type_name("NAME");
}

void add_launch(CLI::App* launch, LaunchRequest& request) {
  launch->add_option("-n,--ranks", request.ranks, "Number of ranks")->type_name("N")->required();
  launch
      ->add_option(
          "command", request.command,
          "The program and its arguments, behind --; it calls peal::team_from_environment()")
      ->type_name("PROGRAM...")
      ->required();
}

int list_command(const ListRequest& request) {
  const std::string text = request.json ? list_json() : list_text();
  if (request.json_path.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  } else {
    OutputFile file(request.json_path);
    file.commit(text);
  }
  return 0;
}

int report_misuse(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  say("peal: {}\n", text);
  return misuse;
}

// The error sentence for a command line that cannot be parsed; `first` is its first argument.
std::string parse_failure(const CLI::App& app, const CLI::ParseError& error,
                          std::string_view first) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
    if (command->parsed()) {
      return fmt::format("{}; see `peal {} --help`", error.what(), names.back());
    }
  }
  if (!first.empty() && !first.starts_with('-')) {
    return fmt::format("command `{}` is unknown; use one of {}", first, fmt::join(names, ", "));
  }
  return fmt::format("{}; see `peal --help`", error.what());
}

// Runs a command, reports its exceptions on stderr, and returns the exit code.
int reporting(const std::function<int()>& command) {
  try {
    const int code = command();
    // Output is buffered: without this check a full disk or a closed pipe would pass for success.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      return report_misuse(fmt::format("stdout cannot be written: {}", std::strerror(errno)));
    }
    return code;
  } catch (const RunError& error) {
    say("{}\n", error.what());
    return failed;
  } catch (const QuotedError& error) {
    say("peal: {}\n", error.what());
    return misuse;
  } catch (const Error& error) {
    return report_misuse(error.what());
  } catch (const std::bad_alloc&) {
    return report_misuse("there is not enough memory; use fewer ranks or a smaller count");
  } catch (const std::length_error&) {
    return report_misuse("there is not enough memory; use fewer ranks or a smaller count");
  } catch (const std::system_error& error) {  // mostly errors of files
    return report_misuse(fmt::format(
        "the system refuses: {}; see whether paths and limits are right", error.what()));
  }
}

// Runs a command that loads kernels in a supervised child process, so that a crash of a kernel is
// reported.
int supervised(const std::function<int()>& command) {
  if (!can_watch()) return command();
  constexpr double never = 1e9;  // no time limit: the child may block on its own children
  const WatchedEnd end =
      run_watched([&command] { return std::to_string(reporting(command)); }, never);
  if (end.has_answered) return std::stoi(end.answer);
  say("{}\n", kernel_error_text(end.rank, end.core, end.what, end.place));
  return failed;
}

// Replaces a platform that is named by its target alone by the simulation of that target.
void mean_platform(std::string& platform) {
  std::string meant = platform_meant(platform);
  if (meant == platform) return;
  say("peal: note: -p {} means {}, its simulation\n", platform, meant);
  platform = std::move(meant);
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("Collective communication on simulated accelerators", "peal");
  app.require_subcommand(1);
  app.set_version_flag("--version", "peal " PEAL_VERSION PEAL_COMMIT);
  ListRequest list;
  RunRequest run;
  CheckCommandRequest check;
  GraphCommandRequest graph;
  LaunchRequest launch;
  BenchRequest bench;
  TuneRequest tune;
  // Only the options of the named command are added: those of all take longer than a short run.
  const std::string_view named = argc > 1 ? argv[1] : "";
  const auto add = [&app, named](const char* name, const char* about, const auto& add_options) {
    CLI::App* const command = app.add_subcommand(name, about);
    if (named == name) add_options(command);
  };
  add("list", "List collectives, algorithms and platforms",
      [&](CLI::App* to) { add_list(to, list); });
  add("run",
      "Run a collective or a kernel, compare every rank with the expected result, and time it",
      [&](CLI::App* to) { add_run(to, run); });
  add("check", "Run a collective or a kernel in the simulator under every check and decide",
      [&](CLI::App* to) { add_check(to, check); });
  add("graph", "Run a described graph of tasks on devices, and say when each ran",
      [&](CLI::App* to) { add_graph(to, graph); });
  add("launch", "Start a program as the ranks of a team on this host: processes over shared memory",
      [&](CLI::App* to) { add_launch(to, launch); });
  add("bench", "Measure a collective on this host, size after size, or a kernel",
      [&](CLI::App* to) { add_bench(to, bench); });
  add("tune", "Measure which algorithm is best where on this host, and remember it for `auto`",
      [&](CLI::App* to) { add_tune(to, tune); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return report_misuse(parse_failure(app, error, argc > 1 ? argv[1] : ""));
  }
  if (run.in_process || check.run.in_process || graph.in_process) run_in_process();
  if (app.got_subcommand("list")) return list_command(list);
  if (app.got_subcommand("bench")) {
    if (!names_kernel(bench)) return bench_command(bench);
    return supervised([&] { return kernel_bench(bench); });
  }
  if (app.got_subcommand("tune")) return tune_command(tune);
  if (app.got_subcommand("launch")) return launch_command(launch);
  if (app.got_subcommand("graph")) {
    if (graph.platform) mean_platform(*graph.platform);
    return supervised([&] { return graph_command(graph); });
  }
  const bool checks = app.got_subcommand("check");
  mean_platform(checks ? check.run.platform : run.platform);
  const auto command = [&] { return checks ? check_command(check) : run_command(run); };
  const RunRequest& request = checks ? check.run : run;
  if (names_case(request)) return supervised(command);
  refuse_unused(
      fmt::format("collective `{}`", request.collective),
      std::array{UnusedOption{"--in-process", request.in_process,
                              "Peal's own kernels run in this process, so leave it away"}});
  return command();
}

}  // namespace

int command_line(int argc, char** argv) {
  set_note_handler([](const Note& note) { say("{}\n", describe(note)); });
  return reporting([&] { return parse_and_run(argc, argv); });
}

}  // namespace peal
