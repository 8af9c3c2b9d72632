// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/graph/graph_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace peal {
namespace {

constexpr std::size_t max_failures = 32;

double microseconds(Picoseconds time) { return static_cast<double>(time) / 1e6; }

// Device numbers, in any order, as text such as "0-3,7".
std::string ranges(const std::vector<int>& numbers) {
  const std::set<int> sorted(numbers.begin(), numbers.end());
  std::string text;
  for (auto at = sorted.begin(); at != sorted.end();) {
    const int first = *at;
    int last = first;
    while (++at != sorted.end() && *at == last + 1) ++last;
    text += text.empty() ? "" : ",";
    text += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
  }
  return text;
}

std::string where(const TaskRecord& task) {
  if (task.devices.empty()) return "the host";
  return fmt::format("device{} {}", task.devices.size() == 1 ? "" : "s", ranges(task.devices));
}

const char* name(TaskRecord::State state) {
  constexpr const char* names[] = {"waiting", "running", "done", "failed", "not run"};
  return names[static_cast<std::size_t>(state)];
}

}  // namespace

std::size_t GraphReport::failures() const {
  return static_cast<std::size_t>(
      std::count_if(tasks.begin(), tasks.end(), [](const TaskRecord& task) {
        return task.state == TaskRecord::State::failed || task.state == TaskRecord::State::not_run;
      }));
}

std::string task_label(const GraphReport& report, std::size_t task) {
  const TaskRecord& record = report.tasks[task];
  return fmt::format("task {} `{}` on {}", task, record.name, where(record));
}

std::string describe_failures(const GraphReport& report) {
  std::string text = fmt::format("run {}: {} of {} tasks failed or were not run", report.run,
                                 report.failures(), report.tasks.size());
  std::size_t told = 0;
  for (TaskRecord::State state : {TaskRecord::State::failed, TaskRecord::State::not_run}) {
    for (std::size_t task = 0; task < report.tasks.size(); ++task) {
      const TaskRecord& record = report.tasks[task];
      if (record.state != state || ++told > max_failures) continue;
      text += "\n" + task_label(report, task);
      text += state == TaskRecord::State::failed
                  ? " failed: " + record.failure
                  : fmt::format(" was not run, because task {} `{}` failed", record.failed_task,
                                report.tasks[record.failed_task].name);
    }
  }
  if (told > max_failures) text += fmt::format("\nand {} more", told - max_failures);
  return text;
}

std::string describe(const GraphReport& report, std::size_t max_tasks) {
  const std::set<std::size_t> critical(report.critical_path.begin(), report.critical_path.end());
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "run {} on {}, devices {}: {} task{} in {:.3f} us\n", report.run,
                 report.platform, ranges(report.devices), report.tasks.size(),
                 report.tasks.size() == 1 ? "" : "s", microseconds(report.time_ps));
  fmt::format_to(out, "one after the other {:.3f} us, critical path {:.3f} us ({} task{})\n",
                 microseconds(report.serial_ps), microseconds(report.critical_path_ps),
                 critical.size(), critical.size() == 1 ? "" : "s");
  if (!report.tasks.empty()) {
    fmt::format_to(out, "{:>6}  {:<24} {:<16} {:>12} {:>12} {:>12}\n", "task", "name", "where",
                   "begin us", "end us", "time us");
  }
  for (std::size_t task = 0; task < std::min(max_tasks, report.tasks.size()); ++task) {
    const TaskRecord& record = report.tasks[task];
    fmt::format_to(out, "{:>6}  {:<24} {:<16} {:>12.3f} {:>12.3f} {:>12.3f}{}\n", task, record.name,
                   where(record), microseconds(record.begin_ps), microseconds(record.end_ps),
                   microseconds(record.end_ps - record.begin_ps),
                   record.state != TaskRecord::State::done
                       ? fmt::format("  {}", name(record.state))
                       : std::string(critical.contains(task) ? "  *" : ""));
  }
  if (report.tasks.size() > max_tasks) {
    fmt::format_to(out, "and {} more tasks\n", report.tasks.size() - max_tasks);
  }
  if (!critical.empty()) text += "* on the critical path\n";
  for (const std::string& finding : report.findings) text += finding + "\n";
  return text;
}

}  // namespace peal
