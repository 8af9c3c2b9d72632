// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/compiler.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/base/installation.h"
#include "peal/base/process/last_words.h"
#include "peal/pto/load/compiler_command.h"
#include "peal/pto/load/kernel_manifest.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// Attempts to get one consistent version of a source that changes while it is compiled.
constexpr int max_attempts = 10;

// The include folder that holds peal/pto/isa/abi.h and the headers of kernels.
fs::path header_root() {
  const std::vector<fs::path> roots = include_folders();
  std::error_code failed;
  for (const fs::path& root : roots) {
    if (fs::exists(root / "peal/pto/isa/abi.h", failed)) return root;
  }
  throw UsageError(
      fmt::format("the PTO headers are not found under {}; set PEAL_ROOT to the prefix of an "
                  "installed Peal",
                  fmt::join(std::vector<std::string>{roots.begin(), roots.end()}, ", ")));
}

// The prerequisites in a make rule that the compiler has written (-MD), with escapes undone.
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

// A hash of everything that determines what these commands make, except the contents of files.
std::string key_of(const ChosenCompiler& compiler, std::initializer_list<CommandWords> commands) {
  std::string text =
      fmt::format("peal object 5\n{}\n{}", compiler.identity, fmt::join(compiler.words, "\n"));
  for (const CommandWords& words : commands) text += fmt::format("\n{}", fmt::join(words, "\n"));
  for (const char* name : {"CPATH", "CPLUS_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH",
                           "LIBRARY_PATH", "SOURCE_DATE_EPOCH"}) {
    const char* const value = std::getenv(name);
    text += fmt::format("\n{}={}", name, value == nullptr ? "" : value);
  }
  return content_hash(text);
}

// The commands that turn a source into a shared object, without the names of their outputs.
struct Build {
  ChosenCompiler compiler;
  CommandWords preprocess, compile, link;  // arguments of the compiler
  // Those that turn the callbacks of the instrumentation into an object that is linked as well.
  // They are not instrumented, and the same for all kernels of a language.
  CommandWords preprocess_callbacks, compile_callbacks;
  std::string link_script;
  std::vector<std::string> include_folders;

  [[nodiscard]] CommandWords command(const CommandWords& arguments,
                                     const CommandWords& more) const {
    CommandWords result = compiler.words;
    result.insert(result.end(), arguments.begin(), arguments.end());
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }
  [[nodiscard]] std::string key() const { return key_of(compiler, {preprocess, link}); }
  [[nodiscard]] std::string callbacks_key() const {
    return key_of(compiler, {preprocess_callbacks});
  }
};

Build build_of(const fs::path& path, KernelLanguage language, const CompileOptions& options) {
  const fs::path root = header_root();
  Build build;
  build.compiler = chosen_compiler();
  build.include_folders = options.include_folders;
  const CommandWords always{"-std=c++20", "-O2", "-g", "-fPIC", "-w"};
  build.compile = build.link = build.preprocess = always;
  build.preprocess_callbacks = build.compile_callbacks = always;
  const auto add = [](CommandWords& words, std::initializer_list<std::string> more) {
    words.insert(words.end(), more.begin(), more.end());
  };
  const bool is_pto = language == KernelLanguage::pto;
  for (CommandWords* words : {&build.preprocess, &build.preprocess_callbacks}) {
    add(*words, {"-I" + root.string()});
    if (is_pto) add(*words, {"-I" + (root / "peal/pto/include").string()});
  }
  for (const std::string& folder : options.include_folders) {
    build.preprocess.push_back("-I" + folder);
  }
  for (const std::string& name : options.defines) build.preprocess.push_back("-D" + name);
  // The preprocessor needs these, too: -fsanitize=thread, for one, defines macros.
  for (CommandWords* words : {&build.preprocess, &build.compile}) {
    add(*words, {"-fno-optimize-sibling-calls", "-fsanitize=thread", "--param",
                 "tsan-instrument-func-entry-exit=0", "-fno-builtin-memcpy", "-fno-builtin-memmove",
                 "-fno-builtin-memset", "-fno-builtin-memcmp"});
    if (is_pto) add(*words, {"-fstack-clash-protection"});
  }
  add(build.preprocess, {"-include", (root / "peal/pto/include/peal_memory.hpp").string()});
  if (is_pto) {
    add(build.preprocess, {"-D__aicore__=", "-D__gm__=", "-include", "peal_kernel.hpp"});
  } else {
    add(build.preprocess_callbacks, {"-DPEAL_VERB_KERNEL"});
  }
  add(build.preprocess_callbacks, {(root / "peal/pto/include/peal_callbacks.cpp").string()});
  build.link_script = (root / "peal/pto/include/peal_kernel.ld").string();
  add(build.link,
      {"-Wl,-T," + build.link_script,
       "-Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset,--wrap=memcmp,--wrap=abort,--wrap=exit,"
       "--wrap=_exit,--wrap=_Exit,--wrap=quick_exit,--wrap=__assert_fail,"
       "--wrap=__cxa_guard_acquire,--wrap=__cxa_guard_release,--wrap=__cxa_guard_abort,"
       "--wrap=__cxa_atexit,--wrap=__cxa_thread_atexit,--wrap=atexit,--wrap=at_quick_exit"});
  build.preprocess.push_back(path.string());
  return build;
}

