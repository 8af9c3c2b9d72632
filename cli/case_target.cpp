// SPDX-License-Identifier: Apache-2.0
#include "cli/case_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/number_option.h"
#include "peal/base/error.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_calls = 1000;
constexpr int default_ranks = 4;  // of a Peal kernel

std::string case_path(const RunRequest& request) {
  const fs::path target = request.collective;
  if (request.case_file) return *request.case_file;
  if (target.extension() == ".toml") return target.string();
  std::error_code failed;
  if (fs::is_directory(target, failed)) return (target / "case.toml").string();
  if (!fs::exists(target, failed)) {
    throw Error(
        fmt::format("kernel `{}` cannot be read: No such file or directory; name an existing "
                    "source file or folder",
                    request.collective));
  }
  throw Error(fmt::format(
      "kernel `{}` has a kernel_entry and no case; describe its arguments by --arg, or in a TOML "
      "file and give --case FILE",
      request.collective));
}

CaseReplacements replacements(const RunRequest& request) {
  CaseReplacements result;
  for (const std::string& text : request.set) {
    const std::size_t sign = text.find('=');
    if (sign == std::string::npos || sign == 0) {
      throw Error(fmt::format("--set `{}` is no NAME=EXPRESSION; give one such as N=1000", text));
    }
    result[text.substr(0, sign)] = text.substr(sign + 1);
  }
  return result;
}

CaseFile read_flags(const RunRequest& request) {
  const fs::path target = request.collective;
  std::error_code failed;
  if (request.case_file || target.extension() == ".toml" || fs::is_directory(target, failed)) {
    throw Error(fmt::format(
        "--case or a folder with a case and --arg or others that describe a case disagree about "
        "`{}`; give one of them",
        request.collective));
  }
  if (!fs::is_regular_file(target, failed)) {
    throw Error(fmt::format("kernel `{}` is no file; name the source that --arg describes",
                            request.collective));
  }
  CaseFlags flags = request.flags;
  flags.kernel = request.collective;
  return case_of_flags(flags, replacements(request));
}

CaseFile read_case(const RunRequest& request) {
  if (request.flags.any()) return read_flags(request);
  CaseFile file = read_case_file(case_path(request), replacements(request));
  const fs::path target = request.collective;
  if (!request.case_file || target.extension() == ".toml") return file;
  std::error_code failed;
  if (fs::is_directory(target, failed)) return file;
  if (!fs::exists(target, failed)) {
    throw Error(
        fmt::format("kernel `{}` cannot be read: No such file or directory; name an "
                    "existing source file",
                    request.collective));
  }
  for (CaseKernel& kernel : file.kernels) {  // the named source stands for kernel 0
    if (kernel.id == 0) kernel.file = fs::absolute(target).string();
  }
  return file;
}

// Whether the target is the source of a Peal kernel.
bool names_kernel(const RunRequest& request) {
  const fs::path target = request.collective;
  return !request.case_file && !request.flags.any() && target.extension() == ".cpp" &&
         is_kernel_file(target.string());
}

}  // namespace

bool names_case(const RunRequest& request) {
  const fs::path target = request.collective;
  std::error_code failed;
  return request.case_file || request.flags.any() || target.has_parent_path() ||
         target.extension() == ".cpp" || target.extension() == ".toml" ||
         fs::is_directory(target, failed);
}

std::optional<std::int64_t> parse_calls(const RunRequest& request) {
  if (!request.calls) return std::nullopt;
  return static_cast<std::int64_t>(
      parse_number("--calls", *request.calls, {.lowest = 1, .highest = most_calls}));
}

CaseTarget find_case_target(const RunRequest& request) {
  CaseTarget target;
  target.request.platform = request.platform;
  if (names_kernel(request)) {
    target.path = request.collective;
    target.kernel = load_kernel_file(request.collective);
    const Kernel& kernel = *target.kernel;
    target.ranks = {std::clamp(default_ranks, kernel.least_ranks,
                               std::max(kernel.least_ranks, kernel.most_ranks))};
  } else {
    target.path = request.flags.any() ? request.collective : case_path(request);
    target.file = read_case(request);
    target.ranks = target.file->ranks;
  }
  target.request.calls = parse_calls(request);
  if (request.time_limit) {
    target.request.time_limit_seconds = parse_time_limit(*request.time_limit);
  }
  return target;
}

}  // namespace peal
