// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/compiler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/pto/kernel_cache.h"

extern char** environ;

namespace peal {
namespace {

namespace fs = std::filesystem;

// FNV-1a over 64 bits: names of cache entries, whose contents are trusted as the user's own.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::optional<std::string> contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The folder in which peal/pto/abi.h and the kernels' headers lie.
fs::path header_root() {
  std::vector<fs::path> roots;
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) roots.push_back(program.parent_path().parent_path() / "include");
  roots.emplace_back(PEAL_INSTALLED_INCLUDE);
  roots.emplace_back(PEAL_SOURCE_INCLUDE);
  for (const fs::path& root : roots) {
    if (fs::exists(root / "peal/pto/abi.h", failed)) return root;
  }
  throw Error(fmt::format("the PTO headers are not found under {}; install Peal again",
                          fmt::join(std::vector<std::string>{roots.begin(), roots.end()}, ", ")));
}

// Runs a program found on the PATH, with its messages going to a file; returns its exit code.
int run_program(std::vector<std::string> arguments, const fs::path& messages) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, messages.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t child = 0;
  const int failed =
      ::posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw Error(fmt::format("compiler `{}` cannot be started: {}; install g++ or set CXX",
                            arguments[0], std::strerror(failed)));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// The files that a make rule, as the compiler writes it, says its target depends on.
std::vector<std::string> dependencies(const std::string& rule) {
  std::vector<std::string> files;
  std::string file;
  for (std::size_t i = rule.find(": ") + 2; i < rule.size(); ++i) {
    const char c = rule[i];
    if (c == '\\' && i + 1 < rule.size()) {
      if (rule[++i] != '\n') file += rule[i];
    } else if (c == ' ' || c == '\n') {
      if (!file.empty()) files.push_back(std::move(file));
      file.clear();
    } else {
      file += c;
    }
  }
  if (!file.empty()) files.push_back(file);
  return files;
}

// Whether every file that a manifest lists still has the contents it had.
bool is_current(const std::string& manifest) {
  std::istringstream lines(manifest);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    const auto text = contents(line.substr(space + 1));
    if (!text || fmt::format("{:016x}", hash_of(*text)) != line.substr(0, space)) return false;
  }
  return !manifest.empty();
}

std::string manifest_of(const std::vector<std::string>& files) {
  std::string manifest;
  for (const std::string& file : files) {
    const auto text = contents(file);
    if (text) manifest += fmt::format("{:016x} {}\n", hash_of(*text), file);
  }
  return manifest;
}

// How a source becomes a shared object: two commands, without the names of what they write.
struct Build {
  std::vector<std::string> compile, link;
  std::vector<std::string> linked_sources;
};

Build build_of(const fs::path& path, KernelLanguage language,
               const std::vector<std::string>& include_folders) {
  const fs::path root = header_root();
  const char* const chosen = std::getenv("CXX");
  Build build;
  build.compile = {chosen != nullptr && *chosen != '\0' ? chosen : "g++",
                   "-std=c++20",
                   "-O2",
                   "-g",
                   "-fPIC",
                   "-w",
                   "-I" + root.string()};
  const bool is_pto = language == KernelLanguage::pto;
  if (is_pto) build.compile.push_back("-I" + (root / "peal/pto/include").string());
  build.link = build.compile;
  build.compile.emplace_back("-c");
  for (const std::string& folder : include_folders) build.compile.push_back("-I" + folder);
  if (is_pto) {
    build.compile.insert(build.compile.end(),
                         {"-fstack-clash-protection", "-fno-optimize-sibling-calls",
                          "-fsanitize=thread", "--param", "tsan-instrument-func-entry-exit=0",
                          "-D__aicore__=", "-D__gm__=", "-include", "peal_kernel.hpp"});
    // The callbacks of the instrumented object are linked into it, and are not instrumented.
    build.linked_sources = {(root / "peal/pto/include/peal_callbacks.cpp").string()};
    build.link.push_back(build.linked_sources.front());
    build.link.emplace_back(
        "-Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset,--wrap=abort,"
        "--wrap=exit,--wrap=_exit,--wrap=__assert_fail");
  }
  build.compile.push_back(path.string());
  return build;
}

}  // namespace

std::string compile_source(const std::string& source, KernelLanguage language,
                           const std::vector<std::string>& include_folders) {
  std::error_code failed;
  const fs::path path = fs::canonical(source, failed);
  if (failed) {
    throw Error(fmt::format("kernel `{}` cannot be read: {}; name an existing source file", source,
                            failed.message()));
  }
  const fs::path cache = made_cache_folder();
  Build build = build_of(path, language, include_folders);
  std::vector<std::string>& command = build.compile;

  const std::string key =
      fmt::format("{:016x}", hash_of(fmt::format("{}", fmt::join(command, "\n"))));
  const fs::path manifest_path = cache / (key + ".manifest");
  const std::string manifest = contents(manifest_path).value_or("");
  const auto object_of = [&](const std::string& text) {
    return cache / fmt::format("{}-{:016x}.so", key, hash_of(text));
  };
  if (is_current(manifest) && fs::exists(object_of(manifest), failed)) {
    touch_cache_entry(manifest_path);
    touch_cache_entry(object_of(manifest));
    return object_of(manifest).string();
  }

  const fs::path work = cache / fmt::format("{}.{}", key, ::getpid());
  const auto beside = [&](const char* ending) { return fs::path(work.string() + ending); };
  command.insert(command.end(), {"-MD", "-MF", beside(".d"), "-o", beside(".o")});
  build.link.insert(build.link.end(), {"-shared", beside(".o"), "-o", beside(".so")});
  int code = run_program(command, beside(".log"));
  if (code == 0) code = run_program(build.link, beside(".log"));
  const std::string messages = contents(beside(".log")).value_or("");
  std::vector<std::string> files = dependencies(contents(beside(".d")).value_or(": "));
  files.insert(files.end(), build.linked_sources.begin(), build.linked_sources.end());
  for (const char* ending : {".log", ".d", ".o"}) fs::remove(beside(ending), failed);
  if (code != 0) {
    fs::remove(beside(".so"), failed);
    throw Error(fmt::format("kernel `{}` does not compile:\n{}", source, messages));
  }
  const std::string built = manifest_of(files);
  fs::rename(beside(".so"), object_of(built));
  std::ofstream(beside(".manifest")) << built;
  fs::rename(beside(".manifest"), manifest_path);
  clean_cache(cache, object_of(built), {});
  return object_of(built).string();
}

}  // namespace peal
