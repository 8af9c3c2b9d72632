// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/kernel_manifest.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>
#include <tuple>

#include "peal/base/cache_folder.h"
#include "peal/pto/load/kernel_cache.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view heading = "peal manifest 2";
constexpr std::string_view absent = "-";  // recorded for a missing file or folder

std::string hash_of_file(const std::string& path) {
  const std::optional<std::string> text = file_contents(path);
  return text ? content_hash(*text) : std::string(absent);
}

// True if the name may be that of an included file. Other names are left out of a folder's hash, so
// that results of runs, which are often written beside kernels, do not invalidate manifests.
bool may_be_included(std::string_view name) {
  constexpr std::string_view endings[] = {"h",   "hh",  "hpp", "hxx", "h++", "inc", "inl", "ipp",
                                          "tpp", "tcc", "def", "c",   "cc",  "cpp", "cxx", "cuh"};
  const std::size_t dot = name.rfind('.');
  return dot == name.npos || std::find(std::begin(endings), std::end(endings),
                                       name.substr(dot + 1)) != std::end(endings);
}

// The hash of the sorted names of the folder's files that may be included.
std::string hash_of_folder(const std::string& path) {
  DIR* const folder = ::opendir(path.c_str());
  if (folder == nullptr) return std::string(absent);
  std::vector<std::string> names;
  while (const dirent* const entry = ::readdir(folder)) {
    if (may_be_included(entry->d_name)) names.emplace_back(entry->d_name);
  }
  ::closedir(folder);
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) text += name + '/';
  return content_hash(text);
}

// Names in system folders are not hashed. They change when packages do, and a package that replaces
// an included file changes that file's contents, which are hashed.
bool is_of_system(const std::string& path) { return path.starts_with("/usr/"); }

std::string line(const char* what, const std::string& hash, const std::string& path) {
  return fmt::format("{} {} {}\n", what, hash, path);
}

bool holds(std::string_view what, std::string_view hash, const std::string& path) {
  if (what == "file") return hash_of_file(path) == hash;
  return what == "folder" && hash_of_folder(path) == hash;
}

}  // namespace

KernelManifest KernelManifest::of(const std::vector<std::string>& files,
                                  const std::vector<std::string>& folders) {
  KernelManifest result;
  result.files_ = files;
  std::set<std::string> searched(folders.begin(), folders.end());
  for (const std::string& file : files) {
    result.lines_ += line("file", hash_of_file(file), file);
    if (!is_of_system(file)) searched.insert(fs::path(file).parent_path().string());
  }
  for (const std::string& folder : searched) {
    result.lines_ += line("folder", hash_of_folder(folder), folder);
  }
  return result;
}

std::optional<std::string> KernelManifest::current_text_hash(const fs::path& path) {
  if (!distrust_of_file(path).empty()) return std::nullopt;
  std::istringstream lines(file_contents(path).value_or(""));
  std::string start, text_hash;
  if (!std::getline(lines, start) || start != heading || !std::getline(lines, text_hash)) {
    return std::nullopt;
  }
  bool has_files = false;
  for (std::string entry; std::getline(lines, entry); has_files = true) {
    const std::size_t first = entry.find(' '), second = entry.find(' ', first + 1);
    if (second == entry.npos) return std::nullopt;
    const std::string_view view = entry;
    if (!holds(view.substr(0, first), view.substr(first + 1, second - first - 1),
               entry.substr(second + 1))) {
      return std::nullopt;
    }
  }
  return has_files && text_hash.size() == 16 ? std::optional(text_hash) : std::nullopt;
}

void KernelManifest::write(const fs::path& path, const std::string& text_hash) const {
  const bool has_line_ends = std::any_of(files_.begin(), files_.end(), [](const std::string& file) {
    return file.find('\n') != file.npos;
  });
  std::ofstream file(path, std::ios::binary);
  if (!has_line_ends) file << heading << '\n' << text_hash << '\n' << lines_;
}

bool KernelManifest::is_older_than(const timespec& moment) const {
  return std::all_of(files_.begin(), files_.end(), [&](const std::string& file) {
    struct stat status = {};
    return ::stat(file.c_str(), &status) == 0 &&
           std::tuple(status.st_ctim.tv_sec, status.st_ctim.tv_nsec) <
               std::tuple(moment.tv_sec, moment.tv_nsec);
  });
}

}  // namespace peal