// What identifies the result of the preprocessor.
struct Preprocessed {
  std::string text_hash;       // of the preprocessed text and of what is linked with it
  std::string callbacks_hash;  // of the preprocessed text of the callbacks
  KernelManifest manifest;
};

// Locks the object of that name; nothing if it is missing, damaged or not trusted. The lock comes
// before the check, so that what was checked cannot be cleaned away before it is loaded.
std::optional<KernelObject> usable(const fs::path& object) {
  std::optional<CacheLock> lock = CacheLock::of(object);
  if (!lock || !is_sealed(object)) return std::nullopt;
  touch_cache_entry(object);
  return KernelObject{object.string(), *std::move(lock)};
}

class Compilation {
 public:
  Compilation(const std::string& source, const Build& build, const fs::path& cache)
      : source_(source), build_(build), cache_(cache), folder_(cache) {}

  // Preprocesses the source and hashes every file that the preprocessor has named. A file may be
  // saved between its reading and its hashing; then the manifest would describe contents that are
  // not in the text. The manifest is accepted only in two cases that exclude this:
  //  1. Every file's change time lies before `begin`, which precedes the preprocessor. No file has
  //     changed since, so text and hashes come from the same contents.
  //  2. The manifest equals that of the attempt before. All hashes were the same before and after
  //     this preprocessor run, so it has read these contents. (Files younger than `begin`, such as
  //     one just saved, get here.)
  Preprocessed preprocess() {
    std::optional<KernelManifest> before;
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
      const timespec begin = moment();
      std::vector<std::string> files{build_.link_script};
      const std::string kernel = preprocess(build_.preprocess, "text.ii", files);
      const std::string callbacks = preprocess(build_.preprocess_callbacks, "callbacks.ii", files);
      const std::string script = content_hash(file_contents(build_.link_script).value_or(""));
      std::sort(files.begin(), files.end());
      files.erase(std::unique(files.begin(), files.end()), files.end());
      KernelManifest manifest = KernelManifest::of(files, build_.include_folders);
      if (manifest.is_older_than(begin) || manifest == before) {
        return {content_hash(kernel + callbacks + script), callbacks, std::move(manifest)};
      }
      before = std::move(manifest);
    }
    throw UsageError(
        fmt::format("kernel `{}` changes while it is read; save it and run this again", source_));
  }

  // Compiles the texts of preprocess() to `object`. Returns false if the kernel's does not compile
  // but the source now does, as it has changed since, or if the callbacks' object was damaged
  // meanwhile; then the caller starts again.
  bool compile(const Preprocessed& read, const fs::path& object) {
    const CommandWords text{"-x", "c++-cpp-output", "-c", path("text.ii"), "-o", path("object.o")};
    const ProgramResult result =
        run_program(build_.command(build_.compile, text), folder_.file(""));
    if (!result.succeeded) {
      folder_.check_writable();
      // Compile the source itself, so that the messages quote it and not the preprocessed text.
      const ProgramResult again = run_program(
          build_.command(build_.preprocess, {"-c", "-o", path("object.o")}), folder_.file(""));
      if (again.succeeded) return false;
      refuse(again);
    }
    const std::optional<KernelObject> callbacks = compiled_callbacks(read.callbacks_hash);
    if (!callbacks) return false;
    run(build_.link, {"-shared", callbacks->path, path("object.o"), "-o", path("object.so")});
    publish_object("object.so", object);
    return true;
  }

  void publish(const KernelManifest& manifest, const std::string& text_hash, const fs::path& to) {
    manifest.write(path("manifest"), text_hash);
    folder_.publish("manifest", to);
  }

 private:
  [[nodiscard]] std::string path(const char* name) const { return folder_.file(name).string(); }

  // Writes the preprocessed text to a file of the build folder, appends the files that were read
  // to `files`, and returns the text's hash.
  std::string preprocess(const CommandWords& command, const char* to,
                         std::vector<std::string>& files) const {
    run(command, {"-E", "-MD", "-MF", path("rule"), "-MT", "x", "-o", path(to)});
    const std::optional<std::string> text = file_contents(path(to));
    if (!text || text->empty()) refuse_compiler("writes nothing");
    for (std::string& file : dependencies(file_contents(path("rule")).value_or(": "))) {
      files.push_back(std::move(file));
    }
    return content_hash(*text);
  }

  // The object of the callbacks, compiled unless the cache has it: their text takes as long to
  // compile as a short kernel's, and is the same for all. Nothing if another process has removed or
  // damaged it meanwhile.
  std::optional<KernelObject> compiled_callbacks(const std::string& text_hash) const {
    const fs::path name = cache_ / fmt::format("{}-{}.o", build_.callbacks_key(), text_hash);
    std::optional<KernelObject> object = usable(name);
    if (object) return object;
    run(build_.compile_callbacks,
        {"-x", "c++-cpp-output", "-c", path("callbacks.ii"), "-o", path("callbacks.o")});
    publish_object("callbacks.o", name);
    return usable(name);
  }

  void publish_object(const char* name, const fs::path& to) const {
    if (file_contents(path(name)).value_or("").empty()) refuse_compiler("writes no object");
    seal_object(path(name));
    if (!is_sealed(path(name))) folder_.check_writable();
    folder_.publish(name, to);
  }

  // The current time by the file system's clock, which change times are compared with.
  [[nodiscard]] timespec moment() const {
    const std::string mark = path("mark");
    std::ofstream(mark) << "x";
    struct stat status = {};
    if (::stat(mark.c_str(), &status) != 0) folder_.check_writable();
    return status.st_ctim;
  }

  void run(const CommandWords& arguments, const CommandWords& more) const {
    const ProgramResult result = run_program(build_.command(arguments, more), folder_.file(""));
    if (!result.succeeded) refuse(result);
  }

  [[noreturn]] void refuse(const ProgramResult& result) const {
    folder_.check_writable();
    if (result.signal != 0) {
      refuse_compiler(fmt::format("was ended by signal {} at kernel `{}`; is there enough memory?",
                                  result.signal, source_));
    }
    if (result.messages.empty()) {
      refuse_compiler(fmt::format("fails at kernel `{}` without a message", source_));
    }
    throw QuotedError(fmt::format("kernel `{}` does not compile:", source_), result.messages);
  }

  [[noreturn]] void refuse_compiler(const std::string& what) const {
    folder_.check_writable();
    throw UsageError(
        fmt::format("compiler `{}` {}; install g++, or set CXX to a compiler that takes "
                    "its options",
                    fmt::join(build_.compiler.words, " "), what));
  }

  const std::string& source_;
  const Build& build_;
  const fs::path& cache_;
  BuildFolder folder_;
};

}  // namespace

