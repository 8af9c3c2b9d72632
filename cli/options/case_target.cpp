// SPDX-License-Identifier: Apache-2.0
#include "cli/options/case_target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "cli/options/number_option.h"
#include "cli/options/unused_option.h"
#include "peal/base/error.h"
#include "peal/base/file_text.h"
#include "peal/launch/kernel_language.h"
#include "peal/machine/collective.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t max_calls = 1000000;  // the limit of a case file
constexpr std::uint64_t max_count = std::uint64_t{1} << 40;
constexpr int default_ranks = 4;  // for a Peal kernel

// Throws Error unless the target is a regular text file. A source is read more than once (to find
// out its kind, and by the compiler), so it cannot be a pipe.
void check_source(const RunRequest& request) {
  const fs::path target = request.collective;
  std::error_code failed;
  const fs::file_status status = fs::status(target, failed);
  if (!fs::exists(status) || fs::is_directory(status)) return;
  if (target.extension() == ".toml") return;
  if (fs::is_regular_file(status)) {
    if (file_text(target).find('\0') == std::string::npos) return;
    throw UsageError(
        fmt::format("kernel `{}` is no source: it holds bytes of 0, as binary files do; name "
                    "the file that it was made of",
                    request.collective));
  }
  throw UsageError(
      fmt::format("kernel `{}` is no regular file, and a kernel is read more than once; save "
                  "it, and name the file",
                  request.collective));
}

std::string case_path(const RunRequest& request) {
  const fs::path target = request.collective;
  if (request.case_file) return *request.case_file;
  if (target.extension() == ".toml") return target.string();
  std::error_code failed;
  if (fs::is_directory(target, failed)) return (target / "case.toml").string();
  if (!fs::exists(target, failed)) {
    throw UsageError(
        fmt::format("kernel `{}` cannot be read: No such file or directory; name an existing "
                    "source file or folder",
                    request.collective));
  }
  // The compiler does not take a file of another name for C++, so only the text can say what it is.
  const bool is_source = target.extension() == ".cpp";
  const std::string text = file_text(target);
  if (!is_source && text.find("peal_kernel()") != std::string::npos) {
    throw UsageError(
        fmt::format("`{}` is a Peal kernel whose name does not end in .cpp; give it, or a copy, "
                    "such a name",
                    request.collective));
  }
  if (!is_source && text.find("kernel_entry") == std::string::npos) {
    throw UsageError(
        fmt::format("`{}` is no source of a kernel: it has neither peal_kernel() nor "
                    "kernel_entry; name one, a case file, or a folder with a case",
                    request.collective));
  }
  throw UsageError(fmt::format(
      "kernel `{}` has a kernel_entry and no case; describe its arguments by --arg, or in a TOML "
      "file and give --case FILE",
      request.collective));
}

// The name of the kernel value that --count sets.
constexpr const char* count_name = "count";

CaseReplacements replacements(const RunRequest& request) {
  CaseReplacements result;
  for (const std::string& text : request.set) {
    const std::size_t sign = text.find('=');
    if (sign == std::string::npos || sign == 0) {
      throw UsageError(
          fmt::format("--set `{}` is no NAME=EXPRESSION; give one such as N=1000", text));
    }
    const std::string name = text.substr(0, sign);
    const bool is_new = result.emplace(name, text.substr(sign + 1)).second;
    if (!is_new) throw UsageError(fmt::format("--set gives `{}` twice; give it once", name));
  }
  if (!request.count) return result;
  const std::uint64_t count = parse_count("--count", *request.count, {.highest = max_count});
  if (!result.emplace(count_name, std::to_string(count)).second) {
    throw UsageError("--count and --set disagree about `count`; give one of them");
  }
  return result;
}

CaseFile read_flags(const RunRequest& request) {
  const fs::path target = request.collective;
  std::error_code failed;
  if (request.case_file || target.extension() == ".toml" || fs::is_directory(target, failed)) {
    throw UsageError(
        fmt::format("`{}` has a case, and {} describes one, too; change the case, or leave {} away",
                    request.collective, request.flags.first(), request.flags.first()));
  }
  if (!fs::is_regular_file(target, failed)) {
    throw UsageError(
        fmt::format("kernel `{}` is no file; name the source of a PTO kernel, which is what "
                    "{} describes, or leave {} away",
                    request.collective, request.flags.first(), request.flags.first()));
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
    throw UsageError(
        fmt::format("kernel `{}` cannot be read: No such file or directory; name an "
                    "existing source file",
                    request.collective));
  }
  for (CaseKernel& kernel : file.kernels) {  // the named source stands for kernel 0
    if (kernel.id == 0) kernel.file = fs::absolute(target).string();
  }
  return file;
}

// Replaces the kernel's values by those of --set and --count.
void set_values(Kernel& kernel, const RunRequest& request) {
  for (const auto& [name, text] : replacements(request)) {
    const auto value = std::ranges::find(kernel.values, name, &KernelValue::name);
    if (value != kernel.values.end()) {
      value->value = text;
      continue;
    }
    std::vector<std::string> known;
    for (const KernelValue& each : kernel.values) known.push_back(fmt::format("`{}`", each.name));
    throw UsageError(fmt::format(
        "kernel `{}` has no value `{}` that could be set; {}add it to the values of its "
        "description",
        kernel.name, name,
        known.empty() ? "" : fmt::format("set {}, or ", fmt::join(known, ", "))));
  }
}