// An object is reused by two keys. `key` hashes the compiler and its options, and names a manifest.
// The text hash covers the preprocessed text and what is linked with it; both hashes name the
// object.
//  1. Fast path: if the manifest's files and folders are unchanged, the preprocessor would produce
//     the same text again (see KernelManifest), so its text hash names the object without a run.
//  2. Otherwise the preprocessor runs, and its text's hash names the object. The object may exist:
//     an edited comment, for example, changes the manifest but not the text.
//  3. Otherwise the text, not the source, is compiled. The name is thus a function of the contents:
//     processes that compile different versions at once write different files, and two that write
//     the same name write equal objects. publish() renames, so readers never see part of one.
// The manifest is published after the object that it points to.
KernelObject compile_source(const std::string& source, KernelLanguage language,
                            const CompileOptions& options) {
  std::error_code failed;
  const fs::path path = fs::canonical(source, failed);
  if (failed) {
    throw UsageError(fmt::format("kernel `{}` cannot be read: {}; name an existing source file",
                                 source, failed.message()));
  }
  if (!fs::is_regular_file(path, failed)) {
    throw UsageError(fmt::format("kernel `{}` is no file; name an existing source file", source));
  }
  const RightfulWait for_the_compiler;
  const Build build = build_of(path, language, options);
  const fs::path cache = made_cache_folder();
  const std::string key = build.key();
  const fs::path manifest = cache / (key + ".manifest");
  const auto object_of = [&](const std::string& text_hash) {
    return cache / fmt::format("{}-{}.so", key, text_hash);
  };
  if (const auto text_hash = KernelManifest::current_text_hash(manifest)) {
    if (std::optional<KernelObject> object = usable(object_of(*text_hash))) {
      touch_cache_entry(manifest);
      return *std::move(object);
    }
  }
  Compilation compilation(source, build, cache);
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    const Preprocessed read = compilation.preprocess();
    const fs::path name = object_of(read.text_hash);
    std::optional<KernelObject> object = usable(name);
    if (!object) {
      if (!compilation.compile(read, name)) continue;
      object = usable(name);  // nothing if another process has removed it meanwhile
    }
    if (!object) continue;
    compilation.publish(read.manifest, read.text_hash, manifest);
    clean_cache(cache, name, {});
    return *std::move(object);
  }
  throw UsageError(fmt::format(
      "kernel `{}` changes while it is compiled, or its object in cache folder `{}` does; run this "
      "again",
      source, cache.string()));
}

}  // namespace peal