// Throws Error for options that describe a collective: for a kernel, its description (in the source
// of a Peal kernel, in the case of a PTO kernel) says the same.
void refuse_options_of_collectives(const RunRequest& request) {
  const UnusedOption options[] = {
      {"--algorithm", request.algorithm != "auto", "leave it away: the kernel is the algorithm"},
      {"--dtype", request.dtype.has_value(), "its description or case gives the types"},
      {"--op", request.op.has_value(), "what its description or case expects names the operation"},
      {"--root", request.root.has_value(), "what its description or case expects names the root"},
      {"--input", request.input.has_value(), "its description or case fills what it reads"},
      {"--output", request.output.has_value(),
       "its description or case says what it expects, and --json has the differences"},
      {"--fill", request.fill.has_value(), "its description or case fills what it reads"},
      {"--seed", request.seed.has_value(), "its description or case fills what it reads"},
      {"--repeat", request.repeat.has_value(), "use --calls"}};
  refuse_unused(fmt::format("kernel `{}`", request.collective), options);
}

// True if the source is known to define a Peal kernel. Where it is given with a case, whose kernel
// it then is not, only a source that looks like one is compiled to find out.
bool defines_peal_kernel(const fs::path& path) {
  const std::string text = file_text(path);
  const bool looks_like_one = text.find("peal_kernel") != std::string::npos &&
                              suggested_language(text) == KernelLanguage::peal;
  if (!looks_like_one) return false;
  try {
    return load_if_peal_kernel(path.string()).has_value();
  } catch (const UsageError&) {  // compiling it with its case says what is wrong
    return false;
  }
}

// Throws Error for two descriptions of one kernel: --case or its flags with a Peal kernel, which
// describes itself, or with another case file.
void refuse_two_descriptions(const RunRequest& request) {
  const fs::path target = request.collective;
  if (request.case_file && target.extension() == ".toml" && target != *request.case_file) {
    throw UsageError(fmt::format("`{}` is a case file, as `{}` of --case is; give one of them",
                                 request.collective, *request.case_file));
  }
  if (!request.case_file && !request.flags.any()) return;
  if (target.extension() != ".cpp" || !defines_peal_kernel(target)) return;
  throw UsageError(
      fmt::format("kernel `{}` is a Peal kernel, which its own description is for; leave {} away",
                  request.collective, request.case_file ? "--case" : request.flags.first()));
}

// The kernel, if the target is the source of a Peal kernel.
std::optional<Kernel> named_kernel(const RunRequest& request) {
  const bool has_case = request.case_file || request.flags.any();
  if (has_case || fs::path(request.collective).extension() != ".cpp") return std::nullopt;
  return load_if_peal_kernel(request.collective);
}

bool is_collective(std::string_view text) {
  return std::any_of(std::begin(all_collectives), std::end(all_collectives),
                     [text](Collective collective) { return text == name(collective); });
}

}  // namespace

bool names_case(const RunRequest& request) {
  const fs::path target = request.collective;
  std::error_code failed;
  return request.case_file || request.flags.any() || target.has_parent_path() ||
         target.extension() == ".cpp" || target.extension() == ".toml" ||
         fs::is_directory(target, failed) ||
         (!is_collective(request.collective) && fs::exists(target, failed));
}

std::optional<std::int64_t> parse_calls(const RunRequest& request) {
  if (!request.calls) return std::nullopt;
  return static_cast<std::int64_t>(
      parse_number("--calls", *request.calls, {.lowest = 1, .highest = max_calls}));
}

CaseTarget find_case_target(const RunRequest& request) {
  CaseTarget target;
  check_source(request);
  refuse_options_of_collectives(request);
  refuse_two_descriptions(request);
  target.request.platform = request.platform;
  target.kernel = named_kernel(request);
  if (target.kernel) {
    target.path = request.collective;
    set_values(*target.kernel, request);
    if (target.runs_for_real()) {
      const UnusedOption options[] = {{"--time-limit", request.time_limit.has_value(),
                                       "a wait ends after the seconds of PEAL_TIMEOUT"},
                                      {"--in-process", request.in_process,
                                       "its ranks are processes of their own: attach the debugger "
                                       "to one"}};
      refuse_unused(fmt::format("platform {}", request.platform), options);
    }
    const Kernel& kernel = *target.kernel;
    target.ranks = {
        std::clamp(default_ranks, kernel.min_ranks, std::max(kernel.min_ranks, kernel.max_ranks))};
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

std::vector<NamedFile> inputs_of(const RunRequest& request, const CaseTarget& target) {
  std::vector<NamedFile> inputs = named_files({{"kernel", request.collective},
                                               {"case file", target.path},
                                               {"--schedule", request.schedule},
                                               {"--platform", request.platform}});
  if (!target.file) return inputs;
  for (const CaseKernel& kernel : target.file->kernels) inputs.push_back({"kernel", kernel.file});
  if (target.file->orchestration) {
    inputs.push_back({"orchestration", target.file->orchestration->file});
  }
  return inputs;
}

}  // namespace peal
